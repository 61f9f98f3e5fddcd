"""Prompts for experiments: seeded, of a known length, and truly new when they should be."""

from __future__ import annotations

import random

WORDS = (
    *("the", "a", "of", "in", "on", "and", "to", "with", "under", "before", "after", "every"),
    *("rain", "river", "harbour", "market", "letter", "engine", "station", "garden", "winter"),
    *("paper", "window", "journey", "captain", "lantern", "bridge", "evening", "village"),
    *("carries", "follows", "remembers", "opens", "crosses", "keeps", "leaves", "answers"),
    *("quiet", "narrow", "bright", "old", "distant", "heavy", "slow", "early"),
)
NONCE_DIGITS = 24


def words(rng: random.Random, count: int) -> str:
    """This many words with little meaning."""
    return " ".join(rng.choices(WORDS, k=count))


def nonce(rng: random.Random) -> str:
    """A beginning that no earlier prompt had: whatever follows is cold in every cache."""
    return "".join(rng.choices("0123456789", k=NONCE_DIGITS))
