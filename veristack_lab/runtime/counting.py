"""Counts in messages: "1 step", "2 steps". Every message that counts says it through here."""

from __future__ import annotations

_SIBILANTS = ("s", "x", "ch", "sh")


def counted(number: int, one: str, many: str = "") -> str:
    """A number and what it counts, in the form that the number asks for.

    Args:
        number: what was counted; its digits are grouped by commas.
        one: the noun for a single one, such as "acknowledged step".
        many: the noun for several; the regular plural of `one` if empty.
    """
    return f"{number:,} {one if number == 1 else many or plural(one)}"


def plural(noun: str) -> str:
    """The regular plural: steps, entries, hashes."""
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(_SIBILANTS) else f"{noun}s"


def singular(unit: str) -> str:
    """The unit of exactly 1, from a regular plural; a unit such as `ms` stays."""
    word = unit.rpartition(" ")[2]
    if len(word) < 4 or not word.isalpha() or not word.endswith("s"):
        return unit
    if word.endswith("ies"):
        return f"{unit[:-3]}y"
    is_sibilant = word.endswith("es") and word[:-2].endswith(("ss", "x", "ch", "sh"))
    return unit[:-2] if is_sibilant else unit[:-1]
