"""Processes of a world: started, killed, without power, stopped, slow.

    processes = Processes(world, choices, [1, 2, 3], boot=boot, power_cut=disks.cut)
    processes.start(1)
    processes.deliver(1, message)

A process lives from a start to its end. What its program has scheduled for itself belongs to that
life and dies with it. A stopped process (SIGSTOP) misses nothing: what happens to it waits, and is
handled in its order when it goes on; of messages as many wait as a socket's buffer holds. A slow
one needs time for each event.

Nothing here knows what a program or a disk is: `boot` makes the one, `power_cut` harms the other.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any, Literal, NamedTuple, Protocol

from veristack_lab.errors import InvalidInput
from veristack_lab.sim.choices import Choices
from veristack_lab.sim.world import Scheduled, World

State = Literal["up", "paused", "down"]


class Program(Protocol):
    """What runs in a process."""

    def handle(self, event: Any) -> None:
        """Something happens to the process, now."""


class Life:
    """One run of a process, from its start to its end: a guest of the world.

    What a program schedules for its life (timers, answers of its disk) reaches it in this life
    only.
    """

    def __init__(self, process: _Process, number: int) -> None:
        self._process = process
        self.node = process.node
        """Number of the node."""
        self.number = number
        """1 for the first life of the node, and so on."""
        self.name = f"node {process.node}"

    def __repr__(self) -> str:
        return f"Life(node {self.node}, number {self.number})"

    @property
    def over(self) -> bool:
        """Whether the process has ended."""
        return self._process.life is not self

    def handle(self, event: Any) -> None:
        """An event of this life; nothing happens if it is over."""
        if not self.over:
            self._process.take(event)

    def end(self) -> None:
        """The program ends itself, as after a failed write."""
        if not self.over:
            self._process.end("ended")


class _Next(NamedTuple):
    """The process takes the next event that waits for it."""


_NEXT = _Next()


class _Process:
    """The state of one process, and what waits for it."""

    def __init__(self, world: World, node: int, most_waiting: int, counts: Counter[str]) -> None:
        self._world, self._most, self._counts = world, most_waiting, counts
        self.node = node
        self.name = f"process {node}"
        self.life: Life | None = None
        self.lives = 0
        self.program: Program | None = None
        self.paused = False
        self.cost_s = 0.0
        self.inbox: deque[tuple[Any, bool]] = deque()
        """What waits, and whether it is a message."""
        self.messages = 0
        """How many messages wait."""
        self._next = Scheduled(self, _NEXT)

    def take(self, event: Any, *, message: bool = False) -> None:
        if self.program is None:
            self._counts["to a process that is down"] += 1
        elif not (self.paused or self.cost_s or self.inbox):
            self.program.handle(event)
        elif message and self.messages >= self._most:
            self._counts["beyond the buffer"] += 1
        else:
            self.messages += message
            self.inbox.append((event, message))
            self.go_on()

    def go_on(self) -> None:
        """Take the next waiting event when its time has come, unless that is arranged."""
        if self.inbox and not self.paused and not self._next.waits:
            self._world.move(self._next, self._world.now_s + self.cost_s)

    def handle(self, _: _Next) -> None:
        event, message = self.inbox.popleft()
        self.messages -= message
        if self.program is not None:
            self.program.handle(event)
        self.go_on()

    def end(self, how: str) -> None:
        self._counts[how] += 1
        self.life = self.program = None
        self.paused = False
        self.inbox.clear()
        self.messages = 0
        self._world.cancel(self._next)


class Processes:
    """The processes of some nodes; all are down at first.

    Args:
        world: where they live.
        choices: the stream `("power cut", node)` decides what each cut of power does to the disk.
        nodes: their numbers.
        boot: makes the program of a new life.
        power_cut: is called with node, policy and a seed when a node loses its power, after the
            process has ended: let the node's disk become what that policy and seed leave of it.
        most_waiting: how many messages wait for a process that is stopped or slow.
    """

    def __init__(
        self,
        world: World,
        choices: Choices,
        nodes: Sequence[int],
        boot: Callable[[Life], Program],
        power_cut: Callable[[int, str, int], object] | None = None,
        most_waiting: int = 1_000,
    ) -> None:
        self._world, self._choices, self._boot, self._cut = world, choices, boot, power_cut
        self.counts: Counter[str] = Counter()
        """How many starts, ends of each kind, pauses, and events that were not taken."""
        self._all = {node: _Process(world, node, most_waiting, self.counts) for node in nodes}

    def __repr__(self) -> str:
        states = ", ".join(f"{node} {self.state(node)}" for node in self._all)
        return f"Processes({states})"

    # ------------------------------------------------------------------- use

    def deliver(self, node: int, event: Any) -> None:
        """A message for the present life; lost if the process is down or its buffer full."""
        self._of(node).take(event, message=True)

    def state(self, node: int) -> State:
        """What the process does now."""
        process = self._of(node)
        return "down" if process.life is None else "paused" if process.paused else "up"

    def life(self, node: int) -> Life | None:
        """Its present life; None: it is down."""
        return self._of(node).life

    def program(self, node: int) -> Program | None:
        """Its running program; None: it is down."""
        return self._of(node).program

    def waiting(self, node: int) -> list[Any]:
        """What waits for a process that is stopped or slow, in its order."""
        return [event for event, _ in self._of(node).inbox]

    # ---------------------------------------------------- starts, ends, pauses

    def start(self, node: int) -> bool:
        """Begin a new life; False if the process runs already."""
        process = self._of(node)
        if process.life is not None:
            return False
        process.lives += 1
        process.life = life = Life(process, process.lives)
        self.counts["started"] += 1
        program = self._boot(life)
        if not life.over:  # a boot may end its own life
            process.program = program
        return True

    def kill(self, node: int) -> bool:
        """End it as SIGKILL does: what it wrote stays in the cache. False if it was down."""
        process = self._of(node)
        if process.life is None:
            return False
        process.end("killed")
        return True

    def cut_power(self, node: int, policy: str = "any") -> bool:
        """End it, and let its disk lose what was not synced, as `policy` has it.

        The disk suffers even if the process was down: its cache may still hold what it wrote.

        Returns:
            Whether the process was running.
        """
        process = self._of(node)
        ran = process.life is not None
        if ran:
            process.end("power cut")
        if self._cut is not None:
            self._cut(node, policy, self._choices.stream("power cut", node).bits())
        return ran

    def pause(self, node: int) -> Life | None:
        """Stop it as SIGSTOP does.

        Returns:
            The life that stands still, for `resume`; None if it is down or stands still already.
        """
        process = self._of(node)
        if process.life is None or process.paused:
            return None
        process.paused = True
        self._world.cancel(process._next)
        self.counts["paused"] += 1
        return process.life

    def resume(self, life: Life) -> bool:
        """Let it go on, with all that waits; False if that life is over or does not stand still."""
        process = self._of(life.node)
        if life.over or not process.paused:
            return False
        process.paused = False
        process.go_on()
        return True

    def slow(self, node: int, cost_s: float) -> None:
        """Let each event take this long from now on, through restarts; 0: no time, as usual.

        Raises:
            InvalidInput: the time is negative or not finite.
        """
        if not (isfinite(cost_s) and cost_s >= 0):
            raise InvalidInput(f"an event cannot take {cost_s} s; give 0 or more")
        self._of(node).cost_s = cost_s

    def _of(self, node: int) -> _Process:
        process = self._all.get(node)
        if process is None:
            raise InvalidInput(f"there is no node {node}; there are {list(self._all)}")
        return process
