"""Each exhibit is one file, one line of the registry, one seam and one promise."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veristack_lab import museum
from veristack_lab.cli import app
from veristack_lab.errors import InvalidInput
from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.sim.store.engine import HEALTHY
from veristack_lab.sim.store.rot import rot_sweep
from veristack_lab.veristore.raft.core import Raft

FOLDER = Path(museum.__file__).parent
FRAME = {"__init__", "seams", "stages", "trials"}
REQUIRED = {
    # the ancestor's defects
    "V1", "V2", "V3", "V4", "V5", "V6", "V7", "V8", "V9", "V10", "V12", "V14", "V15", "V16", "V17",
}  # fmt: skip


def test_every_file_is_an_exhibit_of_its_own_name():
    files = {(path.parent.name, path.stem) for path in FOLDER.glob("*/*.py")}
    files = {(wing, stem) for wing, stem in files if stem not in FRAME}
    assert files == {(each.wing, each.name.replace("-", "_")) for each in museum.exhibits()}


def test_a_group_is_a_wing_or_one_exhibit():
    assert museum.wings() == ("store", "objects", "raft")
    assert sum((museum.group(wing) for wing in museum.wings()), ()) == museum.exhibits()
    assert museum.group("names-joined") == (museum.find("names-joined"),)
    with pytest.raises(InvalidInput, match="wings are store, objects, raft"):
        museum.group("garden")


def test_the_known_defects_are_all_there():
    sources = " ".join(
        each.source.replace(",", " ").replace(";", " ") for each in museum.exhibits()
    )
    assert set(sources.split()) >= REQUIRED
    names = {each.name for each in museum.exhibits()}
    famous = {"sync-retried", "rename-unsynced", "unlink-before-rename", "length-trusted"}
    assert names >= famous | {"stale-segment-replayed"}


@pytest.mark.parametrize("exhibit", museum.exhibits(), ids=lambda each: each.name)
def test_an_exhibit_says_what_it_breaks_and_what_the_engine_does_instead(exhibit: Exhibit):
    assert exhibit.promise in exhibit.trial.promises
    assert "the healthy " in " ".join(exhibit.story.split()).lower()
    assert len(exhibit.code.splitlines()) < 90, "an exhibit is one small file"
    assert exhibit.trial.engine not in (HEALTHY, Raft)


def test_an_unknown_exhibit_is_refused_with_the_list():
    with pytest.raises(InvalidInput, match="torn-tail-kept"):
        museum.find("nothing")


def test_the_command_line_lists_shows_and_runs():
    run = CliRunner().invoke
    listed = run(app, ["museum", "list"], env={"COLUMNS": "200"})
    assert all(each.name in listed.output for each in museum.exhibits())
    assert "_meta_prefix" in run(app, ["museum", "show", "names-joined"]).output
    result = run(app, ["museum", "run", "damage-untold"])
    assert result.exit_code == 0, result.output
    assert "1 of 1 exhibits found out" in result.output


def test_the_command_line_wants_one_exhibit_or_all():
    result = CliRunner().invoke(app, ["museum", "run"])
    assert isinstance(result.exception, InvalidInput)


def test_a_survivor_is_exit_code_1(monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    from veristack_lab.museum import registry

    wild = museum.find("damage-untold")
    tame = replace(wild, trial=replace(wild.trial, engine=HEALTHY))
    monkeypatch.setattr(registry, "exhibits", lambda: (tame,))
    for what in ("--all", "store"):
        result = CliRunner().invoke(app, ["museum", "run", what])
        assert result.exit_code == 1
        assert "NOT FOUND OUT" in result.output


def test_rot_is_the_same_every_time_and_told():
    frame = rot_sweep("checkpoints", samples=120, seed=3)
    assert frame.equals(rot_sweep("checkpoints", samples=120, seed=3))
    counts = frame.attrs["counts"]
    assert counts["images"] == 120
    assert counts["untold"] == counts["violations"] == 0
    assert counts["told"] > 100
    json.dumps(frame.attrs)


def test_rot_refuses_numbers_that_make_no_sense():
    with pytest.raises(InvalidInput):
        rot_sweep("puts", samples=0)
