"""A promise, what was done to break it, and whether it held.

The tour prints these as a table, the notebooks end with them, and scripts read them as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from html import escape
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
        f"{_verdict(claim)} | {claim.layer}: {claim.promise} | against: {claim.broken_by}"
        for claim in claims
    )


@dataclass(frozen=True)
class ClaimsTable:
    """The claims with what was observed: a table in a notebook, lines elsewhere."""

    claims: tuple[Claim, ...]

    def __repr__(self) -> str:
        return "\n".join(
            f"{_verdict(claim)} | {claim.promise} | against: {claim.broken_by}"
            f" | observed: {claim.observed}"
            for claim in self.claims
        )

    def _repr_html_(self) -> str:
        head = "".join(f"<th>{name}</th>" for name in ("promise", "against", "observed", ""))
        rows = (
            (claim.promise, claim.broken_by, claim.observed, _verdict(claim).strip())
            for claim in self.claims
        )
        body = "".join(
            "<tr>" + "".join(f'<td style="text-align:left">{escape(cell)}</td>' for cell in row)
            + "</tr>"
            for row in rows
        )  # fmt: skip
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def table(claims: Sequence[Claim]) -> ClaimsTable:
    """The claims as a table with their figures, to be shown by a notebook."""
    return ClaimsTable(tuple(claims))


def _verdict(claim: Claim) -> str:
    return "kept  " if claim.kept else "BROKEN"
