"""Each notebook's memory: what was measured stands in the README and fits on Binder."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.notebooks import memory
from tests.waiting import wait_until
from veristack_lab.runtime import guardian

NOTEBOOKS = {path.stem for path in (memory.ROOT / "notebooks").glob("*.ipynb")}
ROLLUP = """\
00400000-7ffe [rollup]
Rss:              100000 kB
Pss:               50000 kB
Pss_Anon:          30000 kB
Pss_File:          20000 kB
SwapPss:            1000 kB
"""


def test_every_notebook_was_measured_and_fits_on_binder() -> None:
    frame = memory.stored()
    assert set(frame["notebook"]) == NOTEBOOKS
    assert (frame["peak_mb"] > 100).all()
    too_large = frame[frame["peak_mb"] > memory.LIMIT_MB]
    assert list(too_large["notebook"]) == []


def test_the_readme_holds_the_table_of_what_was_measured() -> None:
    page = memory.README.read_text()
    assert memory.with_table(page, memory.stored()) == page


def test_swapped_out_memory_counts_and_file_pages_are_told_apart() -> None:
    assert memory.parse_rollup(ROLLUP) == (51_000 * 1024, 20_000 * 1024)


@pytest.mark.parametrize(
    ("command_line", "program"),
    [
        ("python -m ipykernel_launcher -f x", "kernel"),
        ("/x/postgres -D data", "Postgres"),
        ("/x/bin/java -Xmx160m kafka.Kafka", "Kafka"),
        ("python -m veristack_lab.backends.engine_process", "engines"),
        ("python -m jupyterlab --no-browser", "JupyterLab"),
        ("python -m veristack_lab.veriflow.run", "schedulers and runs"),
        ("python -m veristack_lab s3 serve objects --port 0", "object server"),
        ("python -m something", "others"),
    ],
)
def test_processes_are_called_what_they_are(command_line: str, program: str) -> None:
    assert memory.program_of(command_line) == program


def test_a_child_that_takes_memory_is_seen_and_an_ended_one_is_left_out() -> None:
    size = 64 << 20
    code = f"block = bytearray({size}); block[::4096] = b'x' * ({size} // 4096); input()"
    argv = [sys.executable, "-c", code]
    others = guardian.with_descendants({os.getpid()})  # servers of other tests
    with (
        subprocess.Popen(argv, stdin=subprocess.PIPE) as child,
        memory.Watch(without=others) as watch,
    ):
        wait_until(lambda: watch.peak.total > size, "the child's memory is seen")
        child.communicate(b"\n")
    assert watch.peak.total < size + (200 << 20)
    assert memory.sample([child.pid]) == memory.Sample(())


def test_a_new_row_replaces_the_old_one_of_its_notebook() -> None:
    def row(name: str, peak: int) -> dict[str, object]:
        sizes = (memory.Size("kernel", peak * memory.MB, 0), memory.Size("Kafka", 2_000_000, 0))
        return memory.row_of(name, memory.Sample(sizes), 1.2)

    old = pd.DataFrame([row("01_b", 100), row("02_c", 100)])
    frame = memory.merged(old, {"00_a": row("00_a", 300), "02_c": row("02_c", 1200)})
    assert list(frame["notebook"]) == ["00_a", "01_b", "02_c"]
    assert list(frame["peak_mb"]) == [302, 102, 1202]
    told = memory.table(frame)
    assert "| [02](notebooks/02_c.ipynb) | 1,202 | 0 | 2 | kernel 1200, Kafka 2 |" in told
    with pytest.raises(ValueError, match="lacks the marks"):
        memory.with_table("no marks", frame)
    assert Path(memory.TABLE).suffix == ".tsv"
