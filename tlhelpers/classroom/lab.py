"""JupyterLab on the learner's copies of the notebooks: for this machine only, and without Jupyter's news."""

import os
import secrets
from pathlib import Path

from tlhelpers.classroom.work import update_copies

# On the command line, where they count more than in files of settings: other machines cannot reach the server or its
# kernels, and other users of this machine do not know its token.
PROTECTION = [
    "--ServerApp.ip=127.0.0.1",
    "--ServerApp.sock=",
    "--ServerKernelManager.ip=127.0.0.1",
    "--ServerApp.identity_provider_class=jupyter_server.auth.identity.PasswordIdentityProvider",
    "--ServerApp.login_handler_class=jupyter_server.auth.login.LoginHandler",
]
OPTIONS = [
    "--ServerApp.allow_root=True",  # in a container everybody is root; the token and the address protect
    "--ServerApp.log_level=WARN",  # the address is shown all the same, and not among twenty other lines
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
]
# nobody is asked about news, and a page of text is opened to be read, not to be edited
SETTINGS = Path(__file__).parent / "jupyter"


def open_lab(originals: Path) -> None:
    """Bring the copies in ``work`` up to date and open JupyterLab on them, until the user stops it.

    Parameters
    ----------
    originals : Path
        The folder of the notebooks; ``work`` is beside it.

    Raises
    ------
    ValueError
        If there are no notebooks, or if the folder is that of the copies.
    RuntimeError
        If a copy cannot be written.
    """
    from jupyterlab.labapp import LabApp

    work = originals.resolve().parent / "work"
    print(*update_copies(originals, work), f"Your copies of the notebooks are in {work}.", sep="\n", flush=True)
    # The whole project is served, so that links to its pages lead somewhere; the folder of copies is opened.
    where = [f"--ServerApp.root_dir={work.parent}", f"--LabApp.default_url=/lab/tree/{work.name}"]
    # JupyterLab reads settings only from folders that this variable names; folders that the user named come after ours.
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(SETTINGS), os.environ.get("JUPYTER_CONFIG_PATH", "")])
    named = os.environ.get("JUPYTER_TOKEN")
    token = named or secrets.token_hex(24)
    server = LabApp.initialize_server([*where, *OPTIONS, *PROTECTION, f"--PasswordIdentityProvider.token={token}"])
    server.identity_provider.token_generated = not named  # so that the address that is printed contains it
    server.start()
