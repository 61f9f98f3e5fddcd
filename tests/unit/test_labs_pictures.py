"""Pictures of first bad events: plain data, and their text in a terminal."""

from __future__ import annotations

import json

import pytest

from veristack_lab.labs import pictures


def test_marked_bytes_have_their_marks_below_them() -> None:
    picture = pictures.of_bytes("the file", b"abc\0" * 5, [(1, 3, "the key"), (18, 18, "the cut")])
    assert pictures.as_text(picture).splitlines() == [
        "the file:",
        "       0  61 62 63 00 61 62 63 00 61 62 63 00 61 62 63 00  abc.abc.abc.abc.",
        "             ^^^^^ the key",
        "      16  61 62 63 00                                      abc.",
        "               | the cut",
    ]


@pytest.mark.parametrize("cut", [0, 16, 20])
def test_a_cut_at_an_edge_is_shown_once(cut: int) -> None:
    picture = pictures.of_bytes("the file", b"\1" * 20, [(cut, cut, "the cut")])
    assert pictures.as_text(picture).count("| the cut") == 1


def test_of_long_data_the_bytes_around_the_first_mark_are_kept() -> None:
    picture = pictures.of_bytes("the file", bytes(100_000), [(70_000, 70_001, "here")])
    assert picture["first"] <= 70_000 < picture["first"] + len(picture["hex"]) // 2
    assert len(picture["hex"]) == 2 * pictures.MAX_BYTES
    assert "^^ here" in pictures.as_text(picture)


def test_an_empty_file_can_be_shown() -> None:
    assert "| the end" in pictures.as_text(pictures.of_bytes("the file", b"", [(0, 0, "the end")]))


def test_the_bad_event_has_an_arrow_also_at_the_end_of_a_long_story() -> None:
    rows = [("a", f"step {number}") for number in range(100)]
    picture = pictures.of_events("the calls", rows, bad=99)
    assert len(picture["rows"]) == pictures.MAX_ROWS
    assert pictures.as_text(picture).splitlines()[-1] == "-> a  step 99"


def test_bits_that_differ_are_marked() -> None:
    text = pictures.as_text(pictures.of_bits("registers", ("expected", 0b1100), ("got", 0b1010)))
    assert text.splitlines() == [
        "registers:",
        "expected  00000000 00000000 00000000 00001100",
        "got       00000000 00000000 00000000 00001010",
        "                                          ^^",
    ]


def test_blocks_have_their_story_above_them() -> None:
    rows = [("0", "A", "in use: r1, r2"), ("1", "AB", "idle, number 1 to go"), ("10", "", "free")]
    picture = pictures.of_blocks("the blocks", rows, [1], [("r1", "allocate A"), ("r2", "free")])
    assert pictures.as_text(picture).splitlines() == [
        "the blocks:",
        "   r1  allocate A",
        "-> r2  free",
        "   block  0  A   in use: r1, r2",
        "-> block  1  AB  idle, number 1 to go",
        "   block 10      free",
    ]


def test_of_many_blocks_those_that_it_is_about_are_kept() -> None:
    rows = [(str(number), "", "free") for number in range(100)]
    picture = pictures.of_blocks("the blocks", rows, [97], [("r", str(n)) for n in range(100)])
    assert len(picture["rows"]) == pictures.MAX_ROWS
    assert [picture["rows"][place][0] for place in picture["bad"]] == ["97"]
    assert picture["story"][-1] == ["r", "99"]
    assert len(picture["story"]) == pictures.MAX_STORY


def test_spans_stand_under_each_other_and_moments_below_them() -> None:
    rows = [("a, epoch 1", 0.0, 10.0), ("b, epoch 2", 12.0, 24.0)]
    picture = pictures.of_spans("the leases", rows, [(12.0, "b claims"), (14.5, "a reports")], 1)
    assert pictures.as_text(picture).splitlines() == [
        "the leases:",
        f"   a, epoch 1  [{'=' * 19}) 0 to 10",
        f"   b, epoch 2  {' ' * 24}[{'=' * 23}) 12 to 24",
        f"               {' ' * 24}^ 12: b claims",
        f"->             {' ' * 29}^ 14.5: a reports",
    ]


def test_of_many_spans_the_last_are_kept() -> None:
    rows = [(f"epoch {number}", float(number), number + 1.0) for number in range(50)]
    picture = pictures.of_spans("the leases", rows)
    assert len(picture["rows"]) == pictures.MAX_SPANS
    assert "epoch 49" in pictures.as_text(picture)


def test_a_moment_without_a_span_can_be_shown() -> None:
    picture = pictures.of_spans("no lease", [], [(21.0, "a heartbeat")], 0)
    assert pictures.as_text(picture).splitlines()[1] == "->   ^ 21: a heartbeat"


def test_partitions_show_what_is_committed_and_the_bad_offset() -> None:
    rows = [("partition 0", 2, [(0, "done"), (2, "work"), (5, "unread")]), ("partition 1", 0, [])]
    picture = pictures.of_partitions("the log", rows, (0, 2))
    assert pictures.as_text(picture).splitlines() == [
        "the log:",
        "partition 0  0+ | 2~ 5.",
        "                  ^^",
        "partition 1  |",
        pictures.LEGEND,
    ]


def test_of_many_records_those_around_the_bad_offset_are_kept() -> None:
    cells = [(number, "done") for number in range(0, 1000, 2)]
    picture = pictures.of_partitions("the log", [("partition 0", 1000, cells)], (0, 500))
    offsets = [offset for offset, _ in picture["rows"][0]["cells"]]
    assert 500 in offsets
    assert len(offsets) == pictures.MAX_CELLS


def test_an_offset_without_a_record_is_marked_behind_the_others() -> None:
    picture = pictures.of_partitions("the log", [("p", 1, [(0, "done")])], (0, 7))
    assert pictures.as_text(picture).splitlines()[1:3] == ["p  0+ | 7", "        ^"]


def test_every_kind_is_plain_data() -> None:
    for picture in (
        pictures.of_bytes("t", b"x", [(0, 1, "w")]),
        pictures.of_events("t", [("a", "b")], 0),
        pictures.of_bits("t", ("expected", 1), ("got", 2)),
        pictures.of_blocks("t", [("0", "A", "free")], [0], [("a", "b")]),
        pictures.of_spans("t", [("a", 0.0, 1.5)], [(1.0, "b")], 0),
        pictures.of_partitions("t", [("p", 1, [(0, "done")])], (0, 0)),
    ):
        assert json.loads(json.dumps(picture)) == picture
