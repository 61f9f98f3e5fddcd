"""What the crash explorer shows: one moment of a workload, one image of a power cut there.

Everything is worked out when it is asked for: the disk at the moment, the images that a cut
may leave, and what one of them recovers to. What is shown has a constant size, except for the
strip, which has one letter a moment.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.counting import counted
from veristack_lab.sim.disk.crash import POLICIES
from veristack_lab.sim.disk.images import Image, Images
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.sim.store.engine import Engine
from veristack_lab.sim.store.oracle import PROMISES, Case, judge, make_case
from veristack_lab.sim.store.probe import Prober
from veristack_lab.sim.store.recording import Recording, record
from veristack_lab.sim.store.steps import Workload
from veristack_lab.widgets.disk_view import SECTOR_WORDS, Cut, files
from veristack_lab.widgets.explorer_words import items, operation_words, step_words
from veristack_lab.widgets.loop import Model, View

IMAGES_SHOWN = 48
SLICE_IMAGES = 32
"""About this many images a search opens before it shows its progress."""
_REMEMBERED = 400
"""Images whose examination is kept."""
POWER_ON = -1
_WAYS = ("next", "previous")


@dataclass(frozen=True)
class Subject:
    """An engine that can be chosen."""

    name: str
    title: str
    promise: str
    """The promise that it breaks; empty for the healthy engine."""
    engine: Engine
    workload: Workload | None
    """The workload that shows the defect; None: the current one."""


@dataclass
class _Search:
    """A search for the next violation."""

    way: str
    start: tuple[int, int]
    """Position and image where it began."""
    opened: int = 0
    """Images so far."""

    @property
    def step(self) -> int:
        return 1 if self.way == "next" else -1

    def beyond(self, position: int, found: list[int]) -> list[int]:
        """Those of the found images that lie on the way."""
        if position != self.start[0]:
            return found
        here = self.start[1]
        return [n for n in found if (n > here if self.step > 0 else n < here)]


class ExplorerModel(Model):
    """The model of one explorer; see `loop.Model`.

    Args:
        workload: the first workload.
        subjects: the engines by name; the first is chosen.
        seed: of the simulated disk.
    """

    def __init__(self, workload: Workload, subjects: Mapping[str, Subject], seed: int) -> None:
        self._subjects = dict(subjects)
        self._seed = seed
        self._workload = workload
        self._position = 0
        self._image = POWER_ON
        self._search: _Search | None = None
        self._choose(next(iter(subjects)))

    # ------------------------------------------------------------------ commands

    def check(self, op: str, argument: object) -> None:
        """See `loop.Model`. Raises `InvalidInput`."""
        if op in ("move", "image"):
            lowest = 0 if op == "move" else POWER_ON
            if type(argument) is not int or argument < lowest:
                raise InvalidInput(f"{op} takes a number from {lowest} on, not {argument!r}")
        elif op == "engine":
            if argument not in self._subjects:
                known = ", ".join(self._subjects)
                raise InvalidInput(f"there is no engine {argument!r}; there are {known}")
        elif op == "judge":
            if argument is not None:
                raise InvalidInput(f"judge takes nothing, not {argument!r}")
        elif op == "violation":
            if argument not in _WAYS:
                raise InvalidInput(f"violation takes next or previous, not {argument!r}")
        else:
            known = "move, image, engine, judge, violation"
            raise InvalidInput(f"there is no command {op!r}; there are {known}")

    def obey(self, op: str, argument: Any) -> bool:
        """See `loop.Model`. Raises `InvalidInput` for a moment or an image that does not exist."""
        self._search = None
        match op:
            case "move":
                self._move(argument)
            case "image":
                if argument >= len(self._images()):
                    raise InvalidInput(f"this moment has {counted(len(self._images()), 'image')}")
                self._image = argument
            case "engine":
                self._choose(argument)
            case "judge":
                self._violations()
            case "violation":
                self._search = _Search(argument, (self._position, self._image))
                return self.proceed()
        return False

    def _choose(self, name: str) -> None:
        subject = self._subjects[name]
        workload = subject.workload or self._workload
        self._recording: Recording = record(workload, subject.engine, self._seed)
        self._subject, self._workload = subject, workload
        self._broken: dict[int, list[int]] = {}
        self._prober = self._new_prober()
        self._at: tuple[int, SimDisk, list[tuple[Image, SimDisk]]] | None = None
        self._position, self._image = min(self._position, self._last), POWER_ON

    def _new_prober(self) -> Prober:
        return Prober(self._subject.engine, with_objects=self._workload.on_objects)

    def _move(self, position: int) -> None:
        if position > self._last:
            raise InvalidInput(
                f"the recording has {counted(self._last, 'operation')}, not {position}"
            )
        if position != self._position:
            # What is lost or kept stays comparable from moment to moment: the same kind of cut.
            policy = self._policy()
            self._position = position
            self._image = self._first_of(policy)

    def _policy(self) -> str:
        return "" if self._image == POWER_ON else self._images()[self._image][0].policy

    def _first_of(self, policy: str) -> int:
        if not policy:
            return POWER_ON
        found = [image.policy for image, _ in self._images()]
        return found.index(policy) if policy in found else 0

    @property
    def _last(self) -> int:
        return len(self._recording.operations)

    # ---------------------------------------------------------------- violations

    def proceed(self) -> bool:
        """Look on for the next image, in time and number, that breaks a promise.

        Raises:
            InvalidInput: no further image breaks one; the message says how far it looked.
        """
        search, opened = self._search, 0
        while search is not None and opened < SLICE_IMAGES:
            found, just_opened = self._violations()
            opened += just_opened
            search.opened += just_opened
            beyond = search.beyond(self._position, found)
            if beyond:
                self._image = beyond[0] if search.step > 0 else beyond[-1]
                self._search = None
                return False
            if self._position == (self._last if search.step > 0 else 0):
                self._give_up(search)
            self._position, self._image = self._position + search.step, POWER_ON
        return True

    def _give_up(self, search: _Search) -> None:
        reached, self._search = self._position, None
        self._position, self._image = search.start
        raise InvalidInput(
            f"no promise breaks from operation {self._position} to {reached}: "
            f"opened {counted(search.opened, 'image')}"
        )

    def _violations(self) -> tuple[list[int], int]:
        """Images of this moment that break a promise, and how many were opened to know."""
        if self._position in self._broken:
            return self._broken[self._position], 0
        images = self._images()
        broken = [n for n, (_, disk) in enumerate(images) if judge(self._case(disk))[0]]
        self._broken[self._position] = broken
        return broken, len(images)

    def _case(self, image: SimDisk) -> Case:
        if self._prober.recoveries > 8 * _REMEMBERED:
            self._prober = self._new_prober()
        return make_case(self._recording, self._position, self._prober, self._disk(), image)

    # ------------------------------------------------------------------ the view

    def _disk(self) -> SimDisk:
        return self._moment()[1]

    def _images(self) -> list[tuple[Image, SimDisk]]:
        return self._moment()[2]

    def _moment(self) -> tuple[int, SimDisk, list[tuple[Image, SimDisk]]]:
        """The disk at the chosen moment, and the different images of a cut there."""
        if self._at is None or self._at[0] != self._position:
            disk = self._recording.disk_at(self._position)
            self._at = (self._position, disk, list(_different(disk)))
        return self._at

    def view(self) -> View:
        """See `loop.Model`.

        Keys: `engine`, `engines`, `workload`, `position`, `last`, `operation`, `step`,
        `acknowledged`, `strip` (one letter a moment: `.` not looked at, `o` no promise
        breaks, `x` one does), `busy` (a search under way, in words), `image`, `images`,
        `images_words`, `files` (see `disk_view.files`), `legend`, `opens`, `lsn`,
        `found`, `items`, `promises`.
        """
        recording, position = self._recording, self._position
        return {
            "engine": self._subject.name,
            "engines": [
                {"name": each.name, "title": each.title, "promise": each.promise}
                for each in self._subjects.values()
            ],
            "workload": self._workload.name,
            "position": position,
            "last": self._last,
            "operation": operation_words(self._disk()),
            "step": step_words(recording, position),
            "acknowledged": recording.acknowledged(position),
            "legend": SECTOR_WORDS,
            "image": self._image,
            "images": self._image_rows(),
            "images_words": self._images_words(),
            **(self._power_on() if self._image == POWER_ON else self._power_cut()),
            "busy": self._busy(),
            "strip": "".join(map(self._verdict, range(self._last + 1))),
        }

    def _busy(self) -> str:
        if self._search is None:
            return ""
        return (
            f"Looking for a broken promise: opened {counted(self._search.opened, 'image')} so far."
        )

    def _verdict(self, position: int) -> str:
        broken = self._broken.get(position)
        return "." if broken is None else "x" if broken else "o"

    def _image_rows(self) -> list[View]:
        """The power being on, and each image; `broken` is None where none was judged yet."""
        rows = [{"index": POWER_ON, "policy": "", "words": "on", "broken": False}]
        broken = self._broken.get(self._position)
        for number, (image, _) in enumerate(self._images()):
            is_broken = None if broken is None else number in broken
            words = f"cut {number + 1}, {image.policy}: {POLICIES[image.policy]}"
            if is_broken:
                words = f"✕ {words}"
            row = {"index": number, "policy": image.policy, "words": words, "broken": is_broken}
            rows.append(row)
        return rows

    def _images_words(self) -> str:
        images = Images(self._disk(), IMAGES_SHOWN, 4)
        legal, listed = images.legal, len(self._images())
        text = f"{counted(legal, 'legal combination')} of what was not synced"
        if images.torn:
            text += f", and {counted(images.torn, 'way')} to tear the write under way"
        return f"{text}; {counted(listed, 'different one')} listed"

    def _power_on(self) -> View:
        state = self._recording.legal(self._position)[0]
        return {
            "files": files(self._disk(), None),
            "opens": True,
            "lsn": None,
            "found": "Acknowledged so far",
            "items": items(self._recording, self._position, state),
            "promises": [_promise(name, None, "") for name in PROMISES],
        }

    def _power_cut(self) -> View:
        image, disk = self._images()[self._image]
        case = self._case(disk)
        found = case.found.first
        heading = (
            f"Recovery returns {counted(len(found.state), 'item')}, up to LSN {found.last_lsn}"
        )
        return {
            "files": files(self._disk(), Cut(image.choice, disk)),
            "opens": not found.error,
            "lsn": found.last_lsn,
            "found": f"Recovery fails: {found.error}" if found.error else heading,
            "items": items(self._recording, self._position, found.state),
            "promises": list(_promises(*judge(case))),
        }


def _different(disk: SimDisk) -> Iterator[tuple[Image, SimDisk]]:
    """The images of a cut, those with the same bytes as an earlier one left out."""
    seen: set[bytes] = set()
    for image in disk.images(IMAGES_SHOWN):
        cut = disk.image(image.choice)
        name = cut.tree_digest()
        if name not in seen and len(seen) < IMAGES_SHOWN:
            seen.add(name)
            yield image, cut


def _promises(broken: str, violation: str) -> Iterator[View]:
    """All promises: kept, broken, or not asked, which are those behind the broken one."""
    kept: bool | None = True
    for name in PROMISES:
        if name == broken:
            yield _promise(name, kept=False, broken=violation)
            kept = None
        else:
            yield _promise(name, kept, "")


def _promise(name: str, kept: bool | None, broken: str) -> View:
    words = (inspect.getdoc(PROMISES[name]) or name).rstrip(".")
    return {"name": name, "words": words, "kept": kept, "broken": broken}
