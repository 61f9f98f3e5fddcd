"""What the store, its disk and its objects promise: kept by what keeps it, broken by the rest."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from veristack_lab.kernels import promises as kernels
from veristack_lab.runtime import claims
from veristack_lab.runtime.claims import Claim
from veristack_lab.sim import promises as sim
from veristack_lab.smartsearch import promises as smartsearch
from veristack_lab.veristore import promises as store
from veristack_lab.veristore.commit import promises as commit
from veristack_lab.veristore.objects import promises as objects
from veristack_lab.veristore.recovery.damage import Damage
from veristack_lab.veristore.status import Recovery, StoreStats
from veristack_lab.widgets import promises as widgets
from veristack_lab.widgets.outage_drill import Call


def window(level: str, lost: dict[str, int], bound: float = 0) -> pd.DataFrame:
    rows = [(level, cut, 6, 6 - n, n, True, bound) for cut, n in lost.items()]
    columns = ["level", "cut", "returned", "found", "lost", "is_prefix", "window"]
    return pd.DataFrame(rows, columns=columns)


def ladder(gain: float, verified: bool = True) -> pd.DataFrame:
    row = {"work": "one buffer", "item_bytes": 65_536, "rung": "top", "times_the_table": gain}
    return pd.DataFrame([row | {"verified": verified}])


def cuts(is_legal: bool = True, act: str = "overwrite") -> pd.DataFrame:
    frame = pd.DataFrame({"done": [1, 2], "found": ["old", "new"], "is_legal": [True, is_legal],
                          "files_after": [1, 1]})  # fmt: skip
    frame.attrs["act"] = act
    return frame


def truncation(is_prefix: bool, accepts: bool) -> pd.DataFrame:
    return pd.DataFrame({"is_prefix": [True, is_prefix], "accepts_writes": [True, accepts]})


def stats(log_bytes: int, last_lsn: int) -> Any:
    """The two figures that are judged, of the many that a store has."""
    blank = object.__new__(StoreStats)
    object.__setattr__(blank, "log_bytes", log_bytes)
    object.__setattr__(blank, "last_lsn", last_lsn)
    return blank


def recovery(torn_bytes: int) -> Any:
    blank = object.__new__(Recovery)
    object.__setattr__(blank, "torn_bytes", torn_bytes)
    object.__setattr__(blank, "records", 5)
    return blank


def damage(first: int, last: int) -> Any:
    blank = object.__new__(Damage)
    object.__setattr__(blank, "first_lost_lsn", first)
    object.__setattr__(blank, "last_lost_lsn", last)
    return blank


def race(*told: int) -> pd.DataFrame:
    rows = [("If-None-Match: *", n) for n in told] + [("look, then put", 8)]
    return pd.DataFrame(rows, columns=["way", "told_ok"])


def torn(found: int) -> pd.DataFrame:
    return pd.DataFrame({"state_index": [found], "acknowledged": [3]})


def seen(opens: bool, found: str) -> dict[str, Any]:
    return {"opens": opens, "found": found}


def killed(lost: int) -> pd.DataFrame:
    return pd.DataFrame({"acknowledged": [9], "lost": [lost], "mixed": [0], "orphans": [0],
                         "lsn_went_back": [False]})  # fmt: skip


DEAD, PAUSED = (
    Call("ObjectStoreUnavailable", False, 1.0),
    Call("ObjectStoreUnavailable", False, 999),
)
LETTER = Call(b"Dear", True, 5.0)
EVIDENCE = ["damaged-log-0000000001", "log-0000000002"]
TAIL = {b"a": b"1"}
LEVEL = "Interval(writes=5)"

PAIRS: dict[str, tuple[Claim, list[Claim]]] = {
    "prefix": (
        store.prefix_after_every_cut(truncation(True, True)),
        [
            store.prefix_after_every_cut(truncation(False, True)),
            store.prefix_after_every_cut(truncation(True, False)),
            store.prefix_after_every_cut(truncation(True, True).head(0)),
        ],
    ),
    "damage": (
        store.damage_is_told(damage(2, 5), 2, 6, EVIDENCE),
        [
            store.damage_is_told(damage(3, 5), 2, 6, EVIDENCE),
            store.damage_is_told(damage(2, 5), 2, 5, EVIDENCE),
            store.damage_is_told(damage(2, 5), 2, 6, EVIDENCE[1:]),
        ],
    ),
    "checkpoint": (
        store.checkpoint_shortens_the_log(stats(5000, 9), stats(32, 9)),
        [
            store.checkpoint_shortens_the_log(stats(5000, 9), stats(5000, 9)),
            store.checkpoint_shortens_the_log(stats(5000, 9), stats(32, 0)),
        ],
    ),
    "torn record": (
        store.torn_record_is_cut_off(recovery(40), 40, TAIL, TAIL),
        [
            store.torn_record_is_cut_off(recovery(39), 40, TAIL, TAIL),
            store.torn_record_is_cut_off(recovery(40), 40, {}, TAIL),
        ],
    ),
    "ladder": (
        kernels.every_rung_agrees(ladder(30.0)),
        [kernels.every_rung_agrees(ladder(1.1)), kernels.every_rung_agrees(ladder(30.0, False))],
    ),
    "commit": (
        commit.commit_loses_nothing(window("commit", {"lost": 0, "kept": 0})),
        [
            commit.commit_loses_nothing(window("commit", {"lost": 1})),
            commit.commit_loses_nothing(window("none", {"lost": 0})),
        ],
    ),
    "interval": (
        commit.interval_loses_its_window(window(LEVEL, {"lost": 4}), LEVEL, 4),
        [
            commit.interval_loses_its_window(window(LEVEL, {"lost": 5}), LEVEL, 4),
            commit.interval_loses_its_window(window(LEVEL, {"lost": 3}), LEVEL, 4),
        ],
    ),
    "levels": (
        commit.no_level_loses_more_than_it_says(window(LEVEL, {"lost": 4}, 4)),
        [
            commit.no_level_loses_more_than_it_says(window(LEVEL, {"lost": 5}, 4)),
            commit.no_level_loses_more_than_it_says(
                window(LEVEL, {"lost": 4}, 4).assign(is_prefix=False)
            ),
        ],
    ),
    "sync": (commit.sync_settles(7, 7, 10), [commit.sync_settles(6, 7, 10)]),
    "one thread": (
        commit.one_thread_can_share_a_sync([*range(20)], 2),
        [
            commit.one_thread_can_share_a_sync([*range(20)], 20),
            commit.one_thread_can_share_a_sync([2, 1, *range(3, 21)], 2),
        ],
    ),
    "clients": (
        commit.each_client_is_answered([1, 2], 2),
        [commit.each_client_is_answered([1, 1], 2), commit.each_client_is_answered([1], 2)],
    ),
    "failed sync": (
        commit.failed_sync_is_final(["the disk failed"], b"safe", None),
        [
            commit.failed_sync_is_final(["7"], b"safe", None),
            commit.failed_sync_is_final(["the disk failed"], None, None),
            commit.failed_sync_is_final(["the disk failed"], b"safe", b"?"),
        ],
    ),
    "unsynced": (sim.unsynced_is_uncertain(23, 1500), [sim.unsynced_is_uncertain(2, 1500)]),
    "name": (
        sim.name_needs_a_sync_of_its_own({None, b"x"}, {b"x"}),
        [
            sim.name_needs_a_sync_of_its_own({b"x"}, {b"x"}),
            sim.name_needs_a_sync_of_its_own({None, b"x"}, {None, b"x"}),
        ],
    ),
    "torn": (sim.torn_write_is_not_there(torn(3)), [sim.torn_write_is_not_there(torn(4))]),
    "two sides": (
        sim.commit_point_has_two_sides([seen(True, "3"), seen(True, "3")]),
        [
            sim.commit_point_has_two_sides([seen(True, "3"), seen(False, "3")]),
            sim.commit_point_has_two_sides([seen(True, "3"), seen(True, "4")]),
        ],
    ),
    "kill": (
        sim.kill_is_no_power_cut(window("none", {"kept": 0, "lost": 6})),
        [
            sim.kill_is_no_power_cut(window("none", {"kept": 1, "lost": 6})),
            sim.kill_is_no_power_cut(window("none", {"kept": 0, "lost": 5})),
        ],
    ),
    "killed writers": (
        sim.killed_writers_lose_nothing(killed(0)),
        [sim.killed_writers_lose_nothing(killed(1))],
    ),
    "old or new": (
        objects.all_old_or_all_new(cuts()),
        [
            objects.all_old_or_all_new(cuts(is_legal=False)),
            objects.all_old_or_all_new(cuts(is_legal=False, act="delete")),
        ],
    ),
    "in flight": (
        objects.upload_in_flight_is_spared(0, 9, 9),
        [objects.upload_in_flight_is_spared(1, 9, 9), objects.upload_in_flight_is_spared(0, 8, 9)],
    ),
    "collector": (
        objects.collector_may_be_cut(cuts()),
        [
            objects.collector_may_be_cut(cuts(is_legal=False)),
            objects.collector_may_be_cut(cuts().assign(files_after=2)),
        ],
    ),
    "reader": (
        objects.reader_keeps_its_version(9, 9, (3, 2)),
        [
            objects.reader_keeps_its_version(8, 9, (3, 2)),
            objects.reader_keeps_its_version(9, 9, (3, 3)),
        ],
    ),
    "located": (
        objects.damage_is_located("chunk 1 is bad", 1, b"x", b"x"),
        [
            objects.damage_is_located("", 1, b"x", b"x"),
            objects.damage_is_located("chunk 2 is bad", 1, b"x", b"x"),
            objects.damage_is_located("chunk 1 is bad", 1, b"y", b"x"),
        ],
    ),
    "creator": (
        objects.one_creator_wins(race(1, 1)),
        [objects.one_creator_wins(race(1, 2)), objects.one_creator_wins(race(1, 0))],
    ),
    "upload": (
        objects.upload_appears_at_once(cuts(), was_visible=False, is_same=True),
        [
            objects.upload_appears_at_once(cuts(False), was_visible=False, is_same=True),
            objects.upload_appears_at_once(cuts(), was_visible=True, is_same=True),
            objects.upload_appears_at_once(cuts(), was_visible=False, is_same=False),
        ],
    ),
    "pages": (
        objects.pages_show_each_once(["a", "b"], 1, 2),
        [
            objects.pages_show_each_once(["a", "a"], 1, 2),
            objects.pages_show_each_once(["a"], 1, 2),
        ],
    ),
    "outsider": (
        objects.outsider_is_served("boto3", b"x", b"x", ["k"], "k"),
        [
            objects.outsider_is_served("boto3", b"y", b"x", ["k"], "k"),
            objects.outsider_is_served("boto3", b"x", b"x", [], "k"),
        ],
    ),
    "restart": (
        objects.restart_changes_nothing({"a": "1"}, {"a": "1"}, []),
        [
            objects.restart_changes_nothing({"a": "1"}, {"a": "2"}, []),
            objects.restart_changes_nothing({"a": "1"}, {}, []),
            objects.restart_changes_nothing({"a": "1"}, {"a": "1"}, ["a"]),
        ],
    ),
    "outlives": (
        widgets.object_outlives_its_server(b"Dear", DEAD, LETTER),
        [
            widgets.object_outlives_its_server(b"Dear", LETTER, LETTER),
            widgets.object_outlives_its_server(b"Dea", DEAD, LETTER),
        ],
    ),
    "paused": (
        widgets.dead_is_told_from_paused(("dead", "paused"), DEAD, PAUSED, LETTER),
        [
            widgets.dead_is_told_from_paused(("dead", "alive"), DEAD, PAUSED, LETTER),
            widgets.dead_is_told_from_paused(("dead", "paused"), PAUSED, DEAD, LETTER),
            widgets.dead_is_told_from_paused(("dead", "paused"), DEAD, PAUSED, PAUSED),
        ],
    ),
    "request": (
        smartsearch.one_request_is_one_document(True, ValueError(), 1),
        [
            smartsearch.one_request_is_one_document(False, ValueError(), 1),
            smartsearch.one_request_is_one_document(True, None, 1),
            smartsearch.one_request_is_one_document(True, ValueError(), 2),
        ],
    ),
    "late worker": (
        smartsearch.late_worker_is_refused((1, 2), ValueError()),
        [
            smartsearch.late_worker_is_refused((1, 2), None),
            smartsearch.late_worker_is_refused((1, 1), ValueError()),
        ],
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_promise_is_kept_by_what_keeps_it_and_broken_by_the_rest(name: str) -> None:
    kept, broken = PAIRS[name]
    assert kept.kept, kept
    assert kept.promise
    assert kept.broken_by
    assert any(letter.isdigit() for letter in kept.observed) or name == "request", kept.observed
    assert [claim for claim in broken if claim.kept] == []


def test_the_table_shows_what_was_observed_and_escapes_it() -> None:
    kept = PAIRS["sync"][0]
    broken = Claim("x", "a <b>", "c", "1 & 2", kept=False)
    table = claims.table([kept, broken])
    html = table._repr_html_()
    assert "7 of 10 writes there" in html
    assert "a &lt;b&gt;" in html
    assert "1 &amp; 2" in html
    assert [line[:6] for line in repr(table).splitlines()] == ["kept  ", "BROKEN"]
    assert "observed: 1 & 2" in repr(table)
