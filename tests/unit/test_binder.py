"""The files that build the lab on Binder are ones that Binder obeys."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from packaging.requirements import Requirement

from tests.waiting import PATIENCE_S, wait_until
from veristack_lab.cli import app

ROOT = Path(__file__).resolve().parents[2]
BINDER = ROOT / "binder"
README = ROOT / "README.md"
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
    quick = {"veristack notebooks copy"}  # some files, before they are opened
    slow = [line for line in in_front if line not in quick]
    assert all(line.endswith("&") for line in slow), "a start must not wait"


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


# ------------------------------------------------------- the rules of repo2docker

# What repo2docker reads in a folder binder/; beside these it reads nothing, without a word.
KNOWN = {
    "apt.txt",
    "environment.yml",
    "postBuild",
    "requirements.txt",
    "runtime.txt",
    "setup.py",
    "start",
}
# With one of these another builder takes over, and requirements.txt counts for nothing.
TAKES_OVER = (
    "Dockerfile",
    "environment.yml",
    "install.R",
    "Project.toml",
    "REQUIRE",
    "default.nix",
)
DEBIAN_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]+")
GUARANTEED = {"--no-cache-dir", "--no-deps"}


def commands_of(script: str) -> list[str]:
    """The commands of a script, without comments and blank lines."""
    lines = (BINDER / script).read_text().splitlines()
    return [line for line in lines if line.strip() and not line.startswith("#")]


def test_every_file_is_one_that_is_read() -> None:
    assert {path.name for path in BINDER.iterdir()} <= KNOWN


def test_no_other_builder_takes_over() -> None:
    assert [name for name in TAKES_OVER if (BINDER / name).exists()] == []


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_lines_end_as_the_shell_and_pip_want_them(name: str) -> None:
    path = BINDER / name
    content = path.read_bytes() if path.exists() else b"\n"
    assert b"\r" not in content
    assert b"\xef\xbb\xbf" not in content
    assert content.endswith(b"\n")


def test_system_packages_are_names_one_a_line() -> None:
    lines = (BINDER / "apt.txt").read_text().splitlines()
    named = [line for line in lines if line and not line.startswith("#")]
    assert named
    assert [line for line in named if not DEBIAN_PACKAGE.fullmatch(line)] == []


def test_the_runtime_is_one_word_and_a_python() -> None:
    assert re.fullmatch(r"python-3\.\d+\n", (BINDER / "runtime.txt").read_text())


def test_the_build_needs_no_root_and_no_directory_of_its_own() -> None:
    commands = commands_of("postBuild")
    words = {word for line in commands for word in line.split()}
    assert not words & {"sudo", "apt-get", "apt", "su", "cd", "/srv", "/root"}
    assert set(commands[1].split()) >= GUARANTEED


def test_the_build_runs_commands_that_exist() -> None:
    """Each `veristack` command of the build is one that the command line knows."""
    group = typer.main.get_command(app)
    called = [
        line.split()[1:] for line in commands_of("postBuild") if line.startswith("veristack ")
    ]
    assert called
    for words in called:
        command: Any = group
        for word in words:
            command = getattr(command, "commands", {}).get(word, command)
        assert command is not group, words


def test_the_pins_suit_the_python_of_the_image() -> None:
    """Every pin has a marker that is false on Python 3.12, or resolves to exactly one version."""
    lines = (BINDER / "requirements.txt").read_text().splitlines()
    version = (BINDER / "runtime.txt").read_text().strip().removeprefix("python-")
    environment = {"python_full_version": f"{version}.0", "python_version": version}
    chosen: dict[str, set[str]] = {}
    for line in lines:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(environment):
            chosen.setdefault(requirement.name, set()).add(str(requirement.specifier))
    assert {name: found for name, found in chosen.items() if len(found) > 1} == {}
    assert {"jupyterlab", "numpy", "ipywidgets"} <= set(chosen)


def test_the_badge_leads_to_a_notebook_that_exists() -> None:
    found = re.search(r"mybinder\.org/v2/gh/[^)]*urlpath=lab/tree/([^)]+)\)", README.read_text())
    assert found is not None
    folder, _, name = found[1].partition("/")
    assert folder == "my-notebooks", "the copies that binder/start makes"
    assert (ROOT / "notebooks" / name).is_file()
