"""The files that build the lab on Binder are ones that Binder obeys."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parents[2]
BINDER = ROOT / "binder"
SCRIPTS = ("postBuild", "start")


def names(lines: list[str]) -> set[str]:
    return {re.split(r"[\[><=;! ]", line)[0].lower().replace("_", "-") for line in lines if line}


@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_are_executable_and_parse(script: str) -> None:
    path = BINDER / script
    assert os.access(path, os.X_OK)
    assert path.read_text().startswith("#!/bin/bash\n")
    subprocess.run(["bash", "-n", path], check=True)


def test_executable_in_git_too() -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is an unpacked release, not a checkout: git keeps the modes")
    listing = subprocess.run(
        ["git", "ls-files", "--stage", *(f"binder/{script}" for script in SCRIPTS)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    modes = {line.split()[-1]: line.split()[0] for line in listing.stdout.splitlines()}
    assert modes == {f"binder/{script}": "100755" for script in SCRIPTS}


def test_the_build_stops_at_the_first_error_and_installs_the_project() -> None:
    lines = (BINDER / "postBuild").read_text().splitlines()
    commands = [line for line in lines if line and not line.startswith("#")]
    assert commands[0] == "set -euo pipefail"
    assert re.match(r"python -m pip install .*--no-deps \.$", commands[1])


def test_the_start_hands_over_to_what_binder_wants_to_run() -> None:
    lines = (BINDER / "start").read_text().splitlines()
    assert lines[-1] == 'exec "$@"'
    in_front = [line for line in lines[:-1] if line and not line.startswith("#")]
    assert all(line.endswith("&") for line in in_front), "a start must not wait"


def test_the_start_really_hands_over(tmp_path: Path) -> None:
    (tmp_path / "veristack").write_text('#!/bin/bash\ntouch "$TMPDIR/warmed"\n')
    (tmp_path / "veristack").chmod(0o755)
    environment = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
    }
    done = subprocess.run(
        [BINDER / "start", "echo", "handed over"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    assert done.stdout == "handed over\n"
    wait_until((tmp_path / "warmed").exists, "the start has warmed up, in the background")


def test_what_is_pinned_is_what_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    pinned = (BINDER / "requirements.txt").read_text().splitlines()
    assert names(project["dependencies"]) <= names(pinned)
    assert all("==" in line for line in pinned if line and not line.startswith("#"))


def test_python_is_one_the_project_supports() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    assert f"Programming Language :: Python :: {version}" in project["classifiers"]


def test_nothing_at_the_root_would_be_read_instead() -> None:
    assert not (ROOT / ".binder").exists()
