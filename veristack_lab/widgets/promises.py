"""What a drill of an object store's process shows, judged from its calls."""

from __future__ import annotations

from veristack_lab.runtime.claims import Claim
from veristack_lab.widgets.outage_drill import Call


def object_outlives_its_server(letter: bytes, while_dead: Call, restarted: Call) -> Claim:
    """From a call while the server was dead, and one after it was started again."""
    return Claim(
        "veristore",
        "An acknowledged object outlives its server",
        "SIGKILL of the object store's process",
        f"{while_dead.answer} while it was dead, then {len(restarted.answer)} of {len(letter)}"
        " bytes",
        not while_dead.answered and restarted.answer == letter,
    )


def dead_is_told_from_paused(
    states: tuple[str, str], while_dead: Call, while_paused: Call, resumed: Call
) -> Claim:
    """From a call to a dead server and one to a paused one: only the second costs the time limit.

    Args:
        states: what the switch saw after the kill and after the pause.
        while_dead: a call while the server was dead.
        while_paused: a call while it was paused.
        resumed: a call after it went on.
    """
    return Claim(
        "widgets",
        "A client learns at once of a dead server, and of a paused one only by its own time limit",
        "SIGKILL, then SIGSTOP of the object store's process",
        f"{states[0]}: {while_dead.took_ms:.0f} ms; {states[1]}: {while_paused.took_ms:,.0f} ms",
        states == ("dead", "paused")
        and not while_dead.answered
        and not while_paused.answered
        and while_dead.took_ms < while_paused.took_ms
        and resumed.answered,
    )
