"""Run notebooks top to bottom, each in a kernel of its own, and report how it went."""

import ast
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import ipykernel.kernelspec
import nbformat
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, DeadKernelError
from nbclient.util import run_sync
from nbformat import NotebookNode
from tqdm import tqdm

from tlhelpers.classroom.notebooks import clean, find_notebooks

# What the kernel is asked at the end: its peak memory, and a notebook's own results if it collects any.
QUESTIONS = {
    "megabytes": "__import__('sys').modules['tlhelpers.machine'].peak_memory()",
    "results": "{str(name): float(value) for name, value in globals().get('RESULTS', {}).items()}",
}


@dataclass
class NotebookRun:
    """How the run of one notebook went.

    ``megabytes`` is the peak memory of its kernel, None if it died or never used tlhelpers; ``results`` holds
    accuracies from 0 to 1 by name; ``error`` says which cell failed and why, None if all ran.
    """

    name: str
    seconds: float = 0.0
    megabytes: float | None = None
    results: dict[str, float] = field(default_factory=dict)
    error: str | None = None


def run_all(folder: Path, build: Path) -> list[NotebookRun]:
    """Run every notebook of a folder; write executed copies and handouts, and leave the folder as it is.

    Parameters
    ----------
    folder : Path
    build : Path
        Gets ``notebooks/*.ipynb`` and ``handouts``, of the notebooks that did not fail.

    Raises
    ------
    ValueError
        If there is no notebook in the folder, or if handouts would be written over it.
    """
    from tlhelpers.classroom.handouts import write_handouts

    runs, paths = [], find_notebooks(folder)
    (build / "notebooks").mkdir(parents=True, exist_ok=True)

    def executed() -> Iterator[tuple[str, NotebookNode]]:
        for path in paths:
            notebook, run = run_notebook(path)
            nbformat.write(notebook, build / "notebooks" / path.name)
            runs.append(run)
            if run.error is None:
                yield path.stem, notebook

    write_handouts(folder, executed(), build / "handouts")
    return runs


def run_notebook(path: Path) -> tuple[NotebookNode, NotebookRun]:
    """Run a notebook in its own folder up to the first error, with a progress bar.

    Returns
    -------
    notebook : NotebookNode
        An executed copy, clean enough to be stored.
    run : NotebookRun
    """
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    run, start = NotebookRun(path.stem), time.perf_counter()
    client = NotebookClient(
        notebook,
        km=AsyncKernelManager(kernel_spec_manager=_ThisPython()),
        timeout=None,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    # what the kernel itself says while it starts is of no use to a reader
    with client.setup_kernel(cleanup_kc=True, stderr=subprocess.DEVNULL):
        run.error = _run_cells(client, path.stem)
        run.seconds = time.perf_counter() - start
        for name, value in _ask(client).items():
            setattr(run, name, value)
    clean(notebook)
    return notebook, run


def report(runs: list[NotebookRun]) -> str:
    """Return the table of runs: notebook, seconds, peak memory, accuracies reached or the error."""
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


def _ask(client: NotebookClient) -> dict:
    """Return the kernel's answers to QUESTIONS; none from a kernel that is dead or does not know."""
    if not run_sync(client.km.is_alive)():
        return {}
    ask = run_sync(client.kc.execute_interactive)
    reply = ask("", store_history=False, user_expressions=QUESTIONS, timeout=60)
    answers = reply["content"]["user_expressions"]
    return {
        name: ast.literal_eval(answer["data"]["text/plain"])
        for name, answer in answers.items()
        if answer["status"] == "ok"
    }


class _ThisPython(KernelSpecManager):
    """Kernels of the Python that runs this, whatever kernels are installed elsewhere."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(**ipykernel.kernelspec.get_kernel_dict())
