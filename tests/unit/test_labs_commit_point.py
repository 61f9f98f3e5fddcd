"""Lab 04 draws its bad events: the operations in order, the cut, what is durable, what follows."""

from __future__ import annotations

import pytest

from veristack_lab.labs import manifest, pictures, variants
from veristack_lab.labs.runner import Outcome

LAB = manifest.find("04-commit-point")
ACTORS = {"your code", "meanwhile", "the power", "the disk", "Ctrl-C", "durable", "so"}
WRONG = {v.name: v for v in variants.find_all(LAB) if v.kind == variants.WRONG}


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        (
            "metadata_before_the_chunks",
            [
                ("your code", "get metadata of 'm': not there"),
                ("your code", "put metadata of 'm'"),
                ("the power", "is cut here; never happens: put a chunk of upload 1"),
                (
                    "durable",
                    "metadata of 'm', which names upload 1: 0 of its 4 chunks; chunk 0 is the"
                    " first that is missing",
                ),
            ],
        ),
        (
            "a_full_disk_passed_over",
            [
                ("the disk", "is full; never happens: put a chunk of upload 1"),
                ("durable", "no metadata of 'm'"),
            ],
        ),
        (
            "a_collector_that_eats_an_upload_in_flight",
            [
                ("your code", "scan: 20 entries"),
                ("your code", "scan: 6 entries"),
                ("your code", "3 x delete a chunk of upload 4d"),
                ("your code", "4 x delete a chunk of upload 3f1"),
                ("durable", "no metadata of 'm2'"),
            ],
        ),
    ],
)
def test_a_picture_tells_the_cut_and_what_is_durable(
    name: str, rows: list[tuple[str, str]]
) -> None:
    picture, bad = drawn(name)
    assert [tuple(row) for row in picture["rows"][:-1]] == rows
    assert picture["rows"][-1] == ["so", f"expected {bad.expected}, got {bad.got}"]


@pytest.mark.parametrize(
    "name",
    [
        "a_reader_that_goes_on_with_other_metadata",
        "a_delete_that_leaves_the_chunks",
        "chunks_tidied_up_after_a_commit_in_doubt",
        "the_old_chunks_removed_before_the_commit",
        "a_collector_that_lists_the_chunks_last",
        "an_id_made_from_the_content",
    ],
)
def test_every_bad_event_on_the_store_has_a_picture_of_what_is_left(name: str) -> None:
    picture, _ = drawn(name)
    who = [row[0] for row in picture["rows"]]
    assert set(who) <= {
        "your code",
        "meanwhile",
        "the power",
        "the disk",
        "Ctrl-C",
        "durable",
        "so",
    }
    assert "your code" in who
    assert who[-2:] == ["durable", "so"]
    assert picture["bad"] == len(who) - 1


def drawn(name: str) -> tuple[pictures.Picture, Outcome]:
    verdict = variants.judge(LAB, WRONG[name])
    bad = verdict.first_bad
    assert verdict.as_expected
    assert bad is not None
    assert bad.picture is not None
    assert pictures.as_text(bad.picture).splitlines()[-1].startswith("-> so")
    return bad.picture, bad
