"""How much memory each notebook takes: `python -m tests.notebooks.memory [FILE...]`.

A notebook is run by nbclient while a JupyterLab server stands beside it, as on Binder. Every
`PERIOD_S` the tool adds up the proportional set size (PSS) of the kernel, of the server and of all
processes below them: a page that n processes share counts 1/n in each of them. The largest sum is
the peak. Shorter peaks than the period may be missed. File pages (the model, the programs) can be
dropped by the system and read again, so they are told apart.

The rows go to `tests/notebooks/memory.tsv` and as a table into README.md.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import nbformat
import pandas as pd
from nbclient import NotebookClient

from veristack_lab.runtime import guardian, processes
from veristack_lab.runtime.progress import OnProgress, bar, silent

ROOT = Path(__file__).resolve().parents[2]
TABLE = Path(__file__).with_name("memory.tsv")
README = ROOT / "README.md"
BEGIN, END = "<!-- memory: begin -->\n", "<!-- memory: end -->\n"

LIMIT_MB = 2000
"""What Binder gives at most: beyond it the kernel is killed."""
PERIOD_S = 0.25
CELL_TIMEOUT_S = 900
MB = 1000 * 1000
_FIELD = re.compile(r"^(Pss|Pss_File|SwapPss):\s+(\d+) kB$", re.MULTILINE)
PROGRAMS = {
    "ipykernel": "kernel",
    "jupyterlab": "JupyterLab",
    "postgres": "Postgres",
    "java": "Kafka",
    "engine_process": "engines",
    "veriflow": "schedulers and runs",
    "smartsearch": "relay and workers",
    "s3 serve": "object server",
}
"""Words of a command line, and what the table calls such a process."""
OTHERS = "others"


@dataclass(frozen=True)
class Size:
    """The memory of one process, in bytes."""

    program: str
    pss: int
    """Swapped-out pages included."""
    file: int
    """The part of it that is backed by files."""


@dataclass(frozen=True)
class Sample:
    """All processes at one moment."""

    sizes: tuple[Size, ...]

    @property
    def total(self) -> int:
        """Bytes of all processes."""
        return sum(size.pss for size in self.sizes)

    @property
    def file(self) -> int:
        """Bytes of all processes that are backed by files."""
        return sum(size.file for size in self.sizes)

    def by_program(self) -> dict[str, int]:
        """Bytes of each program, the largest first."""
        found: dict[str, int] = {}
        for size in self.sizes:
            found[size.program] = found.get(size.program, 0) + size.pss
        return dict(sorted(found.items(), key=lambda pair: -pair[1]))


def program_of(command_line: str) -> str:
    """What the table calls a process with this command line."""
    return next((name for word, name in PROGRAMS.items() if word in command_line), OTHERS)


def parse_rollup(text: str) -> tuple[int, int]:
    """PSS with its swapped part, and the part backed by files, of a `smaps_rollup`, in bytes."""
    fields = {name: int(kilobytes) * 1024 for name, kilobytes in _FIELD.findall(text)}
    return fields["Pss"] + fields.get("SwapPss", 0), fields.get("Pss_File", 0)


def sample(pids: Iterable[int]) -> Sample:
    """The memory of these processes now; those that have ended meanwhile are left out."""
    sizes = []
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            folder = Path(f"/proc/{pid}")
            command_line = folder.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode()
            rollup = folder.joinpath("smaps_rollup").read_text()
            if rollup:  # a zombie has none
                sizes.append(Size(program_of(command_line), *parse_rollup(rollup)))
    return Sample(tuple(sizes))


class Watch:
    """Samples everything below this process, itself not counted, until it is stopped."""

    def __init__(self, without: Collection[int] = ()) -> None:
        self._without = {os.getpid(), *without}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory", daemon=True)
        self.peak = Sample(())
        self.samples = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            now = sample(guardian.with_descendants({os.getpid()}) - self._without)
            self.samples += 1
            self.peak = max(self.peak, now, key=lambda each: each.total)
            if self._stop.wait(PERIOD_S):
                return


@contextmanager
def jupyterlab(folder: Path) -> Iterator[None]:
    """A JupyterLab server with an empty folder of notebooks."""
    places = {
        f"JUPYTER_{what}": str(folder / what.lower())
        for what in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    }
    (folder / "notebooks").mkdir()
    argv = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={processes.free_port()}", f"--notebook-dir={folder / 'notebooks'}"),
    ]
    log = folder / "jupyterlab.log"
    with processes.spawn(argv, name="jupyterlab", log_path=log, env=places, cwd=folder) as server:
        processes.wait_until_ready(server, lambda: "is running at" in server.log_tail(60), 120.0)
        yield


def measure(path: Path, on_progress: OnProgress = silent) -> dict[str, object]:
    """Run one notebook; its row of the table.

    Raises:
        CellExecutionError: a cell of it failed.
    """
    notebook = nbformat.read(path, as_version=4)
    codes = sum(cell.cell_type == "code" for cell in notebook.cells)
    done = iter(range(1, codes + 1))
    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT_S,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.resolve().parent)}},
        on_cell_executed=lambda **_: on_progress(next(done), codes),
    )
    started_s = time.monotonic()
    with (
        processes.temporary_folder() as folder,
        jupyterlab(folder),
        Watch(_guardians()) as watch,
    ):
        client.execute()
    return row_of(path.stem, watch.peak, time.monotonic() - started_s)


def row_of(notebook: str, peak: Sample, seconds: float) -> dict[str, object]:
    """A row of the table, in megabytes and seconds."""
    parts = ", ".join(
        f"{name} {size / MB:.0f}" for name, size in peak.by_program().items() if size >= MB
    )
    return {
        "notebook": notebook,
        "peak_mb": round(peak.total / MB),
        "file_mb": round(peak.file / MB),
        "processes": len(peak.sizes),
        "seconds": round(seconds),
        "parts_mb": parts,
    }


def _guardians() -> set[int]:
    """The guardian of this tool's own children, which no learner has."""
    return {pid for pid in guardian.with_descendants({os.getpid()}) if guardian.is_guardian(pid)}


