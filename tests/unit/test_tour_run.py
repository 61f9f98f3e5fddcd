"""The tour's own machinery: choosing layers, failing acts, the report."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path
from types import ModuleType

import plotly.graph_objects as go
import pytest
from rich.console import Console
from typer.testing import CliRunner

from veristack_lab.cli import app
from veristack_lab.errors import InvalidInput, StoreFailed
from veristack_lab.runtime.claims import Claim
from veristack_lab.tour import report, run
from veristack_lab.tour.context import Picture, Tour
from veristack_lab.tour.run import TourResult

KEPT = Claim("veristore", "acknowledged is kept", "SIGKILL", "12 of 12 [all]", kept=True)
BROKEN = Claim("veriflow", "weights <identical>", "SIGKILL", "differ", kept=False)


def result(*claims: Claim) -> TourResult:
    picture = Picture("veristore", "A <title>", "a caption", go.Figure(go.Scatter(y=[1, 2])))
    return TourResult(7, False, ("veristore",), claims, (picture,), 1.5, 300 << 20, 4)


def quiet_console() -> Console:
    return Console(file=io.StringIO())


def test_layers_come_in_the_order_of_the_stack_whatever_was_typed() -> None:
    assert run.choose(["smartsearch", "veristore"]) == ("veristore", "smartsearch")
    assert run.choose([]) == tuple(run.ACTS)


def test_an_unknown_layer_is_named_with_the_choices() -> None:
    with pytest.raises(InvalidInput, match=r"'raft'.*veristore"):
        run.choose(["raft"])


def test_one_broken_claim_breaks_the_tour_and_so_does_none_at_all() -> None:
    assert result(KEPT).kept
    assert not result(KEPT, BROKEN).kept
    assert not result().kept


@pytest.mark.parametrize("error", [StoreFailed("the disk is gone"), ZeroDivisionError("oops")])
def test_an_act_that_fails_is_a_broken_claim_and_the_next_still_plays(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def failing(tour: Tour) -> None:
        raise error

    def working(tour: Tour) -> None:
        tour.add(Claim("llmcache", "it works", "nothing", str(tour.rng("point").random()), True))

    acts = {"veristore": failing, "llmcache": working}

    def load(name: str) -> ModuleType:
        module = ModuleType(name)
        module.__dict__["act"] = acts[name.rpartition(".")[2]]
        return module

    monkeypatch.setattr(run.importlib, "import_module", load)
    found = run.run(quiet_console(), seed=3, quick=True, only=["veristore", "llmcache"])
    assert [claim.kept for claim in found.claims] == [False, True]
    assert str(error) in found.claims[0].observed
    assert found.claims[1].observed == str(random.Random("3/point").random())
    assert found.peak_bytes > 0


def test_the_report_holds_the_claims_as_json_and_a_page_that_needs_no_network(folder: Path) -> None:
    page = report.write(result(KEPT, BROKEN), folder / "report")
    assert json.loads((folder / "report/claims.json").read_text()) == [
        {
            "layer": claim.layer,
            "promise": claim.promise,
            "broken_by": claim.broken_by,
            "observed": claim.observed,
            "kept": claim.kept,
        }
        for claim in (KEPT, BROKEN)
    ]
    html = page.read_text()
    assert "weights &lt;identical&gt;" in html
    assert "A &lt;title&gt;" in html
    assert "<script src" not in html
    assert "<link" not in html


def test_the_report_follows_the_reader_s_theme_and_names_each_cell(folder: Path) -> None:
    html = report.write(result(KEPT), folder / "report").read_text()
    assert "prefers-color-scheme: dark" in html
    for label in ("layer", "promise", "what was done to break it", "observed", "verdict"):
        assert f'data-label="{label}"' in html


def test_the_svg_fetches_no_font_and_shows_brackets_as_they_are(folder: Path) -> None:
    picture = report.svg(result(KEPT))
    assert "@font-face" not in picture
    assert "[all]" in picture.replace("&#160;", " ")


def test_the_command_exits_with_1_when_a_claim_breaks(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    for claims, code in (((KEPT,), 0), ((KEPT, BROKEN), 1)):
        monkeypatch.setattr(run, "run", lambda *_, _claims=claims, **__: result(*_claims))
        outcome = CliRunner().invoke(app, ["tour", "--out", str(folder / "out")])
        assert outcome.exit_code == code, outcome.output
        assert (folder / "out" / "index.html").is_file()
