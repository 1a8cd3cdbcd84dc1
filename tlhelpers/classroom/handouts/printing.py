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


def print_page(page: str, browser: str, folder: Path) -> bytes | None:
    """Return a page as a PDF with all solutions unfolded, or None if the browser fails.

    Parameters
    ----------
    page : str
        In HTML.
    browser : str
        The path of Chromium or Chrome.
    folder : Path
        Where the browser finds the page, for as long as it prints. The system's folder for temporary files is of no
        use, because a browser in a sandbox may not read it.
    """
    with TemporaryDirectory(dir=folder) as name:
        paper = Path(name).absolute() / "page.html"
        pdf = paper.with_suffix(".pdf")
        paper.write_text(_for_paper(page), encoding="utf-8")
        command = [browser, *OPTIONS, f"--print-to-pdf={pdf}", paper.as_uri()]
        try:
            subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=TIMEOUT)
            return pdf.read_bytes()
        except (OSError, subprocess.TimeoutExpired):
            return None


def _for_paper(page: str) -> str:
    """Unfold everything, and remove links to other files, because a PDF is read on its own."""
    unfolded = page.replace("<details", "<details open")
    return re.sub(r'<a\b[^>]*? href="(?!\w+:|#)[^"]*"', "<a", unfolded)
