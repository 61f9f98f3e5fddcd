"""Importing the package and its command line stays cheap.

What is cheap is counted in modules, which is the same on every machine; seconds are not.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE_S

HEAVY = {
    "IPython",
    "anywidget",
    "fastapi",
    "ipywidgets",
    "kafka",
    "kubernetes",
    "llvmlite",
    "numba",
    "numpy",
    "ollama",
    "pandas",
    "plotly",
    "psycopg",
    "scipy",
    "uvicorn",
    "xllamacpp",
}
NAMED_BY_THE_ARCHITECTURE = {"numba", "pandas", "plotly"}

REPORT = """
import json, sys
before = set(sys.modules)
{statement}
print(json.dumps(sorted(set(sys.modules) - before)))
"""

# The least of several runs in one process each: the disk and the neighbours only ever add.
CPU_SECONDS = """
import sys, time
started = time.process_time()
{statement}
print(time.process_time() - started)
"""


def run(program: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    return json.loads(done.stdout)


def loaded_by(statement: str) -> set[str]:
    return set(run(REPORT.format(statement=statement)))


def cpu_s(statement: str) -> float:
    return min(float(run(CPU_SECONDS.format(statement=statement))) for _ in range(5))


def roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_importing_the_package_loads_next_to_nothing() -> None:
    loaded = loaded_by("import veristack_lab")
    assert not roots(loaded) & HEAVY
    ours = {name for name in loaded if name.startswith("veristack_lab")}
    assert ours == {"veristack_lab"}
    assert len(loaded) < 10, sorted(loaded)


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    assert not roots(loaded_by("import veristack_lab.cli")) & HEAVY


def test_help_loads_nothing_heavy() -> None:
    loaded = loaded_by(
        "from veristack_lab.cli import app\n"
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    app(['--help'], standalone_mode=False)"
    )
    assert not roots(loaded) & NAMED_BY_THE_ARCHITECTURE


@pytest.mark.parametrize(
    "layer",
    ["veristore", "llmcache", "veriflow", "smartsearch", "kernels", "backends", "sim", "widgets"],
)
def test_naming_a_layer_loads_no_jit_frames_or_plots(layer: str) -> None:
    loaded = loaded_by(f"import veristack_lab\nveristack_lab.{layer}")
    assert f"veristack_lab.{layer}" in loaded
    assert not roots(loaded) & NAMED_BY_THE_ARCHITECTURE


def test_the_package_costs_less_than_a_small_part_of_the_standard_library() -> None:
    """The promise is 0.15 s. `asyncio` is the yardstick: it takes about a tenth of a second
    of a slow CPU, and both are measured on this one."""
    ours, yardstick = cpu_s("import veristack_lab"), cpu_s("import asyncio")
    print(f"veristack_lab {ours * 1e3:.1f} ms, asyncio {yardstick * 1e3:.1f} ms of CPU time")
    assert ours < yardstick


def test_every_public_name_is_reachable_and_listed() -> None:
    import veristack_lab

    assert dir(veristack_lab) == sorted(veristack_lab.__all__)
    for name in veristack_lab.__all__:
        assert getattr(veristack_lab, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'raft'"):
        veristack_lab.raft  # noqa: B018  # the access is what is tested


def test_the_types_are_those_of_the_names() -> None:
    import veristack_lab

    stub = ast.parse(Path(veristack_lab.__file__).with_suffix(".pyi").read_text())
    imported = {
        alias.name for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert imported | {"__version__"} == set(veristack_lab.__all__)
