"""With a filled cache, the notebooks reach no other machine: ``python -m tools.offline`` runs them all that way."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import failure_to_load
from tlhelpers import tutorial_photos
from tools.offline.__main__ import HOOK

ROOT = Path(__file__).parents[1]
OUTSIDE = "192.0.2.1"  # an address that no machine has; it is for documentation


def run_offline(code, folder):
    """Run a line of Python with the hook; return the process, and the attempts that were noted."""
    attempts = folder / "attempts.txt"
    attempts.touch()
    environment = {**os.environ, "PYTHONPATH": str(HOOK), "OFFLINE_ATTEMPTS": str(attempts)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    return done, attempts.read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    ("code", "noted"),
    [
        (f"import socket; socket.create_connection(('{OUTSIDE}', 80))", f"socket.getaddrinfo {OUTSIDE}"),
        (f"import socket; socket.socket().connect(('{OUTSIDE}', 80))", f"socket.connect ('{OUTSIDE}', 80)"),
        (f"import socket; socket.socket().connect_ex(('{OUTSIDE}', 80))", f"socket.connect ('{OUTSIDE}', 80)"),
        ("import socket; socket.gethostbyname('host.invalid')", "socket.gethostbyname host.invalid"),
        ("import subprocess; subprocess.run(['npm', 'view', 'left-pad'])", "subprocess.Popen npm"),
        (
            f"import socket, contextlib as c\nwith c.suppress(OSError): socket.socket().connect(('{OUTSIDE}', 80))",
            f"socket.connect ('{OUTSIDE}', 80)",
        ),
    ],
)
def test_an_attempt_is_noted(code, noted, tmp_path):
    """It fails with the address, and is noted even if the program goes on."""
    done, attempts = run_offline(code, tmp_path)
    assert attempts == [noted]
    assert "suppress" in code or "is not on this machine" in done.stderr


def test_this_machine_can_be_reached(tmp_path):
    """Loopback addresses, pairs of unix sockets and other programs work as ever."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"import socket, subprocess, sys; socket.create_connection(('localhost', {port})); socket.socketpair()"
        done, attempts = run_offline(f"{code}; subprocess.run([sys.executable, '-V'], check=True)", tmp_path)
    assert (done.returncode, attempts) == (0, []), done.stderr


@pytest.mark.slow
def test_notebooks_reach_no_other_machine(tmp_path):
    """One by hand, and one with weights and photos, if these are there or can be fetched before."""
    filled = not failure_to_load("auto") and not failure_to_load("he2015") and tutorial_photos().classes[0] == "ants"
    names = ["01_convolution_by_hand", *(["05_inside_resnet50"] if filled else [])]
    command = [sys.executable, "-m", "tools.offline", *(f"notebooks/{name}.ipynb" for name in names)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("no other machine was asked") == len(names)
