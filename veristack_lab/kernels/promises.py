"""What the kernels promise, judged from frames: for notebooks and tests alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.claims import Claim

if TYPE_CHECKING:
    import pandas as pd

LAYER = "kernels"
LEAST_GAIN = 2.0
"""How many times as fast as the byte table the fastest way must be on the longest buffer. Eight
look-ups that do not wait for each other reach more than this without any special instruction."""


def every_rung_agrees(ladder: pd.DataFrame) -> Claim:
    """From `kernels.crc_ladder`: one checksum by every way, and the top is fast."""
    alone = ladder[ladder["work"] == "one buffer"]
    longest = alone[alone["item_bytes"] == alone["item_bytes"].max()]
    top = longest.loc[longest["times_the_table"].idxmax()]
    agree = int(ladder["verified"].sum())
    return Claim(
        LAYER,
        "Every way to a CRC32C gives the same 32 bits, and the fastest is worth having",
        "each compared with the plain-Python twin, and timed beside the byte table",
        f"{agree} of {len(ladder)} measurements agree; on {int(top['item_bytes']):,} bytes "
        f"“{top['rung']}” is {top['times_the_table']:.1f} times as fast as the byte table",
        agree == len(ladder) > 0 and bool(top["times_the_table"] >= LEAST_GAIN),
    )
