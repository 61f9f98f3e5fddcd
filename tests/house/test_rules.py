"""The rules of the house, held by the machine: sizes, names, and what is written where."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import typer
from typer.testing import CliRunner

from veristack_lab import errors
from veristack_lab.cli import app

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "veristack_lab"
MODULES = sorted(PACKAGE.rglob("*.py"))
MAX_LINES = 350
MAX_BODY_LINES = 50
"""Of one function, its docstring not counted."""
GENERATED = {".venv", ".venv-clients", "report", "site"}

# Written in pieces, so that this file does not name what it forbids.
REGISTRIES = [
    host + end
    for host, end in (
        ("pypi", ".org"),
        ("pythonhosted", ".org"),
        ("registry.npmjs", ".org"),
        ("proxy.golang", ".org"),
        ("repo1.maven", ".org"),
        ("repo.maven.apache", ".org"),
        ("index", "-url"),
    )
]
# A flag that keeps addresses out of the pinned files is the opposite of naming one.
ALLOWED = re.compile(r"--no-emit-index-url")
MACHINE_PATH = re.compile(r"(?<![\w.~-])/(?:work|root|home/\w+|Users/\w+|tmp/\w+)/")


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def committed() -> list[Path]:
    """Every text file that git keeps or would keep; in an unpacked release, every text file."""
    if not (ROOT / ".git").exists():
        kept = [path for path in ROOT.rglob("*") if not GENERATED & set(path.parts)]
    else:
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        kept = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [path for path in kept if path.is_file() and b"\0" not in path.read_bytes()]


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_a_module_is_short_and_says_what_it_is(path: Path) -> None:
    source = path.read_text()
    assert len(source.splitlines()) <= MAX_LINES
    assert ast.get_docstring(ast.parse(source)), "a module begins with what it is"


def long_bodies(source: str, limit: int = MAX_BODY_LINES) -> list[str]:
    """The functions of a module whose bodies are longer than `limit` lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[ast.get_docstring(node) is not None :]
        if body and (body[-1].end_lineno or 0) - body[0].lineno + 1 > limit:
            found.append(node.name)
    return found


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_the_bodies_of_functions_are_short(path: Path) -> None:
    assert long_bodies(path.read_text()) == []


def test_a_body_of_51_lines_is_found_and_a_docstring_is_not_counted() -> None:
    def source(lines: int) -> str:
        documented = ["class C:", "    async def f():", '        """One.', "", '        Two."""']
        return "\n".join([*documented, *["        pass"] * lines])

    assert long_bodies(source(50)) == []
    assert long_bodies(source(51)) == ["f"]


def branches() -> Iterator[type[errors.VeriStackError]]:
    for member in vars(errors).values():
        if inspect.isclass(member) and issubclass(member, errors.VeriStackError):
            yield member


def drawn_tree() -> dict[str, str]:
    """Parent of each class in the tree that the module's docstring draws."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        found = re.fullmatch(r" {4}((?:[│ ] {3})*)(?:[├└]── )?(\w+)(?: \(.*\))?", line)
        if found is None:
            continue
        depth = len(found[1]) // 4 + (1 if "──" in line else 0)
        path[depth:] = [found[2]]
        parents[found[2]] = path[depth - 1] if depth else ""
    return parents


def test_the_tree_of_errors_is_drawn_as_it_is() -> None:
    real = {cls.__name__: cls.__mro__[1].__name__ for cls in branches()}
    real["VeriStackError"] = ""
    assert drawn_tree() == real


@pytest.mark.parametrize("error", list(branches()), ids=lambda cls: cls.__name__)
def test_an_error_says_what_happened_without_a_message(
    error: type[errors.VeriStackError],
) -> None:
    assert error.__doc__
    assert error.__doc__ != error.__base__.__doc__
    assert str(error()) == inspect.getdoc(error)
    assert str(error("because")) == "because"


def test_no_file_names_a_registry() -> None:
    found = [
        f"{relative(path)}: {host}"
        for path in committed()
        for text in [ALLOWED.sub("", path.read_text())]
        for host in REGISTRIES
        if host in text
    ]
    assert found == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    found = [
        f"{relative(path)}: {match[0]}"
        for path in committed()
        if path != Path(__file__).resolve()
        for match in [MACHINE_PATH.search(path.read_text())]
        if match
    ]
    assert found == []


def commands(
    command: click.Command | None = None, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    command = command or typer.main.get_command(app)
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


def is_option(parameter: Any) -> bool:
    """Whether it is an option; typer brings a click of its own, so no class tells."""
    return str(parameter.opts[0]).startswith("-")


COMMANDS = dict(commands())


@pytest.mark.parametrize("path", COMMANDS, ids=lambda path: " ".join(path) or "veristack")
def test_every_command_explains_itself(path: tuple[str, ...]) -> None:
    command = COMMANDS[path]
    assert (command.help or "").strip() not in ("", "To be written.")
    done = CliRunner().invoke(app, [*path, "--help"])
    assert done.exit_code == 0, done.output
    assert "Usage:" in done.output
    silent = [
        parameter.name
        for parameter in command.params
        if not parameter.hidden and is_option(parameter) and not parameter.help
    ]
    assert silent == [], "options without a word of help"


def test_options_are_told_from_arguments() -> None:
    kinds = {name: is_option(each) for each in COMMANDS["s3", "serve"].params for name in each.opts}
    assert (kinds["path"], kinds["--port"]) == (False, True)


def test_the_version_is_the_newest_of_the_changelog() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    headings = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == project["version"]


def test_every_dependency_of_the_card_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[\[><=;! ]", line)[0] for line in project["dependencies"]}
    imported = {"jupyterlab", "ipywidgets", "numba", "numpy", "pandas", "plotly", "psycopg"}
    imported |= {"pgvector", "kafka-python", "kubernetes", "ollama", "nbval", "anywidget"}
    assert imported <= names


# What may ask for the time of day: the clock, and what is told to people.
TIME_OF_DAY = {
    "runtime/clock.py",
    "runtime/supervisor.py",
    "llmcache/ollama_replies.py",
    "backends/holding.py",
}


def test_durations_are_not_measured_by_the_time_of_day() -> None:
    asks = {"time.time", "time.time_ns", "datetime.now", "datetime.utcnow", "datetime.today"}
    found = {
        str(path.relative_to(PACKAGE))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in asks
    }
    assert found == TIME_OF_DAY
