"""Ties controls to a picture and a sentence, and shows them as one output: alive, or as a picture."""

import base64
import html
from collections.abc import Callable
from functools import partial

import ipywidgets as widgets
from IPython.display import display
from traitlets import Unicode

from tlhelpers.byhand import output_size
from tlhelpers.widgets.drawing import Page

VIEW = "application/vnd.jupyter.widget-view+json"
Draw = Callable[..., tuple[Page, str]]


class Picture(widgets.Image):
    """An image whose ``tooltip`` is read out in place of an alternative text, which ipywidgets does not have.

    The page asks every widget with a tooltip for its description, and images bring none.
    """

    description = Unicode().tag(sync=True)


class Explorer:
    """Controls, and a picture with a sentence below that follow them.

    Parameters
    ----------
    draw : Callable
        Takes the values of the controls by name; returns a picture and a sentence that says what is in it. A
        ValueError of it is shown in place of the sentence, and the last picture stays.
    controls : dict of widgets
        Each has a ``value``.
    panel : widget
        The controls as they are laid out.
    alt : str
        What the picture shows at first, for those who cannot see it.
    settle : Callable, optional
        Called with the name of a control before what follows its change is drawn; may change the others.
    """

    def __init__(
        self,
        draw: Draw,
        controls: dict[str, widgets.Widget],
        panel: widgets.Widget,
        *,
        alt: str,
        settle: Callable[[str], None] | None = None,
    ) -> None:
        self.draw, self.controls, self.alt, self.settle = draw, controls, alt, settle
        self.picture = Picture(format="png", tooltip=alt, layout={"align_self": "flex-start"})
        self.line = widgets.HTML(layout={"max_width": "800px"})
        self.box = widgets.VBox([panel, self.picture, self.line])
        self._settling = False
        self.update()
        for name, control in controls.items():
            control.observe(partial(self._changed, name), "value")

    def _changed(self, name: str, _) -> None:
        if self._settling:  # a control changed another one, and will draw for both
            return
        self._settling = True
        try:
            if self.settle is not None:
                self.settle(name)
        finally:
            self._settling = False
        self.update()

    def update(self) -> None:
        """Draw anew."""
        try:
            page, sentence = self.draw(**{name: control.value for name, control in self.controls.items()})
        except ValueError as error:
            sentence = f"{error}."
        else:
            self.page = page
            self.picture.value = page.png()
        self.line.value = html.escape(sentence)

    def show(self) -> None:
        """Display the widget and its picture as one output, of which every reader shows what it can."""
        bundle = {
            VIEW: self.box._repr_mimebundle_()[VIEW],
            "image/png": base64.b64encode(self.page.png(compress_level=9)).decode(),  # it may be stored
            "text/plain": f"Figure: {self.alt}",
        }
        display(bundle, metadata={"image/png": {"alt": self.alt}}, raw=True)


def slider(low: int, high: int, value: int, description: str) -> widgets.IntSlider:
    """Return a slider over whole numbers."""
    return widgets.IntSlider(value, low, high, description=description, layout={"width": "290px"})


def lead(controls: dict[str, widgets.Widget], shape: tuple[int, int], *options: int) -> None:
    """Let the sliders "row" and "column" choose among the outputs of an image; kernel, stride, … as ``output_size``."""
    try:
        places = [output_size(size, *options) for size in shape]
    except ValueError:  # the drawing says so
        return
    for name, count in zip(("row", "column"), places, strict=True):
        controls[name].max = count - 1
