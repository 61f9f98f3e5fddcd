"""A promise, what was done to break it, and whether it held.

The tour prints these as a table, the notebooks end with them, and scripts read them as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Claim:
    """One promise and whether it held."""

    layer: str
    promise: str
    broken_by: str
    """What was done to break it."""
    observed: str
    """What was seen, with figures."""
    kept: bool


def write_json(claims: Sequence[Claim], path: Path) -> None:
    """Write the claims as a list of {layer, promise, broken_by, observed, kept}."""
    path.write_text(json.dumps([asdict(claim) for claim in claims], indent=2) + "\n")


def verdicts(claims: Sequence[Claim]) -> str:
    """The claims without their figures, one a line: the same text on every machine."""
    return "\n".join(
        f"{'kept  ' if claim.kept else 'BROKEN'} | {claim.layer}: {claim.promise}"
        f" | against: {claim.broken_by}"
        for claim in claims
    )