def table(frame: pd.DataFrame) -> str:
    """The rows as the table of the README."""
    lines = [
        "| notebook | peak, MB | of it files, MB | processes | what takes it, MB |",
        "|---|---:|---:|---:|---|",
    ]
    for row in frame.itertuples():
        link = f"[{str(row.notebook)[:2]}](notebooks/{row.notebook}.ipynb)"
        cells = (link, f"{row.peak_mb:,}", f"{row.file_mb:,}", f"{row.processes}", row.parts_mb)
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines) + "\n"


def stored() -> pd.DataFrame:
    """What was measured last, one row for each notebook."""
    return pd.read_csv(TABLE, sep="\t")


def with_table(page: str, frame: pd.DataFrame) -> str:
    """The page with this table between its two marks."""
    before, found, rest = page.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"the page lacks the marks {BEGIN.strip()} and {END.strip()}")
    return before + BEGIN + table(frame) + END + after


def merged(old: pd.DataFrame | None, new: Mapping[str, Mapping[str, object]]) -> pd.DataFrame:
    """The old rows with the new ones in their places, in the order of the notebooks."""
    rows = {} if old is None else {str(row["notebook"]): row for row in old.to_dict("records")}
    rows |= new  # type: ignore[arg-type]
    return pd.DataFrame([rows[name] for name in sorted(rows)])


def main() -> None:
    """Measure the notebooks that were named, or all, the largest number last."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path, metavar="FILE")
    chosen = parser.parse_args().notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    for path in chosen:
        with bar(path.stem) as tick:
            row = measure(path, tick)
        frame = merged(stored() if TABLE.exists() else None, {path.stem: row})
        frame.to_csv(TABLE, sep="\t", index=False)
        README.write_text(with_table(README.read_text(), frame))
        print(f"{path.stem}: {row['peak_mb']} MB ({row['parts_mb']})", flush=True)


if __name__ == "__main__":
    main()
