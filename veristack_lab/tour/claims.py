"""A promise, what was done to break it, and whether it held."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Claim:
    """One row of the tour's table of claims."""

    layer: str
    promise: str
    broken_by: str
    """What was done to break it."""
    observed: str
    kept: bool


def write_json(claims: Sequence[Claim], path: Path) -> None:
    """Write the claims as a list of objects, for people who script the tour."""
    path.write_text(json.dumps([asdict(claim) for claim in claims], indent=2) + "\n")
