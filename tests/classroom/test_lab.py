"""JupyterLab answers on this machine only, and only those who know its token, whatever its user has configured."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import psutil
import pytest
import requests
from nbformat.v4 import new_notebook

from tlhelpers.classroom.lab import PROTECTION

ROOT = Path(__file__).parents[2]
OPEN_TO_ALL = {
    "ServerApp": {
        "ip": "0.0.0.0",
        "token": "",
        "password": "",
        "allow_remote_access": True,
        "identity_provider_class": "jupyter_server.auth.identity.LegacyIdentityProvider",
        "login_handler_class": "tornado.web.RequestHandler",
        "open_browser": False,
    },
    "IdentityProvider": {"token": ""},
    "PasswordIdentityProvider": {"token": "", "hashed_password": ""},
    "KernelManager": {"ip": "0.0.0.0"},
    "ServerKernelManager": {"ip": "0.0.0.0"},
}


def test_the_command_line_decides_who_can_reach_the_server():
    """Address, kind of identity and token are options of the command line, which count more than files of settings."""
    named = {option.split("=")[0] for option in PROTECTION}
    assert {"--ServerApp.ip=127.0.0.1", "--ServerKernelManager.ip=127.0.0.1", "--ServerApp.sock="} <= set(PROTECTION)
    assert {"--ServerApp.identity_provider_class", "--ServerApp.login_handler_class"} <= named


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """Run ``tlhelpers lab`` with settings that open it to all; return its process, its port and its token."""
    project = tmp_path_factory.mktemp("project")
    (project / "notebooks").mkdir()
    nbformat.write(new_notebook(), project / "notebooks" / "01_a.ipynb")
    config = project / "config"
    config.mkdir()
    (config / "jupyter_server_config.json").write_text(json.dumps(OPEN_TO_ALL))
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])  # this package, not one that is installed
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(config), "PYTHONPATH": paths}
    environment.pop("JUPYTER_TOKEN", None)
    command = [sys.executable, "-m", "tlhelpers.cli", "lab"]
    with (project / "log.txt").open("w") as log:
        server = subprocess.Popen(command, cwd=project, stdout=log, stderr=log, env=environment)
    try:
        address = wait_for_address(project / "log.txt", server)
        yield server, int(address[1]), address[2]
    finally:
        server.terminate()
        server.wait(timeout=30)


def wait_for_address(log, server):
    """Return the match of the address that the server prints."""
    for _ in range(240):
        address = re.search(r"http://127.0.0.1:(\d+)/lab/\S*\?token=([0-9a-f]{48})", log.read_text())
        if address and server.poll() is None:
            return address
        time.sleep(0.25)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


def status(port, host="127.0.0.1", **headers):
    """Return the status of the answer to a question that only the owner may ask."""
    return requests.get(f"http://{host}:{port}/api/sessions", headers=headers, timeout=10).status_code


@pytest.mark.slow
def test_without_the_token_nobody_is_let_in(lab):
    """Neither with no token nor with an empty or a wrong one; with the right one the server answers."""
    _, port, token = lab
    assert [status(port), status(port, Authorization="token "), status(port, Authorization="token 0")] == [403] * 3
    assert status(port, Authorization=f"token {token}") == 200


@pytest.mark.slow
def test_no_other_address_answers(lab):
    """Server and kernels listen on 127.0.0.1 and nowhere else."""
    server, port, token = lab
    with pytest.raises(requests.ConnectionError):
        status(port, host="127.0.0.2")  # a server that listens everywhere would answer
    headers = {"Authorization": f"token {token}"}
    kernel = requests.post(f"http://127.0.0.1:{port}/api/kernels", json={}, headers=headers, timeout=30)
    assert kernel.status_code == 201
    time.sleep(2)  # a kernel opens its ports while it starts
    processes = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    listening = [each for process in processes for each in process.net_connections() if each.status == "LISTEN"]
    assert len(listening) >= 5 and {each.laddr.ip for each in listening} == {"127.0.0.1"}
