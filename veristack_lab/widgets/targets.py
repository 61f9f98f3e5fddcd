"""What a kill switch can be pointed at: any process with a handle to kill it by.

An adapter signals through the handle of the process's owner, never a bare process id: only the
owner knows that the id still means this process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, Protocol, get_args, runtime_checkable

from veristack_lab.chaos import process_faults
from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.runtime.processes import Child

Verb = Literal["kill", "pause", "resume", "restart"]
VERBS: tuple[Verb, ...] = get_args(Verb)


@runtime_checkable
class Target(Protocol):
    """One process that may be killed, paused, resumed and restarted."""

    @property
    def name(self) -> str:
        """Its name for people; unique within one view."""

    @property
    def alive(self) -> bool:
        """Whether the process exists; a paused one does."""

    @property
    def pid(self) -> int | None:
        """The process id, or None when it runs where we cannot see it."""

    @property
    def verbs(self) -> frozenset[Verb]:
        """What can be done to it here."""

    def kill(self) -> None:
        """SIGKILL; returns when the process is gone."""

    def pause(self) -> None:
        """SIGSTOP."""

    def resume(self) -> None:
        """SIGCONT."""

    def restart(self) -> None:
        """Kill it if it lives, start it again, and return when it is ready."""

    def release(self) -> None:
        """End the processes that `restart` started and that have no other owner."""


class ChildTarget:
    """A supervised child process. The given child stays its owner's; respawned children belong to
    the view."""

    def __init__(self, child: Child, respawn: Callable[[], Child] | None) -> None:
        self._child = child
        self._respawn = respawn
        self._ours = False

    def __repr__(self) -> str:
        return f"<ChildTarget {self.name}>"

    @property
    def name(self) -> str:
        return self._child.name

    @property
    def alive(self) -> bool:
        return self._child.alive

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def verbs(self) -> frozenset[Verb]:
        return frozenset(VERBS if self._respawn else ("kill", "pause", "resume"))

    def kill(self) -> None:
        self._child.kill()

    def pause(self) -> None:
        pid = _living_pid(self)
        self._child.pause()
        process_faults.wait_until(pid, "stopped")

    def resume(self) -> None:
        pid = _living_pid(self)
        self._child.resume()
        process_faults.wait_until(pid, "running")

    def restart(self) -> None:
        """Raises `InvalidInput` if no `respawn` was given."""
        if self._respawn is None:
            raise InvalidInput(
                f"{self.name} cannot be restarted: give from_child(child, respawn=...)"
            )
        self._child.kill()
        self._child = self._respawn()
        self._ours = True

    def release(self) -> None:
        if self._ours:
            self._child.resume()  # a stopped process would not hear the request to end
            self._child.stop()


class Engines(Protocol):
    """The part of `backends.llm.LLM` that is needed."""

    @property
    def engines(self) -> tuple[EngineFacts, ...]:
        """The engines, living or dead."""

    def alive(self, node_id: str) -> bool:
        """Whether its process exists."""

    def kill(self, node_id: str) -> None:
        """SIGKILL."""

    def pause(self, node_id: str) -> None:
        """SIGSTOP."""

    def resume(self, node_id: str) -> None:
        """SIGCONT."""

    def restart(self, node_id: str) -> object:
        """Start a killed one again; returns when it answers."""


class EngineTarget:
    """One inference engine of `backends.llm`."""

    def __init__(self, engines: Engines, node_id: str) -> None:
        self._engines = engines
        self._node_id = node_id

    def __repr__(self) -> str:
        return f"<EngineTarget {self.name}>"

    @property
    def name(self) -> str:
        return self._node_id

    @property
    def alive(self) -> bool:
        return self._engines.alive(self._node_id)

    @property
    def pid(self) -> int | None:
        # Looked up each time: a restarted engine is another process.
        return next(f.pid for f in self._engines.engines if f.node_id == self._node_id)

    @property
    def verbs(self) -> frozenset[Verb]:
        # An engine without a process here is the user's own server, which must not be killed.
        return frozenset(VERBS if self.pid is not None else ())

    def kill(self) -> None:
        self._engines.kill(self._node_id)

    def pause(self) -> None:
        pid = _living_pid(self)
        self._engines.pause(self._node_id)
        process_faults.wait_until(pid, "stopped")

    def resume(self) -> None:
        pid = _living_pid(self)
        self._engines.resume(self._node_id)
        process_faults.wait_until(pid, "running")

    def restart(self) -> None:
        if self.alive:
            self.kill()
        self._engines.restart(self._node_id)

    def release(self) -> None:
        """Does nothing: `backends.llm` ends every engine it started."""


def _living_pid(target: Target) -> int:
    pid = target.pid
    if pid is None or not target.alive:
        raise InvalidInput(f"{target.name} is not running: restart it first")
    return pid


def from_child(child: Child, respawn: Callable[[], Child] | None = None) -> Target:
    """A target for a process started by `processes.spawn`.

    Args:
        child: the running process; its owner still ends it.
        respawn: starts it again and returns when it is ready. Without it `restart` is not
            available. Processes that it starts are ended when the view is closed.
    """
    return ChildTarget(child, respawn)


def from_llm(engines: Engines) -> Sequence[Target]:
    """One target for each inference engine of a `backends.llm.LLM`."""
    return tuple(EngineTarget(engines, facts.node_id) for facts in engines.engines)
