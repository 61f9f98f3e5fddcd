"""Runs the mutants: `python -m tests.mutants [--only LAYER] [--match WORDS] [--no-servers]`.

Exit code 1 if a mutant survives, or if its snippet does not occur exactly once any more.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.mutants.table import MUTANTS, Mutant

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 600
"""A test that hangs on a mutant has noticed it, too."""
COPIED = ("veristack_lab", "tests", "labs", "data", "notebooks", "pyproject.toml", "README.md")
NOT_COPIED = shutil.ignore_patterns("__pycache__", ".mypy_cache", "*.pyc")
FAILED = 1
"""What pytest exits with when a test failed; 2 and more mean that it could not run them."""


def home_of(package: Path, mutant: Mutant) -> Path | str:
    """The file with the snippet, or what is wrong with it."""
    sources = [(path, path.read_text()) for path in sorted(package.rglob("*.py"))]
    count = sum(text.count(mutant.snippet) for _, text in sources)
    if count != 1:
        return f"the snippet occurs {count} times: correct tests/mutants/table.py"
    return next(path for path, text in sources if mutant.snippet in text)


def run(copy: Path, mutant: Mutant) -> str:
    """Empty if the tests notice the mutant; else what happened."""
    home = home_of(copy / "veristack_lab", mutant)
    if isinstance(home, str):
        return home
    whole = home.read_text()
    home.write_text(whole.replace(mutant.snippet, mutant.instead))
    try:
        status = test(copy, mutant.tests)
    except subprocess.TimeoutExpired:
        return ""
    finally:
        home.write_text(whole)
    if status == FAILED:
        return ""
    return "SURVIVED" if status == 0 else f"the tests could not be run (pytest exit code {status})"


def test(copy: Path, tests: tuple[str, ...]) -> int:
    """Pytest's exit code."""
    # No .pyc: a mutant has the age and may have the length of the file it stands for.
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    return subprocess.run(
        command, cwd=copy, env=environment, capture_output=True, timeout=LIMIT_S, check=False
    ).returncode


def chosen(arguments: argparse.Namespace) -> list[Mutant]:
    """The mutants that the command line asks for."""
    return [
        mutant
        for mutant in MUTANTS
        if arguments.only in ("", mutant.layer)
        and arguments.match in mutant.name
        and not (arguments.no_servers and mutant.needs)
    ]


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", default="", help="mutants of this layer")
    parser.add_argument("--match", default="", help="mutants whose name contains these words")
    parser.add_argument("--no-servers", action="store_true", help="skip those that need Postgres")
    survivors = 0
    mutants = chosen(parser.parse_args())
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, copy / name, ignore=NOT_COPIED)
            else:
                shutil.copy(ROOT / name, copy / name)
        for mutant in mutants:
            started_s = time.perf_counter()
            problem = run(copy, mutant)
            survivors += bool(problem)
            took_s = time.perf_counter() - started_s
            print(
                f"{problem or 'killed':<10} {took_s:5.1f} s  {mutant.layer}: {mutant.name}",
                flush=True,
            )
    print(f"{len(mutants) - survivors} of {len(mutants)} killed")
    return 1 if survivors or not mutants else 0


if __name__ == "__main__":
    sys.exit(main())
