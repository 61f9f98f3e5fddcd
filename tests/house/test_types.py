"""The type checker has nothing to say. It takes a minute, so it runs beside other tests."""

from __future__ import annotations

from tests.house.test_tools import assert_silent


def test_the_type_checker_has_nothing_to_say() -> None:
    assert_silent("mypy")
