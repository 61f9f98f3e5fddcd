"""The promises, each a small function from what was found to what is wrong with it.

A promise is kept when its function returns "". They are asked in this order, and the first
one that is broken gives the violation its name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from veristack_lab.runtime.counting import counted
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.store.probe import Examination, Prober, describe_difference
from veristack_lab.sim.store.recording import Recording
from veristack_lab.sim.store.session import State


@dataclass(frozen=True)
class Case:
    """One image, at one crash point of one recording."""

    recording: Recording
    crash_point: int
    found: Examination
    served: str = ""
    """How data served after a kill was lost to a power cut; checked once per crash point."""

    @cached_property
    def legal(self) -> list[State]:
        """The states that may be there."""
        return self.recording.legal(self.crash_point)

    @cached_property
    def settled(self) -> State:
        """What all legal states agree on."""
        first, *rest = self.legal
        return {i: v for i, v in first.items() if all(other.get(i) == v for other in rest)}

    @property
    def acknowledged_lsn(self) -> int:
        """LSN of the newest acknowledged write that must be there."""
        done = self.recording.durable(self.crash_point)
        return self.recording.last_lsns[done]


def make_case(
    recording: Recording, crash_point: int, prober: Prober, disk: SimDisk, image: SimDisk
) -> Case:
    """Examine one image.

    Args:
        recording: the workload's recording.
        crash_point: at which the power failed.
        prober: the engine's prober.
        disk: at the crash point.
        image: what the power cut left of it. Where it left everything, the process alone may
            have died as well, so what is then served is examined too.
    """
    is_all = image.tree_digest() == disk.tree_digest()
    found = prober.examine(image)
    return Case(recording, crash_point, found, prober.served(disk) if is_all else "")


def opens(case: Case) -> str:
    """A power cut never makes a store unreadable."""
    error = case.found.first.error
    return f"cannot be opened: {error}" if error and not _is_content(error) else ""


def objects_whole(case: Case) -> str:
    """Every object that is listed can be read, whole and with its right checksum."""
    error = case.found.first.error
    return f"an object cannot be read: {error}" if error and _is_content(error) else ""


def _is_content(error: str) -> bool:
    return error.startswith(("ChecksumMismatch", "ObjectNotFound"))


def acknowledged_present(case: Case) -> str:
    """What was acknowledged is there."""
    if case.found.first.state in case.legal:
        return ""
    index = case.recording.state_index(case.found.first.state, case.crash_point)
    durable = case.recording.durable(case.crash_point)
    done = case.recording.acknowledged(case.crash_point)
    if 0 <= index < durable:
        step = case.recording.steps[index]
        if durable - index == 1:
            return f"1 acknowledged step is lost: '{step.label}'"
        return f"{durable - index} acknowledged steps are lost, from '{step.label}' on"
    if index > done:
        return f"the store is as after step {index}, when only {counted(done, 'step')} were done"
    settled = case.settled
    for item in sorted(settled.keys() | case.found.first.state.keys()):
        if item not in _moving(case) and settled.get(item) != case.found.first.state.get(item):
            return f"an acknowledged step is lost: {describe_difference(settled, _only(case))}"
    return ""


def unacknowledged_atomic(case: Case) -> str:
    """A step under way is there as a whole or not at all."""
    if case.found.first.state in case.legal:
        return ""
    done = case.recording.acknowledged(case.crash_point)
    label = case.recording.steps[min(done, len(case.recording.steps) - 1)].label
    difference = describe_difference(case.legal[-1], case.found.first.state)
    return f"'{label}' is partially applied: {difference}"


def _moving(case: Case) -> set[tuple[str, ...]]:
    """What legal states do not agree on."""
    items = {item for state in case.legal for item in state}
    return items - case.settled.keys()


def _only(case: Case) -> State:
    moving = _moving(case)
    return {item: value for item, value in case.found.first.state.items() if item not in moving}


def lsn_never_back(case: Case) -> str:
    """Log sequence numbers never fall below an acknowledged one."""
    if case.found.first.last_lsn < case.acknowledged_lsn:
        return f"LSN {case.acknowledged_lsn} was acknowledged, recovery ends at " + str(
            case.found.first.last_lsn
        )
    return ""


def recovery_repeatable(case: Case) -> str:
    """Recovering twice gives the same bytes."""
    return f"a second recovery differs: {case.found.second}" if case.found.second else ""


def recovery_interruptible(case: Case) -> str:
    """A power cut during recovery changes nothing."""
    return f"a cut during recovery shows: {case.found.nested}" if case.found.nested else ""


def nothing_orphaned(case: Case) -> str:
    """After a collection nothing is left that no object refers to."""
    return case.found.orphans


def refuses_nothing(case: Case) -> str:
    """Nothing is refused while the disk is well."""
    done = case.recording.acknowledged(case.crash_point)
    for number in case.recording.refusals:
        if number < done:
            step = case.recording.steps[number]
            return f"'{step.label}' was refused: {step.error}"
    return ""


def listing_in_order(case: Case) -> str:
    """Keys and objects come in the order of their bytes."""
    return case.found.first.disorder


def no_false_alarm(case: Case) -> str:
    """A power cut leaves a torn tail, never damage: on a disk that is well none is reported."""
    damage = case.found.first.damage
    if not damage or any(step.excused for step in case.recording.steps):
        return ""
    return f"recovery reports damage: {damage}"


def goes_on(case: Case) -> str:
    """A recovered store takes new writes and keeps them through one more crash."""
    return case.found.going_on


def served_is_durable(case: Case) -> str:
    """What is read or written after the death of the process alone survives a power cut."""
    return f"the process died, recovered, and {case.served}" if case.served else ""


PROMISES: dict[str, Callable[[Case], str]] = {
    "opens": opens,
    "objects-whole": objects_whole,
    "acknowledged-present": acknowledged_present,
    "unacknowledged-atomic": unacknowledged_atomic,
    "lsn-never-back": lsn_never_back,
    "recovery-repeatable": recovery_repeatable,
    "recovery-interruptible": recovery_interruptible,
    "nothing-orphaned": nothing_orphaned,
    "goes-on": goes_on,
    "served-is-durable": served_is_durable,
    "listing-in-order": listing_in_order,
    "no-false-alarm": no_false_alarm,
    "refuses-nothing": refuses_nothing,
}
"""Every promise by its stable name. The docstring of each is the promise."""


def judge(case: Case) -> tuple[str, str]:
    """The first broken promise and what is wrong, or two empty texts."""
    for name, promise in PROMISES.items():
        violation = promise(case)
        if violation:
            return name, violation
        if case.found.first.error and name == "objects-whole":
            break  # a store that cannot be opened cannot be judged further
    return "", ""
