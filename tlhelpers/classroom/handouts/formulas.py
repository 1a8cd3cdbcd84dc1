"""Formulas as MathML, which browsers draw without any script."""

import re
from typing import Literal

from latex2mathml.converter import convert


def to_mathml(formula: str, display: Literal["inline", "block"] = "inline") -> str:
    r"""Return a formula in MathML.

    Browsers ignore the attribute that makes a letter bold, so a bold letter becomes a character that is bold by itself.

    Parameters
    ----------
    formula : str
        In LaTeX, without dollar signs.
    display : str
        "inline" for a formula in a sentence, "block" for one on a line of its own.

    Examples
    --------
    >>> "<mi>𝐖</mi>" in to_mathml(r"\mathbf W")
    True
    """
    bold = r'<mi mathvariant="bold">([A-Za-z])</mi>'
    return re.sub(bold, lambda match: f"<mi>{_bold(match[1])}</mi>", convert(formula, display=display))


def _bold(letter: str) -> str:
    """Return the mathematical bold form of a letter; the capitals begin at U+1D400, the small letters at U+1D41A."""
    return chr(ord(letter) - ord("A") + 0x1D400 if letter.isupper() else ord(letter) - ord("a") + 0x1D41A)
