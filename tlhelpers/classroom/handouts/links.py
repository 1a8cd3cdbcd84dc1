"""Links from a notebook to files outside its folder, and where they lead in a handout; pictures beside a page."""

import base64
import copy
import re
from pathlib import Path

from nbformat import NotebookNode

# A link to a file in a folder above, or to a Markdown file beside the notebook: its text, the file, and a heading in it
_LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\((\.\./[^)\s#]+|[\w-]+\.md)(#[^)\s]*)?\)")

_PICTURE = re.compile(r"!\[([^\]]*)\]\(([\w-]+\.png)\)")  # a picture beside the page: its text, and the file


def linked_files(notebook: NotebookNode, home: Path) -> set[Path]:
    """Return the files outside its folder that a notebook links to.

    Parameters
    ----------
    notebook : NotebookNode
    home : Path
        The folder of the notebook, from which its links start.
    """
    texts = (cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    return {(home / file).resolve() for text in texts for _, file, _ in _LINK.findall(text)}


def redirect_links(notebook: NotebookNode, home: Path, pages: dict[Path, str]) -> NotebookNode:
    """Return a copy of a notebook whose links lead to pages of the handout.

    Parameters
    ----------
    notebook : NotebookNode
    home : Path
        The folder of the notebook, from which its links start.
    pages : dict of Path to str
        The name of the page for each file that is in the handout. Of a link to any other file only the text stays.
    """

    def redirect(link: re.Match) -> str:
        page = pages.get((home / link[2]).resolve())
        return f"[{link[1]}]({page}{link[3] or ''})" if page else link[1]

    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _LINK.sub(redirect, cell.source)
    return notebook


def embed_pictures(text: str, home: Path) -> str:
    """Return a page in Markdown that holds the pictures which were files beside it.

    Parameters
    ----------
    text : str
    home : Path
        The folder of the page.
    """

    def embed(picture: re.Match) -> str:
        content = base64.b64encode((home / picture[2]).read_bytes()).decode()
        return f"![{picture[1]}](data:image/png;base64,{content})"

    return _PICTURE.sub(embed, text)
