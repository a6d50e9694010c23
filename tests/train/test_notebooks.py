"""The notebooks run from a clean start, draw what they say, and are committed without what they printed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

FOLDER = Path(__file__).parents[2] / "notebooks"
BOOKS = sorted(FOLDER.glob("*.ipynb"))
_MACHINE = re.compile(r"/(?:home|root|tmp|usr|Users)/|site-packages")


def test_all_four_are_there() -> None:
    assert [path.stem[:2] for path in BOOKS] == ["01", "02", "03", "04"]


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_no_output_is_committed(path: Path) -> None:
    book = json.loads(path.read_text(encoding="utf-8"))
    nbformat.validate(book)
    code = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    assert not [cell for cell in code if cell["outputs"] or cell["execution_count"]]
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])


class _ThisPython(AsyncKernelManager):  # type: ignore[misc]
    """The kernel of the Python that runs the tests, whatever kernels are installed."""

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], language="python"
        )


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)
def test_it_runs_and_draws(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in ("KENTONGAN_DATASET", "KENTONGAN_MODEL"):
        monkeypatch.delenv(name, raising=False)
    book = nbformat.read(path, as_version=4)
    client = NotebookClient(
        book, kernel_manager_class=_ThisPython, timeout=300, resources={"metadata": {"path": str(tmp_path)}}
    )
    client.execute()
    outputs = [output for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 2
    said = "".join(output.get("text", "") for output in outputs)
    assert said
    assert not _MACHINE.search(said)
    assert not [output for output in outputs if output.output_type == "stream" and output.name == "stderr"]
