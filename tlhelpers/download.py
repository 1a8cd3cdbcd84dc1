"""Download one file over HTTP within bounds of time and size; go on after an interruption where the host allows it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO

import requests
import urllib3
from tqdm.auto import tqdm

BLOCK = 1 << 16  # bytes to ask for at once
RANGE = HTTPStatus.PARTIAL_CONTENT  # the answer of a host that goes on where it was asked to
MEANINGS = {
    401: "the host wants a login; look for another address",
    403: "the host refuses; perhaps this network is blocked, so try another one",
    404: "there is no such file; the address is wrong or the file was moved",
    407: "the proxy of this network wants a login; name it with its password in HTTPS_PROXY",
    429: "too many requests came from this network; try again in some minutes",
    500: "the host has a fault; try again later",
    503: "the host is overloaded or under repair; try again later",
}


@dataclass(frozen=True)
class Limits:
    """What a download may take.

    Parameters
    ----------
    answer : float
        Seconds until the first answer, with the lookup of the host's name and all redirects.
    silence : float
        Seconds without any data.
    slow : float
        Seconds over which the speed is measured.
    speed : float
        Bytes a second that must arrive at least, on average over ``slow`` seconds.
    size : int
        Bytes that the file may have at most.
    attempts : int
        How often to ask at most. After an interruption the host is asked anew, unless hardly anything has arrived:
        less than ``speed`` wants in ``silence`` seconds.
    """

    answer: float = 3.0
    silence: float = 5.0
    slow: float = 10.0
    speed: float = 10_000.0
    size: int = 1_000_000_000
    attempts: int = 3


class InterruptedDownloadError(Exception):
    """The connection ended, or the host fell silent, before the file was complete."""


def download(url: str, path: Path, limits: Limits) -> None:
    """Download a file to a path.

    Parameters
    ----------
    url : str
    path : Path
    limits : Limits

    Raises
    ------
    RuntimeError
        If the host does not answer, refuses, is too slow, or sends too much or too little.
    """
    with path.open("wb") as file:
        for attempt in range(1, limits.attempts + 1):
            try:
                _receive(url, file, limits)
                return
            except InterruptedDownloadError as error:
                if attempt == limits.attempts or file.tell() < limits.speed * limits.silence:
                    raise RuntimeError(f"the download of {url} failed ({error}); try again later") from error


def check_host(url: str, seconds: float) -> None:
    """Ask a host for a file, and return when it begins to answer.

    Parameters
    ----------
    url : str
    seconds : float
        In which it has to answer.

    Raises
    ------
    RuntimeError
        If the host does not answer, or refuses.
    """
    with _answer(url, 0, Limits(answer=seconds)):
        pass


def _receive(url: str, file: BinaryIO, limits: Limits) -> None:
    """Append to the file what it lacks, or write it anew if the host sends all of it."""
    with _answer(url, file.tell(), limits) as response:
        if response.status_code != RANGE:
            file.seek(0)
            file.truncate()
        expected = _expected_size(url, response, file.tell(), limits)
        name = Path(str(file.name)).name
        with tqdm(total=expected, initial=file.tell(), unit="B", unit_scale=True, desc=name) as bar:
            for block in _in_time(url, _blocks(response, limits), limits):
                file.write(block)
                bar.update(len(block))
                if file.tell() > limits.size:
                    raise _too_large(url, limits)


@contextmanager
def _answer(url: str, start: int, limits: Limits) -> Iterator[requests.Response]:
    """Yield the answer to a request for the bytes from ``start`` on; raise RuntimeError if it is not the file."""
    response = _ask(url, start, limits)
    with response:
        if not response.ok:
            code = response.status_code
            standard = {status.value: f"{status.phrase}; try again later" for status in HTTPStatus}
            meaning = MEANINGS.get(code) or standard.get(code, "an unknown code; try again later")
            raise RuntimeError(f"the download of {url} failed ({code}: {meaning})")
        yield response


def _ask(url: str, start: int, limits: Limits) -> requests.Response:
    """Return the first answer of the host.

    The request runs in a thread because the timeout of requests does not cover the lookup of the host's name.
    """
    answers: list[requests.Response | Exception] = []
    given_up = threading.Event()

    def ask() -> None:
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        try:
            answers.append(requests.get(url, headers=headers, stream=True, timeout=(limits.answer, limits.silence)))
        except Exception as error:  # requests lets errors of other libraries pass, for some addresses
            answers.append(error)
        if given_up.is_set() and isinstance(answers[0], requests.Response):
            answers[0].close()

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(limits.answer)
    if not answers:
        given_up.set()
        raise RuntimeError(f"{url} cannot be reached (no answer in {limits.answer:g} seconds)")
    if isinstance(answers[0], Exception):
        raise RuntimeError(f"{url} {_reason(answers[0])}") from answers[0]
    return answers[0]


def _reason(error: Exception) -> str:
    name = type(error).__name__
    if isinstance(error, requests.exceptions.SSLError):
        return (
            f"cannot be reached ({name}: its certificate is not valid here; check the clock of this machine, or let "
            "REQUESTS_CA_BUNDLE name the certificates of your network)"
        )
    if isinstance(error, requests.TooManyRedirects):
        return f"cannot be reached ({name}: it leads from address to address in a circle)"
    return f"cannot be reached ({name})"


def _expected_size(url: str, response: requests.Response, start: int, limits: Limits) -> int | None:
    """Return the number of bytes that the whole file has, or None if the host does not tell."""
    length = response.headers.get("Content-Length", "")
    if not length.isdecimal():
        return None
    if start + int(length) > limits.size:
        raise _too_large(url, limits)
    return start + int(length)


def _too_large(url: str, limits: Limits) -> RuntimeError:
    return RuntimeError(
        f"the download of {url} was stopped: it has more than {limits.size:,} bytes, so it is another file than the "
        "one expected; try another network"
    )


def _blocks(response: requests.Response, limits: Limits) -> Iterator[bytes]:
    """Yield the bytes as they arrive; ``iter_content`` would wait until a block of a fixed size is full."""
    try:
        while block := response.raw.read1(BLOCK):
            yield block
    except urllib3.exceptions.ReadTimeoutError as error:
        raise InterruptedDownloadError(f"no data for {limits.silence:g} seconds") from error
    except urllib3.exceptions.HTTPError as error:
        raise InterruptedDownloadError(
            f"the connection ended before the file was complete, {type(error).__name__}"
        ) from error


def _in_time(url: str, blocks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    """Yield the blocks; raise RuntimeError if they are too few in any stretch of ``limits.slow`` seconds."""
    start, received = time.monotonic(), 0
    for block in blocks:
        yield block
        received += len(block)
        passed = time.monotonic() - start
        if passed > limits.slow:
            if received < limits.speed * passed:
                raise RuntimeError(
                    f"the download of {url} is too slow ({received / passed / 1000:.1f} kB a second); try another "
                    "network"
                )
            start, received = time.monotonic(), 0
