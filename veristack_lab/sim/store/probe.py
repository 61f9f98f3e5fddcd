"""Opening the image of a power cut, and all that follows from the image alone.

What an image recovers to does not depend on how it came about, so every result is kept under
the digest of the image: many cuts leave the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from veristack_lab.sim.disk.operations import Operation
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.store.engine import Engine
from veristack_lab.sim.store.orphans import orphans
from veristack_lab.sim.store.session import Session, State, key_item

PROBE_KEY = b"\xff written after recovery"
PROBE_OBJECT = "written after recovery"
PROBE_CONTENT = b"after recovery. " * 80
_LIFE = 1000
"""The life number of all recoveries: their ids must differ from those of the workload."""
_NESTED_LIMIT = 6
"""Images of a cut during recovery that are opened, at each of its operations."""


@dataclass(frozen=True)
class Outcome:
    """What opening an image gave."""

    error: str
    """Why it could not be opened or read; empty if it could, and then the rest counts."""
    after: bytes
    """Digest of the disk afterwards."""
    state: State = field(default_factory=dict)
    last_lsn: int = 0
    torn_bytes: int = 0
    damage: str = ""
    """What recovery reported as damaged."""
    disorder: str = ""
    """Items that were not in byte order."""


@dataclass(frozen=True)
class Examination:
    """Everything that the promises need about one image."""

    first: Outcome
    second: str = ""
    """How a second recovery differed from the first."""
    nested: str = ""
    """How a recovery that was cut by power differed from one that was not."""
    nested_points: int = 0
    """Disk operations of the recovery; the power was cut after each."""
    going_on: str = ""
    """How a write after recovery went wrong."""
    orphans: str = ""
    """What is left over although nothing refers to it."""


class Prober:
    """Opens images, each distinct one once.

    Args:
        engine: under test.
        with_objects: whether to open the object store too.
    """

    def __init__(self, engine: Engine, *, with_objects: bool) -> None:
        self._engine = engine
        self._with_objects = with_objects
        self._examined: dict[bytes, Examination] = {}
        self._outcomes: dict[bytes, Outcome] = {}
        self._states: list[State] = []
        self.recoveries = 0
        """Images opened so far."""

    def examine(self, image: SimDisk) -> Examination:
        """All about one image."""
        name = image.tree_digest()
        if name not in self._examined:
            self._examined[name] = self._examine(image, name)
        return self._examined[name]

    def _recover(self, disk: SimDisk) -> tuple[Outcome, Session | None]:
        """Open a disk. It is changed by that."""
        self.recoveries += 1
        try:
            session = Session(self._engine, disk, self._with_objects, life=_LIFE)
            state = self._known(session.observe())
            stats = session.store.stats()
        except Exception as error:  # noqa: BLE001 a broken engine may raise anything: a finding
            return Outcome(f"{type(error).__name__}: {error}", disk.tree_digest()), None
        recovery = stats.recovery
        damage = "; ".join(str(each.reason) for each in recovery.damage)
        after = disk.tree_digest()
        outcome = Outcome(
            "", after, state, stats.last_lsn, recovery.torn_bytes, damage, session.disorder
        )
        return outcome, session

    def _known(self, state: State) -> State:
        """An equal state that is kept already: few differ, so keeping all is cheap."""
        for known in self._states:
            if known == state:
                return known
        self._states.append(state)
        return state

    def _outcome(self, image: SimDisk) -> Outcome:
        """What opening an image gives; opened only if it is new."""
        name = image.tree_digest()
        if name not in self._outcomes:
            self._outcomes[name] = self._recover(image)[0]
        return self._outcomes[name]

    def _examine(self, image: SimDisk, name: bytes) -> Examination:
        disk = image.after_kill()
        first, session = self._recover(disk)
        self._outcomes[name] = first
        if session is None:
            return Examination(first)
        recovery = disk.operations.copy()
        return Examination(
            first,
            nested_points=len(recovery),
            second=self._second(first, disk),
            nested=self._nested(image, first, recovery),
            # from here on the recovered disk itself is written to
            orphans=orphans(first.state, session),
            going_on=self._going_on(first, session),
        )

    def served(self, disk: SimDisk) -> str:
        """How what a recovery serves, or is given, differs from what a later power cut leaves.

        Nothing is asked after a failed sync: no program can tell pages that it left behind
        from durable ones.

        Args:
            disk: the disk when only the process dies: the page cache lives on, and recovery may
                read from it data that was never synced.
        """
        if any(state.doubtful for state in disk.files.values()):
            return ""
        alive = disk.after_kill()
        first, session = self._recover(alive)
        if session is None:
            return ""  # another promise checks whether it can be opened
        for cut in alive.images(_NESTED_LIMIT, byte_cuts=0):
            difference = _difference(first, self._outcome(alive.image(cut.choice)))
            if difference:
                return f"after one more cut ({cut.policy}): {difference}"
        return self._going_on(first, session)

    def _second(self, first: Outcome, disk: SimDisk) -> str:
        """Recover again what was recovered, as after the death of the process alone.

        A recovery that has changed no byte has answered this already.
        """
        second = self._outcome(disk.after_kill())
        difference = _difference(first, second)
        if not difference and second.after != first.after:
            difference = "the files have other bytes than after the first"
        return difference

    def _nested(self, image: SimDisk, first: Outcome, recovery: Sequence[Operation]) -> str:
        """Cut the power after each operation of the recovery, and recover from that."""
        disk = image.after_kill()
        for operation in recovery:
            disk.apply(operation)
            images = disk.images(_NESTED_LIMIT, byte_cuts=1)
            for cut in images:
                found = self._outcome(disk.restore(*images.build(cut.choice)))
                difference = _difference(first, found)
                if difference:
                    return f"cut behind '{operation}' ({cut.policy}): {difference}"
        return ""

    def _going_on(self, first: Outcome, session: Session) -> str:
        """Write after recovery, cut the power once more, and look for the write."""
        try:
            lsn, added = _write_more(session, first)
        except Exception as error:  # noqa: BLE001 a broken engine may raise anything: a finding
            return f"a write was refused: {type(error).__name__}: {error}"
        if lsn <= first.last_lsn:
            return f"a new write got LSN {lsn}, not above {first.last_lsn}"
        wanted = {**first.state, **added}
        images = [session.disk.crash(policy, first.last_lsn) for policy in ("lost", "any")]
        for image in {each.tree_digest(): each for each in images}.values():
            again, _ = self._recover(image)
            if again.error:
                return f"after one more cut: {again.error}"
            if again.state != wanted:
                return f"after one more cut: {describe_difference(wanted, again.state)}"
            if again.last_lsn < lsn:
                return f"after one more cut the LSN went back from {lsn} to {again.last_lsn}"
        return ""


def _write_more(session: Session, first: Outcome) -> tuple[int, State]:
    """Put a key, and an object if there is a bucket. Returns the key's LSN and what is new."""
    value = b"%d" % first.last_lsn
    lsn = session.store.put(PROBE_KEY, value)
    added: State = {key_item(PROBE_KEY): value}
    buckets = session.objects.buckets() if session.with_objects else []
    if buckets:
        session.objects.put(buckets[0], PROBE_OBJECT, PROBE_CONTENT)
        added["object", buckets[0], PROBE_OBJECT] = PROBE_CONTENT
    session.store.sync()
    return lsn, added


def _difference(first: Outcome, second: Outcome) -> str:
    if second.error:
        return second.error
    if second.state != first.state:
        return describe_difference(first.state, second.state)
    if second.last_lsn < first.last_lsn:
        return f"the last LSN went back from {first.last_lsn} to {second.last_lsn}"
    return ""


def describe_difference(wanted: State, found: State) -> str:
    """The first item in which two states differ, in words."""
    for item in sorted(wanted.keys() | found.keys()):
        if wanted.get(item) != found.get(item):
            name = " ".join(item)
            return f"{name!r} is {_brief(found.get(item))}, not {_brief(wanted.get(item))}"
    return ""


def _brief(value: bytes | None) -> str:
    if value is None:
        return "absent"
    return repr(value) if len(value) <= 12 else f"{value[:8]!r}... ({len(value)} bytes)"
