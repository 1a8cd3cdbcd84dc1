"""A host that misbehaves costs a bounded time and a bounded number of bytes, and one sentence says what it did."""

import re
import socket
import time
from pathlib import Path

import pytest

from tests.servers import head, scripted
from tlhelpers.download import Limits, download

QUICK = Limits(answer=1.0, silence=0.1, slow=0.1, speed=10.0, size=5000)
WHOLE = bytes(range(256)) * 16  # 4096 bytes
HALF = len(WHOLE) // 2

BAD_HOSTS = [  # what it does, what it sends, what the sentence says
    ("wants a login", [head(401)], r"failed \(401: the host wants a login"),
    ("refuses", [head(403)], r"failed \(403: the host refuses"),
    ("has no such file", [head(404)], r"failed \(404: there is no such file"),
    ("is asked too often", [head(429)], r"failed \(429: too many requests"),
    ("is broken", [head(500)], r"failed \(500: the host has a fault"),
    ("is under repair", [head(503)], r"failed \(503: the host is overloaded"),
    ("has a code of its own", [head(418)], r"failed \(418: "),
    ("has an unknown code", [head(599)], r"failed \(599: an unknown code"),
    ("leads in a circle", [head(302, location="/file", content_length=0)], r"cannot be reached .*in a circle"),
    ("closes at once", [], r"cannot be reached \(ConnectionError\)"),
    ("does not speak HTTP", [b"SSH-2.0-server\r\n"], r"cannot be reached \(ConnectionError\)"),
    ("falls silent after the headers", [head(200, content_length=9), 9.0], r"failed \(no data for 0.1 seconds\)"),
    ("falls silent in the middle", [head(200, content_length=4096), WHOLE[:9], 9.0], r"failed \(no data for 0.1"),
    (
        "sends less than it says",
        [head(200, content_length=4096), b"x" * 9],
        r"ended before the file was",
    ),
    ("breaks off in a chunk", [head(200, transfer_encoding="chunked"), b"9\r\nabc"], r"ended before the file was"),
    ("drips", [head(200, content_length=4096), *[b"x", 0.05] * 40], r"too slow \(0.0 kB a second\)"),
    ("sends without end", [head(200), *[WHOLE] * 40], r"more than 5,000 bytes"),
    ("announces too much", [head(200, content_length=10**12), 9.0], r"more than 5,000 bytes"),
]


@pytest.mark.parametrize(("steps", "sentence"), [row[1:] for row in BAD_HOSTS], ids=[row[0] for row in BAD_HOSTS])
def test_a_bad_host_is_explained(tmp_path, steps, sentence):
    """The sentence names the address and the cause, and comes as soon as the limits allow."""
    limits = Limits(answer=1.0, silence=0.1, slow=0.2, speed=1000.0, size=5000)
    start = time.monotonic()
    with scripted(steps) as (host, _), pytest.raises(RuntimeError, match=sentence) as caught:
        download(f"{host}/file", tmp_path / "file", limits)
    assert f"{host}/file" in str(caught.value) and time.monotonic() - start < 1.5


def test_the_limits_add_up_to_fifteen_seconds():
    """A learner who waits longer than that for a sentence believes that the notebook hangs."""
    limits = Limits()
    assert limits.answer + max(limits.silence, limits.slow) < 15 and limits.attempts * limits.silence <= 15


def test_a_wrong_certificate_is_explained(tmp_path):
    """A certificate that nobody vouches for, as a proxy shows it that opens the traffic."""
    with (
        scripted([head(200)], certificate=Path(__file__).with_name("self_signed.pem")) as (host, _),
        pytest.raises(RuntimeError, match=r"cannot be reached \(SSLError: its certificate is not valid.*REQUESTS_CA"),
    ):
        download(f"{host}/file", tmp_path / "file", QUICK)


def test_a_lookup_that_hangs_is_given_up(tmp_path, monkeypatch):
    """The timeout of requests does not cover it."""
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(0.5) or [])
    with pytest.raises(RuntimeError, match=r"cannot be reached \(no answer in 0.1 seconds\)"):
        download("http://host.invalid/file", tmp_path / "file", Limits(answer=0.1))


CONTINUED = [head(206, content_length=HALF, content_range=f"bytes {HALF}-4095/4096"), WHOLE[HALF:]]
ANEW = [head(200, content_length=4096), WHOLE]


@pytest.mark.parametrize("second", [CONTINUED, ANEW], ids=["goes on", "starts anew"])
@pytest.mark.parametrize("pause", [[], [9.0]], ids=["breaks off", "falls silent"])
def test_an_interrupted_download_is_completed(tmp_path, second, pause):
    """The second request asks for the second half; a host that sends all again is right too."""
    first = [head(200, content_length=4096), WHOLE[:HALF], *pause]
    with scripted(first, second) as (host, requests):
        download(f"{host}/file", tmp_path / "file", QUICK)
    assert (tmp_path / "file").read_bytes() == WHOLE
    assert [re.findall(r"Range: (.*)\r", request) for request in requests] == [[], [f"bytes={HALF}-"]]


def test_a_host_that_always_breaks_off_is_given_up(tmp_path):
    """It is asked three times."""
    with (
        scripted([head(200, content_length=4096), WHOLE[:HALF]]) as (host, requests),
        pytest.raises(RuntimeError, match="failed .*; try again later"),
    ):
        download(f"{host}/file", tmp_path / "file", QUICK)
    assert len(requests) == 3


def test_a_file_of_unknown_size_arrives(tmp_path):
    """Without a Content-Length the end of the connection is the end of the file."""
    with scripted([head(200), WHOLE]) as (host, _):
        download(f"{host}/file", tmp_path / "file", QUICK)
    assert (tmp_path / "file").read_bytes() == WHOLE
