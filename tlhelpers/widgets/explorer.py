"""An explorer ties controls to a picture and a sentence; it is a widget or, without a kernel, a picture."""

import base64
import html
from collections.abc import Callable
from functools import partial

import ipywidgets as widgets
from IPython.display import display
from traitlets import Unicode

from tlhelpers.byhand import output_size
from tlhelpers.widgets.drawing import Page

Draw = Callable[..., tuple[Page, str]]


class Picture(widgets.Image):
    """An image whose ``tooltip`` screen readers read aloud, because images of ipywidgets have no alternative text.

    JupyterLab asks every widget that has a tooltip for its description, and images do not have one by themselves.
    """

    description = Unicode().tag(sync=True)


class Explorer:
    """Controls, and below them a picture and a sentence that follow the controls.

    Parameters
    ----------
    draw : callable
        Takes the values of the controls by name and returns a page and a sentence that says what the page shows. If it
        raises a ValueError, the message is shown in place of the sentence, and the last picture stays.
    controls : dict of widgets
        Each has a ``value``.
    panel : widget
        The layout of the controls.
    alt : str
        What the first picture shows, for readers who cannot see it.
    on_change : callable, optional
        Called with the name of the control that was changed, before the new picture is drawn. It may change other
        controls.
    """

    def __init__(
        self,
        draw: Draw,
        controls: dict[str, widgets.Widget],
        panel: widgets.Widget,
        *,
        alt: str,
        on_change: Callable[[str], None] | None = None,
    ) -> None:
        self.draw, self.controls, self.alt, self.on_change = draw, controls, alt, on_change
        self.picture = Picture(format="png", tooltip=alt, layout={"align_self": "flex-start"})
        self.line = widgets.HTML(layout={"max_width": "800px"})
        self.box = widgets.VBox([panel, self.picture, self.line])
        self._changing = False
        self.update()
        for name, control in controls.items():
            control.observe(partial(self._changed, name), "value")

    def _changed(self, name: str, _: object) -> None:
        if self._changing:  # another control changed this one, and will draw for both
            return
        self._changing = True
        try:
            if self.on_change is not None:
                self.on_change(name)
        finally:
            self._changing = False
        self.update()

    def update(self) -> None:
        """Draw the picture and write the sentence for the present values of the controls."""
        try:
            page, sentence = self.draw(**{name: control.value for name, control in self.controls.items()})
        except ValueError as error:
            sentence = f"{error}."
        else:
            self.page = page
            self.picture.value = page.png()
        self.line.value = html.escape(sentence)

    def show(self) -> None:
        """Display the widget and its picture as one output. A page without a kernel shows the picture."""
        bundle = self.box._repr_mimebundle_() | {
            "image/png": base64.b64encode(self.page.png(compress_level=9)).decode(),  # small, since it may be stored
            "text/plain": f"Figure: {self.alt}",
        }
        display(bundle, metadata={"image/png": {"alt": self.alt}}, raw=True)


def slider(low: int, high: int, value: int, description: str) -> widgets.IntSlider:
    """Return a slider over the integers from ``low`` to ``high``."""
    return widgets.IntSlider(value, low, high, description=description, layout={"width": "290px"})


def limit_position(controls: dict[str, widgets.Widget], shape: tuple[int, ...], *options: int) -> None:
    """Let the sliders "row" and "column" reach all outputs of an image (H, W), and no further.

    The options are those of ``output_size``: kernel, stride, padding, dilation.
    """
    try:
        counts = [output_size(size, *options) for size in shape]
    except ValueError:  # drawing raises it again, and the explorer shows its message
        return
    for name, count in zip(("row", "column"), counts, strict=True):
        controls[name].max = count - 1
