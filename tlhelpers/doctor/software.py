"""Python, PyTorch and Jupyter: whether they are there, and whether they fit each other."""

import json
import platform
import re
import subprocess
import sys
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tlhelpers.doctor.findings import Finding, missing, ok, wrong

INSTALL = "install the project: pip install -e ."
INSTALL_BOTH = "install torch and torchvision again, together and from one place"
# by the first number of the version of ipywidgets: that of jupyterlab_widgets, which draws them in JupyterLab
WIDGETS = {"7": "1", "8": "3"}
LOOK = "import importlib.util as i, json; print(json.dumps([p for p in {packages!r} if not i.find_spec(p)]))"
KERNEL_TIMEOUT = 20.0  # seconds for a Python to start


def find_python() -> Finding:
    """Examine the version of Python."""
    found = f"{platform.python_version()}, {sys.executable}"
    return ok(found) if sys.version_info >= (3, 11) else wrong(f"{found}, too old", "install Python 3.11 or newer")


def find_package(name: str) -> Finding:
    """Examine whether a package can be imported, and return its version."""
    try:
        return ok(import_module(name).__version__)
    except ModuleNotFoundError as error:
        if error.name == name:
            return missing("not installed", INSTALL)
        return wrong(f"does not load, because {error.name} is missing", INSTALL)
    except Exception as error:  # a library that does not fit this system has many types of errors
        return wrong(f"does not load ({type(error).__name__}: {error})", INSTALL_BOTH)


def find_pair() -> Finding:
    """Let torchvision compute something with its own compiled code, which fits one version of torch only."""
    try:
        import torch
        from torchvision.ops import nms

        kept = nms(torch.tensor([[0.0, 0.0, 2.0, 2.0], [0.0, 0.0, 2.0, 1.9]]), torch.tensor([0.5, 0.9]), 0.5)
    except Exception as error:  # a missing operator is a RuntimeError, a library that does not load an OSError
        return wrong(f"torchvision does not work with this torch ({type(error).__name__})", INSTALL_BOTH)
    return ok("torchvision works with this torch") if kept.tolist() == [1] else wrong("a wrong result", INSTALL_BOTH)


def find_jupyter() -> Finding:
    """Examine whether JupyterLab is there, with the extension that draws this version of ipywidgets."""
    try:
        lab, widgets, drawn = (version(name) for name in ("jupyterlab", "ipywidgets", "jupyterlab_widgets"))
    except PackageNotFoundError as error:
        return missing(f"{error.name} is not installed", INSTALL)
    found = f"JupyterLab {lab}, ipywidgets {widgets}, jupyterlab_widgets {drawn}"
    if WIDGETS.get(widgets.split(".")[0]) != drawn.split(".")[0]:
        return wrong(f"{found} do not fit each other", "pip install --upgrade jupyterlab ipywidgets jupyterlab_widgets")
    if not any((folder / "@jupyter-widgets" / "jupyterlab-manager").is_dir() for folder in _extension_folders()):
        return wrong(
            f"{found}, but JupyterLab does not find the last", "pip install --force-reinstall jupyterlab_widgets"
        )
    return ok(found)


def _extension_folders() -> list[Path]:
    """Return the folders in which JupyterLab looks for extensions: beside those in which Jupyter looks for kernels."""
    from jupyter_client.kernelspec import KernelSpecManager

    return [Path(folder).with_name("labextensions") for folder in KernelSpecManager().kernel_dirs]


def find_kernel() -> Finding:
    """Examine the Python that Jupyter starts for a notebook: whether it is this one, and finds tlhelpers."""
    from jupyter_client.kernelspec import KernelSpecManager

    command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    python = sys.executable if re.fullmatch(r"python[\d.]*", command) else command
    remedy = "start Jupyter with: tlhelpers lab; or make the kernel anew: python -m ipykernel install --sys-prefix"
    try:
        lacking = _lacking(python)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        return wrong(f"{python}, which does not start ({type(error).__name__})", remedy)
    if lacking:
        return wrong(f"{python}, which has no {' and no '.join(lacking)}", remedy)
    if Path(python).absolute().parent != Path(sys.executable).absolute().parent:
        return wrong(f"{python}, another Python than this one", remedy)
    return ok(f"{python}, this Python, with tlhelpers")


def _lacking(python: str) -> list[str]:
    """Return which packages a Python does not find; it looks from another folder than that of this project."""
    code = LOOK.format(packages=["ipykernel", "tlhelpers", "torch"])
    options = {"cwd": Path(python).parent, "timeout": KERNEL_TIMEOUT, "check": True, "capture_output": True}
    return json.loads(subprocess.run([python, "-c", code], **options).stdout)  # type: ignore[call-overload]
