"""Run notebooks from top to bottom, each in a kernel of its own, and report the time, memory and results of each."""

import ast
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import ipykernel.kernelspec
import nbformat
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbclient.util import run_sync
from nbformat import NotebookNode
from nbformat.v4 import new_notebook
from tqdm import tqdm

from tlhelpers.classroom.kernel import QUESTION
from tlhelpers.classroom.notebooks import clean, find_notebooks, read_notebook
from tlhelpers.files import replacing

# how often a kernel is asked before it counts as one that does not answer
ATTEMPTS = 50
WAY_OUT = "start tlhelpers in a folder that can be written"


@dataclass
class NotebookRun:
    """How the run of one notebook went.

    Parameters
    ----------
    name : str
        The name of the file, without its ending.
    seconds : float
    megabytes : float or None
        The peak memory of the kernel; None if the kernel died or the notebook did not use tlhelpers.
    results : dict of str to float
        The accuracies that the notebook reached, from 0 to 1.
    error : str or None
        Which cell failed and why; None if all cells ran.
    """

    name: str
    seconds: float = 0.0
    megabytes: float | None = None
    results: dict[str, float] = field(default_factory=dict)
    error: str | None = None


def run_all(folder: Path, copies: Path) -> Iterator[tuple[NotebookNode, NotebookRun]]:
    """Run every notebook of a folder, which itself stays as it is.

    Parameters
    ----------
    folder : Path
    copies : Path
        Gets an executed copy of each notebook, also of one that failed.

    Yields
    ------
    notebook : NotebookNode
        The executed copy, as soon as its last cell has run; an empty one if the file does not hold a notebook.
    run : NotebookRun

    Raises
    ------
    ValueError
        If there is no notebook in the folder.
    RuntimeError
        If a copy cannot be written.
    """
    paths = find_notebooks(folder)
    with replacing(copies / ".tried", way_out=WAY_OUT) as tried:  # now, and not after the first notebook has run
        tried.mkdir()
    (copies / ".tried").rmdir()
    for path in paths:
        try:
            notebook, run = run_notebook(path)
        except ValueError as error:  # the others run all the same
            yield new_notebook(), NotebookRun(path.stem, error=str(error))
            continue
        with replacing(copies / path.name, way_out=WAY_OUT) as new:
            nbformat.write(notebook, new)
        yield notebook, run


def run_notebook(path: Path) -> tuple[NotebookNode, NotebookRun]:
    """Run a notebook in its own folder up to the first error, with a progress bar.

    Returns
    -------
    notebook : NotebookNode
        An executed copy, clean enough to be stored.
    run : NotebookRun

    Raises
    ------
    ValueError
        If the file does not hold a notebook.
    """
    notebook = read_notebook(path)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    run, start = NotebookRun(path.stem), time.perf_counter()
    kernel = AsyncKernelManager(kernel_spec_manager=_ThisPython())
    client = NotebookClient(
        notebook,
        km=kernel,
        timeout=None,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    try:
        # what the kernel itself prints while it starts is of no use to a reader
        with client.setup_kernel(cleanup_kc=True, stderr=subprocess.DEVNULL):
            run.error = _run_cells(client, path.stem)
            run.seconds = time.perf_counter() - start
            answers = _ask(client) if run_sync(kernel.is_alive)() else {}
            run.megabytes, run.results = answers.get("megabytes"), answers.get("results", {})
    except (OSError, RuntimeError) as error:
        run.error = f"no kernel started ({error}); 'tlhelpers doctor' says what this machine lacks"
    clean(notebook)
    return notebook, run


def report(runs: list[NotebookRun]) -> str:
    """Return the table of runs: notebook, seconds, peak memory, and the accuracies reached or the error."""
    width = max(len(run.name) for run in runs)
    lines = [f"{'notebook':{width}}  seconds  peak memory  accuracy reached"]
    for run in runs:
        memory = f"{run.megabytes:,.0f} MB" if run.megabytes else "?"
        reached = ", ".join(f"{name} {value:.1%}" for name, value in run.results.items())
        last = f"FAILED: {run.error}" if run.error else reached.replace("%", " %")
        lines.append(f"{run.name:{width}}  {run.seconds:7.1f}  {memory:>11}  {last}".rstrip())
    return "\n".join([*lines, f"{'together':{width}}  {sum(run.seconds for run in runs):7.1f}"])


def _run_cells(client: NotebookClient, name: str) -> str | None:
    """Run cell by cell; return where and why it stopped, or None."""
    count = 0
    for index, cell in enumerate(tqdm(client.nb.cells, desc=name, unit="cell")):
        count += cell.cell_type == "code"
        try:
            client.execute_cell(cell, index)
        except CellExecutionError as error:
            last_line = error.evalue.strip().splitlines()[-1:]
            return f"cell [{count}]: {': '.join([error.ename, *last_line])}"
        except DeadKernelError:
            return f"cell [{count}]: the kernel died; often there was not enough memory"
    return None


def _ask(client: NotebookClient) -> dict[str, Any]:
    """Return the answer of a kernel to ``QUESTION``; an empty dict if it does not have tlhelpers."""
    ask = run_sync(cast(AsyncKernelClient, client.kc).execute_interactive)
    for _ in range(ATTEMPTS):  # for a moment after an error, a kernel refuses what it is asked
        reply = ask("", store_history=False, user_expressions={"answer": QUESTION}, timeout=60)["content"]
        if reply["status"] != "aborted":
            break
        time.sleep(0.1)
    answer = reply.get("user_expressions", {}).get("answer", {"status": "aborted"})
    return ast.literal_eval(answer["data"]["text/plain"]) if answer["status"] == "ok" else {}


class _ThisPython(KernelSpecManager):
    """Starts kernels of the Python that runs this program, whatever kernels are installed elsewhere."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(**ipykernel.kernelspec.get_kernel_dict())
