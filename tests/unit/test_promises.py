"""A promise is kept by a frame that keeps it, and broken by each frame that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pandas as pd
import pytest

from veristack_lab.llmcache import promises as llmcache
from veristack_lab.llmcache import scenarios
from veristack_lab.runtime.claims import Claim
from veristack_lab.smartsearch import promises as smartsearch
from veristack_lab.smartsearch.model import Answer, Passage
from veristack_lab.veristore import promises as veristore

Judge = Callable[[pd.DataFrame], Claim]


def framed(rows: list[dict[str, Any]], **attrs: object) -> pd.DataFrame:
    frame = pd.DataFrame(rows)
    frame.attrs.update(attrs)
    return frame


def changed(frame: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    """The frame with another value in the first row, or in its attributes."""
    copy = frame.copy()
    copy.attrs = dict(frame.attrs)
    if column in copy.columns:
        copy[column] = copy[column].astype(object)
        copy.loc[0, column] = value
        copy[column] = copy[column].infer_objects()
    else:
        copy.attrs[column] = value
    return copy


KILLS = framed(
    [
        {
            "kill_after": 20, "acknowledged": 25, "lost": 0, "mixed": 0, "torn_by_us": 30,
            "torn_bytes": 30, "unacknowledged_kept": 1, "acknowledged_lsn": lsn,
            "recovered_lsn": lsn + 1, "lsn_monotonic": True,
        }
        for lsn in (25, 51)
    ]
)  # fmt: skip
COUNTS = {"images": 9, "crash_points": 3, "recoveries": 27, "violations": 0}
CUTS = framed([{"crash_point": 1}], counts=COUNTS, steps=12)
GROUPS = framed(
    [
        {"writers": writers, "records_per_sync": rate, "puts_per_s": 10.0, "raw_per_s": 9.0}
        for writers, rate in ((64, 32.0), (1, 1.0))
    ]
)
REUSE = framed(
    [
        {
            "kind": kind, "cached_tokens": cached, "prompt_tokens": 101, "expected_tokens": 1,
            "ttft_ms": 2.0,
        }
        for kind, cached in (("warm", 100), ("cold", 1), ("prefix", 80), ("unrelated", 1))
    ]
)  # fmt: skip
KILL = framed(
    [
        {
            "phase": phase, "node_id": node, "tried": node, "outcome": "answered", "attempts": 1,
            "latency_ms": 5.0,
        }
        for phase, node in (("down", "b"), ("kill", "b"), ("after", "a"))
    ],
    killed_node="a", kill_step=1, kill_user=0, back_s=3.0, killed_s=1.0,
)  # fmt: skip
RESTART = framed(
    [
        {"run": run, "cached_tokens": cached, "prompt_tokens": 11}
        for run, cached in (("restored", 10), ("forgetful", 1))
    ]
)
FIRE = framed(
    [{}],
    accepted=5, documents=4, poison=1, lost=0, duplicates=0, in_hand=1, in_hand_finished=1,
    reads=3, shown=2, violations=0, offered_while_broker_down=2,
    accepted_while_broker_down=2, outage_s=1.0, audit_ready=4, audit_failed=1,
    audit_unfinished=0, audit_incomplete=0, audit_dead_letters=1,
    audit_failed_without_one_letter=0, events={"broker killed": 1.0, "broker back": 2.0},
)  # fmt: skip

CASES: list[tuple[Judge, pd.DataFrame, list[tuple[str, object]]]] = [
    (veristore.acknowledged_survives, KILLS, [("lost", 1)]),
    (veristore.whole_or_not_at_all, KILLS, [("mixed", 1)]),
    (veristore.torn_tail_is_cut_off, KILLS, [("torn_bytes", 29), ("lost", 1)]),
    (veristore.numbers_never_go_back, KILLS, [("lsn_monotonic", False)]),
    (veristore.holds_after_every_power_cut, CUTS, [("counts", {**COUNTS, "violations": 1}),
                                                   ("counts", {**COUNTS, "images": 0})]),
    (veristore.writers_share_a_sync, GROUPS, [("records_per_sync", 1.0)]),
    (llmcache.held_prompt_is_reused, REUSE, [("cached_tokens", 99)]),
    (llmcache.never_expects_too_much, REUSE, [("expected_tokens", 101)]),
    (llmcache.no_request_fails, KILL, [("outcome", "no living engine")]),
    (llmcache.dead_node_is_never_chosen, KILL, [("tried", "a,b"), ("phase", "before")]),
    (llmcache.returned_node_is_used, KILL, [("killed_node", "c")]),
    (llmcache.prefixes_are_found_again, RESTART, [("cached_tokens", 9)]),
    (smartsearch.nothing_lost_or_doubled, FIRE, [("lost", 1), ("duplicates", 1),
                                                 ("audit_unfinished", 1), ("audit_incomplete", 1),
                                                 ("in_hand_finished", 0)]),
    (smartsearch.shown_if_and_only_if_ready, FIRE, [("violations", 1), ("reads", 0), ("shown", 0)]),
    (smartsearch.accepted_without_a_broker, FIRE, [("accepted_while_broker_down", 1),
                                                   ("audit_unfinished", 1)]),
    (smartsearch.poison_gets_one_dead_letter, FIRE, [("audit_dead_letters", 2),
                                                     ("audit_failed_without_one_letter", 1),
                                                     ("audit_ready", 3)]),
]  # fmt: skip


@pytest.mark.parametrize(("judge", "frame", "_"), CASES, ids=lambda c: getattr(c, "__name__", ""))
def test_a_frame_that_keeps_a_promise(judge: Judge, frame: pd.DataFrame, _: object) -> None:
    claim = judge(frame)
    assert claim.kept, claim
    assert claim.promise
    assert claim.broken_by
    assert claim.observed


@pytest.mark.parametrize(
    ("judge", "frame", "column", "value"),
    [(judge, frame, *change) for judge, frame, changes in CASES for change in changes],
)
def test_a_frame_that_breaks_it(
    judge: Judge, frame: pd.DataFrame, column: str, value: object
) -> None:
    assert judge(frame).kept
    assert not judge(changed(frame, column, value)).kept


def test_the_published_table_is_its_formula_and_another_is_not() -> None:
    table, corrected = scenarios.published_table(), scenarios.corrected_table()
    assert llmcache.published_means_follow(table, corrected).kept
    assert not llmcache.published_means_follow(changed(table, "mean_ms", 1406), corrected).kept


def test_an_answer_is_nothing_without_its_passages() -> None:
    passage = Passage(uuid4(), "heapq.merge", 0, "Merge sorted inputs.", 0.9)
    answer = Answer("how?", "So [1].", "smollm2", (passage,), (1,), "")
    bare = replace(answer, passages=(), cited=())
    uncited = replace(answer, cited=())
    silent = replace(uncited, text=None, note="no text engine answered")
    judge = smartsearch.answer_shows_its_passages
    assert judge(answer, "a kill", has_text_model=True).kept
    assert not judge(bare, "a kill", has_text_model=True).kept
    assert not judge(uncited, "a kill", has_text_model=True).kept
    assert not judge(silent, "a kill", has_text_model=True).kept
    assert judge(silent, "a kill", has_text_model=False).kept


def test_what_an_answer_invents_is_told_as_invented() -> None:
    passage = Passage(uuid4(), "heapq.merge", 0, "Merge sorted inputs (iterables).", 0.9)
    said = "Use merge_files() of heapq.merge, e.g. merge_files(a) on inputs (any) [1]."
    answer = Answer("how?", said, "smollm2", (passage,), (1,), "")
    assert smartsearch.invented_names(answer) == ("merge_files",)
    claim = smartsearch.answer_shows_its_passages(answer, "a kill", has_text_model=True)
    assert "invented merge_files" in claim.observed
    right = replace(answer, text="heapq.merge does it [1].")
    assert smartsearch.invented_names(right) == ()
    claim = smartsearch.answer_shows_its_passages(right, "a kill", has_text_model=True)
    assert "invented" not in claim.observed
