"""Settings of Sphinx for the site that ``make docs`` writes: README, notebooks, docs and the reference of the package.

No notebook is run and torch is not imported: notebooks show their stored outputs, and the reference is read from the
source of the package.
"""

import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tlhelpers.classroom.handouts.formulas import to_mathml  # noqa: E402
from tools.site import lower_anchors, notebook_to_markdown, shorten_types  # noqa: E402

project = html_title = "Transfer learning, by hand and for real"
extensions = ["myst_parser", "autoapi.extension", "sphinx.ext.napoleon"]

# The source is the whole project, so that links between its files lead to the same places in the site.
root_doc = "README"
include_patterns = ["*.md", "docs/*.md", "docs/reference/**", "notebooks/*.ipynb"]
exclude_patterns = [".*", "build", "work", "tests", "benchmarks", "tlhelpers"]
source_suffix = {".md": "markdown", ".ipynb": "markdown", ".rst": "restructuredtext"}
NAVIGATION = """
```{toctree}
:hidden:

Start <self>
```
```{toctree}
:hidden:
:caption: Notebooks
:glob:

notebooks/*
```
```{toctree}
:hidden:
:caption: Reference

tlhelpers <docs/reference/tlhelpers/index>
All names <genindex>
```
```{toctree}
:hidden:
:caption: Help and teaching
:glob:

docs/*
*
```
"""

myst_enable_extensions = ["amsmath", "dollarmath"]
myst_heading_anchors = 4
html_math_renderer = "mathml"

autoapi_dirs = ["tlhelpers"]
autoapi_file_patterns = ["*.py"]
autoapi_root = "docs/reference"  # where the pages lie while the site is built
autoapi_template_dir = "docs/templates"
autoapi_add_toctree_entry = False
autoapi_options = ["members"]  # with a docstring and without a leading underscore
autoapi_member_order = "bysource"
suppress_warnings = ["autoapi.python_import_resolution"]  # of constants that are unpacked from a tuple
add_module_names = False
python_maximum_signature_line_length = 80
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_param = False  # types are words such as "(N, C) tensor" and no names to link
napoleon_use_rtype = False

html_theme = "furo"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False


def read_source(app, name, source):
    """Change the text of a page before Sphinx parses it."""
    if app.env.doc2path(name).suffix == ".ipynb":
        source[0] = notebook_to_markdown(source[0])
    source[0] = shorten_types(source[0]) if name.startswith("docs/reference/") else lower_anchors(source[0])
    if name == root_doc:
        source[0] += NAVIGATION


def write_formula(translator, node):
    """Write a formula as MathML."""
    translator.body.append(to_mathml(node.astext(), display="block" if node.tagname == "math_block" else "inline"))
    node.clear()  # so that its LaTeX is not written as well


def copy_home(app, exception):
    """Let the site begin with the README also where a server or a reader opens index.html."""
    if exception is None:
        shutil.copy(app.outdir / "README.html", app.outdir / "index.html")


def setup(app):
    """Connect the functions above to Sphinx."""
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    app.connect("source-read", read_source)
    app.connect("build-finished", copy_home)
