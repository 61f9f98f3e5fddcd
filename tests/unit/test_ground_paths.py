"""The two places the lab keeps things in, and claims and progress."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime import paths
from veristack_lab.runtime.claims import Claim, verdicts, write_json
from veristack_lab.runtime.progress import bar, silent

KEPT = Claim("veristore", "nothing lost", "50 times SIGKILL", "0 of 900 lost", kept=True)
BROKEN = Claim("llmcache", "no dead node", "SIGKILL", "3 requests failed", kept=False)


def test_home_follows_the_variable(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("VERISTACK_HOME", str(folder / "there"))
    assert paths.home() == folder / "there"
    assert not paths.home().exists()
    monkeypatch.setenv("VERISTACK_HOME", "~/lab")
    assert paths.home() == Path.home() / "lab"


def test_home_is_the_users_cache_otherwise(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.delenv("VERISTACK_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    assert paths.home() == folder / "veristack-lab"


def test_data_files_are_found_and_missing_ones_named() -> None:
    assert paths.data_file("kafka-jars.tsv").is_file()
    with pytest.raises(InvalidInput, match=r"no data file 'absent\.txt'"):
        paths.data_file("absent.txt")


def test_the_checkout_is_recognized() -> None:
    root = paths.checkout()
    assert root is not None
    assert (root / "veristack_lab" / "runtime" / "paths.py").samefile(paths.__file__)


def test_claims_are_written_as_a_list_of_objects(folder: Path) -> None:
    write_json([KEPT, BROKEN], folder / "claims.json")
    assert json.loads((folder / "claims.json").read_text()) == [
        {
            "layer": "veristore",
            "promise": "nothing lost",
            "broken_by": "50 times SIGKILL",
            "observed": "0 of 900 lost",
            "kept": True,
        },
        {
            "layer": "llmcache",
            "promise": "no dead node",
            "broken_by": "SIGKILL",
            "observed": "3 requests failed",
            "kept": False,
        },
    ]


def test_verdicts_hold_no_figures() -> None:
    assert verdicts([KEPT, BROKEN]) == (
        "kept   | veristore: nothing lost | against: 50 times SIGKILL\n"
        "BROKEN | llmcache: no dead node | against: SIGKILL"
    )


def test_a_bar_draws_on_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    with bar("counting", total=3) as tick:
        for done in range(4):
            tick(done, 3)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "counting" in captured.err
    assert "3/3" in captured.err
    silent(1, 2)


def test_the_ground_loads_nothing_heavy() -> None:
    script = (
        "import sys\nfrom veristack_lab.runtime import claims, processes, progress\n"
        "print(sorted({'numba', 'pandas', 'plotly', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
