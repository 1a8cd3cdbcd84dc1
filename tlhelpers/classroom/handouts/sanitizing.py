"""Remove from a page what could run or load something; what is allowed is listed here, and all else is removed."""

import re

import nh3

TEXT_TAGS = """
    a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5
    h6 hr i img ins kbd li mark ol p pre q s samp small span strong sub summary sup table tbody td tfoot th thead tr u
    ul var wbr
"""
FORMULA_TAGS = """
    math menclose mfrac mi mmultiscripts mn mo mover mpadded mphantom mprescripts mroot mrow ms mspace msqrt mstyle msub
    msubsup msup mtable mtd mtext mtr munder munderover
"""
FORMULA_ATTRIBUTES = """
    accent accentunder columnalign columnlines columnspacing depth display displaystyle fence form frame height largeop
    linethickness lspace mathvariant maxsize minsize movablelimits notation rowlines rowspacing rspace scriptlevel
    separator stretchy symmetric voffset width xmlns
"""
ATTRIBUTES = {tag: set(FORMULA_ATTRIBUTES.split()) for tag in FORMULA_TAGS.split()} | {
    "*": {"class", "data-mime-type", "dir", "id", "lang", "style", "tabindex", "title"},
    "a": {"href"},
    "col": {"span"},
    "details": {"open"},
    "img": {"alt", "height", "src", "width"},
    "li": {"value"},
    "ol": {"reversed", "start", "type"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
}
# removed with the text inside, which nobody is meant to read
REMOVED_WITH_TEXT = {"iframe", "noscript", "object", "script", "style", "svg", "template", "textarea", "title"}
# none that places something over the page, or that takes the address of a picture
STYLES = {"background-color", "color", "font-style", "font-weight", "text-align", "text-decoration", "vertical-align"}
LINKS = {"http", "https", "mailto"}
VALUES = {
    "href": re.compile(r"(?!\s*data:).*", re.IGNORECASE | re.DOTALL),
    # a picture in the page itself; a browser runs no script of an SVG that is shown as a picture
    "src": re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]+"),
    "style": re.compile(r"((?!url)[\w\s:;.,#%()+-])*", re.IGNORECASE),  # no address, also none that is written in codes
}


def sanitize(html: str) -> str:
    """Return HTML without scripts, forms, frames, styles that load, and pictures that are not in the page itself.

    Unclosed tags are closed, so that nothing in one cell of a notebook can hide the cells after it.

    Examples
    --------
    >>> sanitize('<b onclick="run()">bold</b><script>run()</script> <a href="javascript:run()">link</a>')
    '<b>bold</b> <a>link</a>'
    """
    return _CLEANER.clean(html)


def _keep_value(_tag: str, attribute: str, value: str) -> str | None:
    """Return the value of an attribute, or None to remove the attribute."""
    allowed = VALUES.get(attribute)
    return value if allowed is None or allowed.fullmatch(value) else None


_CLEANER = nh3.Cleaner(
    tags={*TEXT_TAGS.split(), *FORMULA_TAGS.split()},
    clean_content_tags=REMOVED_WITH_TEXT,
    attributes=ATTRIBUTES,
    attribute_filter=_keep_value,
    filter_style_properties=STYLES,
    url_schemes=LINKS | {"data"},
    link_rel=None,
)
