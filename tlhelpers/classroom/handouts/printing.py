"""Pages as PDFs, printed by the browser of this machine."""

import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-pdf-header-footer")
TIMEOUT = 120  # seconds for one page


def find_browser() -> str | None:
    """Return the path of Chromium or Chrome on this machine, or None if it has neither."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def print_page(page: Path, browser: str) -> None:
    """Print a page as a PDF beside it, with all solutions unfolded. If the browser fails, one line says so.

    Parameters
    ----------
    page : Path
        An HTML file. The PDF gets its name, with the ending ``.pdf``.
    browser : str
        The path of Chromium or Chrome.
    """
    pdf = page.with_suffix(".pdf").absolute()
    # not in the system's folder for temporary files, which a browser in a sandbox may not read
    with TemporaryDirectory(dir=pdf.parents[1], prefix="printing-") as folder:
        paper = Path(folder).absolute() / page.name
        paper.write_text(_for_paper(page.read_text(encoding="utf-8")), encoding="utf-8")
        command = [browser, *OPTIONS, f"--print-to-pdf={pdf}", paper.as_uri()]
        try:
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT)
        except (OSError, subprocess.TimeoutExpired):
            pdf.unlink(missing_ok=True)
    if not pdf.exists():
        print(f"{page} has no PDF: {browser} could not print it; print it from another browser.")


def _for_paper(page: str) -> str:
    """Unfold everything, and remove links to other files, because a PDF is read on its own."""
    unfolded = page.replace("<details", "<details open")
    return re.sub(r'<a\b[^>]*? href="(?!\w+:|#)[^"]*"', "<a", unfolded)
