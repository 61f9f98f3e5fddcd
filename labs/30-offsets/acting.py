"""Lets the learner's code run: as a whole, struck at each of its calls, or met at each moment."""

from __future__ import annotations

from veristack_lab.errors import BackendUnavailable, EmbeddingFailed
from veristack_lab.labs.checking import raising_is_bad
from veristack_lab.labs.telling import where_of

from .world import Access, Crash, Fault, Halt


def run(world, given, expected, act, *, but=()):
    """Let the learner's code run; returns (answer, error of `but`)."""
    try:
        with raising_is_bad(world.work, given, expected, but=(*but, Crash)):
            got, error = act(), None
    except Halt as halt:
        halt.bad.where = halt.bad.where or where_of(halt, world.work)
        raise halt.bad from None
    except (*but, Crash) as raised:
        got, error = None, raised
    if world.open is not None:
        raise world.bad(given, "every transaction ended", "one that is still open")
    return got, error


KINDS = ("crash", "late crash", "away", "unsure")


def strikes(work, prepare, act, what, *, kinds=KINDS, but=(BackendUnavailable, EmbeddingFailed)):
    """Run `act(access)` with each kind of fault at each of its calls.

    Args:
        prepare: makes the world, with all that happened before.

    Yields (given, world, answer, error).
    """
    for kind in kinds:
        number = 0
        while True:
            world = prepare()
            world.calls, world.rows = 0, []
            fault = world.fault = Fault(kind, number)
            access = Access(world)
            got, error = run(world, f"{what}; {kind}", "an end", lambda a=access: act(a), but=but)
            world.fault = None
            if not fault.struck:
                break
            yield f"{what}; {fault}", world, got, error
            number += 1


def moments(work, prepare, act, intrude, what, *, but=()):
    """Run `act(access)`, and at each of its moments, once, `intrude(other access)`.

    Yields (given, world, answer).
    """
    number = 0
    while True:
        world, seen = prepare(), [0, ""]
        world.rows = []

        def moment(access, told, world=world, seen=seen, wanted=number):
            if access.name != "worker":
                return
            if seen[0] == wanted:
                seen[1] = told
                world.note("other", "comes in between")
                intrude(Access(world, "other"))
            seen[0] += 1

        world.moment = moment
        access = Access(world)
        got, _ = run(world, f"{what}, at moment {number + 1}", "an end",
                     lambda a=access: act(a), but=but)  # fmt: skip
        world.moment = lambda access, told: None
        if not seen[1]:
            return
        yield f"{what}, just before: {seen[1]}", world, got
        number += 1
