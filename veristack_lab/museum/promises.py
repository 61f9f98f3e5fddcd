"""What the museum promises of the simulator, judged from verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from veristack_lab.museum.registry import exhibits
from veristack_lab.museum.visit import Verdict
from veristack_lab.runtime.claims import Claim
from veristack_lab.runtime.counting import counted


def defects_are_found(layer: str, verdicts: Sequence[Verdict]) -> Claim:
    """From `museum.run` of some exhibits: the simulator detects them, without false alarms."""
    found = sum(verdict.exhibit_broken for verdict in verdicts)
    names = [verdict.exhibit.name for verdict in verdicts]
    wings = list(dict.fromkeys(verdict.exhibit.wing for verdict in verdicts))
    whole = [exhibit.name for exhibit in exhibits() if exhibit.wing in wings]
    healthy = sum(verdict.healthy_survived for verdict in verdicts)
    return Claim(
        layer,
        "The simulator finds known defects, and none of them in the engine",
        f"all {len(whole)} exhibits of {', '.join(wings)}"
        if sorted(names) == sorted(whole)
        else f"exhibits: {', '.join(names)}",
        f"{found} found out, the healthy engine survived the same seed {counted(healthy, 'time')}",
        found == healthy == len(verdicts) > 0,
    )
