"""Nonsense on the command line ends with one clear line, never with a traceback.

Every command is given bad values for every argument and option, one at a time. The other values are
such that a command which takes the bad one ends by itself. No server is started: the addresses of
"your" servers lead nowhere.
"""

from __future__ import annotations

import io
import re
import signal
import sys
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import typer

from tests.waiting import PATIENCE_S
from veristack_lab import cli, errors

COMMAND = typer.main.get_command(cli.app)
DEAD = "http://127.0.0.1:1"
FILE = "a-file"
BAD = ("", "-1", "nan", "nonsense", "9" * 20, "\udcff", "{}", FILE, f"{FILE}/below", "x" * 300)
NOWHERE = "/proc/nonsense/below"

# What makes a command end by itself, should it take the bad value.
OTHERWISE: dict[str, list[str]] = {
    "tour": ["--only", "nonsense"],
    "bench": ["nonsense"],
    "book": ["--only", "nonsense"],
    "crash-sweep": ["--workload", "nonsense"],
    "store serve": ["a-store", "--port", "70000"],
    "s3 serve": ["a-store", "--port", "70000"],
    "gateway serve": ["--port", "70000"],
    "jobs serve": ["--port", "70000"],
    "jobs schedule": ["--objects", DEAD],
    "jobs submit": ["primes", "--url", DEAD],
    "jobs list": ["--url", DEAD],
    "ingest serve": ["--port", "70000"],
    "store torture": ["--path", FILE],
    "backends start": ["postgres"],
    "museum run": [],
    "sim sweep": ["--seeds", "1", "--workers", "1"],
}
# Elsewhere these are names of new folders, and the work of a minute begins.
ONLY = {("store torture", "--path"): (FILE, f"{FILE}/below", NOWHERE, "x" * 300)}


def leaves(command: Any = COMMAND, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), command
    for name, each in (below or {}).items():
        yield from leaves(each, (*path, name))


LEAVES = dict(leaves())


def is_option(parameter: Any) -> bool:
    return parameter.opts[0].startswith("-")


def base(name: str) -> list[str]:
    """Arguments that a command needs, none of them right."""
    if name in OTHERWISE:
        return OTHERWISE[name]
    needed = [p for p in LEAVES[name].params if not is_option(p) and p.required]
    values = ["a-store" if p.name == "path" else "nonsense" for p in needed]
    urls = [p for p in LEAVES[name].params if "--url" in p.opts]
    return [*values, *(["--url", DEAD] if urls else [])]


def argvs(name: str) -> Iterator[list[str]]:
    start = name.split()
    yield [*start, "--nonsense"]
    yield [*start, *base(name), "too", "many", "words"]
    place = 0
    for parameter in LEAVES[name].params:
        for bad in ONLY.get((name, parameter.opts[0]), (*BAD, NOWHERE)):
            if is_option(parameter):
                if not parameter.is_flag:
                    yield [*start, *base(name), parameter.opts[0], bad]
            else:
                given = base(name)
                yield [*start, *given[:place], bad, *given[place + 1 :]]
        place += not is_option(parameter)


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder to work in, servers that do not answer, and a limit for the whole test."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "VERISTACK_SMARTSEARCH", "AWS_ACCESS_KEY_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none?connect_timeout=2")
    monkeypatch.setenv("OLLAMA_HOST", DEAD)
    monkeypatch.setenv("KUBECONFIG", "nonsense")
    monkeypatch.setattr(cli, "app", COMMAND)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))
    monkeypatch.chdir(tmp_path)
    (tmp_path / FILE).write_text("not a store")
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}

    def too_long(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"{sys.argv} goes on for ever")

    before[signal.SIGALRM] = signal.signal(signal.SIGALRM, too_long)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    for number, handler in before.items():
        signal.signal(number, handler)


def run(
    argv: list[str], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> tuple[int, str]:
    """The exit code and what was printed on standard error."""
    monkeypatch.setattr(sys, "argv", ["veristack", *argv])
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)
    code = 0
    try:
        cli.main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, capfd.readouterr().err


def is_clear(code: int, told: str) -> bool:
    """Whether a command ended well, with a usage message, or with an error of the lab by name."""
    if "Traceback" in told:
        return False
    if code == 0:
        return True
    if code == 2:
        return "Usage:" in told
    named = re.search(r"^(\w+): \S", told, re.MULTILINE)
    kinds = vars(errors)
    return code == 1 and (
        (named is not None and named[1] in kinds and len(told) > len(named[0]))
        or "there is no key" in told
    )


@pytest.mark.parametrize("name", LEAVES)
@pytest.mark.usefixtures("nowhere")
def test_nonsense_ends_with_a_clear_error(
    name: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    unclear = {}
    for argv in argvs(name):
        try:
            code, told = run(argv, monkeypatch, capfd)
        except Exception as error:  # noqa: BLE001 - all of them are told together
            unclear[" ".join(argv)] = f"{type(error).__name__}: {error}"
            continue
        if not is_clear(code, told):
            unclear[" ".join(argv)] = f"{code}: {told}"
    assert unclear == {}


def test_the_version_is_the_package_s(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["veristack", "--version"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    assert capsys.readouterr().out == f"veristack {metadata.version('veristack-lab')}\n"


@pytest.mark.parametrize("url", ["nonsense", "postgresql://[", "postgresql://127.0.0.1:99999/x"])
@pytest.mark.parametrize("command", ["jobs serve --port 0", "ingest dead-letters", "jobs schedule"])
@pytest.mark.usefixtures("nowhere")
def test_a_database_url_that_is_none_is_told(
    url: str, command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    argv = command.split() + (["--objects", DEAD] if command == "jobs schedule" else [])
    code, told = run(argv, monkeypatch, capfd)
    assert code == 1
    assert is_clear(code, told), told
    assert told.partition(":")[0] in ("BackendUnavailable", "InvalidInput")


@pytest.mark.parametrize("lease", ["nan", "inf", "0", "-3"])
@pytest.mark.usefixtures("nowhere")
def test_a_lease_that_is_no_time_is_a_usage_error(
    lease: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    code, told = run(["jobs", "serve", "--lease", lease], monkeypatch, capfd)
    assert code == 2
    assert "--lease" in told


@pytest.mark.parametrize("command", ["jobs serve {} --port 0", "ingest pressure --folder {}"])
@pytest.mark.parametrize("folder", [FILE, f"{FILE}/below", NOWHERE])
@pytest.mark.usefixtures("nowhere")
def test_a_folder_that_cannot_hold_data_is_told(
    command: str, folder: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("DATABASE_URL")
    code, told = run(command.format(folder).split(), monkeypatch, capfd)
    assert (code, told.partition(":")[0]) == (1, "FolderUnusable"), told
