"""The state that the router decides from, and the only ways to change it.

`begin` applies a decision: it evicts the chosen prompts, gives the new one its blocks and pins
them. `finish` gives back the pin and, when the engine answered, notes that the node now holds the
prompt. While a prompt is being served it is not in the index: an engine cannot share what it is
working on.

Every change that is worth keeping over a restart comes back as a list of `Change`; the caller
hands them to a `Metadata`. The index is soft state: if the last changes are lost, a prompt is
computed once more, and nothing else happens.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass

from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache.decisions import Decision, RouteRequest
from veristack_lab.llmcache.nodes import Registry
from veristack_lab.llmcache.prefixes import Entry, Match, Prefix, PrefixIndex

MAX_SESSIONS = 10_000


@dataclass(frozen=True)
class SessionRoute:
    """Which node a conversation with a model was served by last."""

    model: str
    session_id: str
    node_id: str


@dataclass(frozen=True)
class EntryKept:
    """A node holds a prompt, or used it again."""

    entry: Entry


@dataclass(frozen=True)
class EntryDropped:
    """A node no longer holds a prompt."""

    node_id: str
    prefix: Prefix


@dataclass(frozen=True)
class SessionKept:
    """A conversation was served by a node."""

    route: SessionRoute


@dataclass(frozen=True)
class SessionDropped:
    """A conversation has no node any more."""

    route: SessionRoute


Change = EntryKept | EntryDropped | SessionKept | SessionDropped


@dataclass
class Lease:
    """A request in progress on a node. Give it to `finish` exactly once."""

    request: RouteRequest
    node_id: str
    generation: int
    open: bool = True


class ServingState:
    """Nodes, held prefixes and sessions. Not thread-safe: its owner is one thread."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.index = PrefixIndex()
        self.counter = 0
        """Counts requests: the only clock that decisions use."""
        self._sessions: OrderedDict[tuple[str, str], str] = OrderedDict()

    def session_node(self, model: str, session_id: str) -> str | None:
        """The node that served this conversation last, if it still exists."""
        return self._sessions.get((model, session_id))

    def begin(self, request: RouteRequest, decision: Decision) -> tuple[Lease, list[Change]]:
        """Apply a decision that names a node. Returns the changes to older entries.

        Raises:
            InvalidInput: the decision names no node.
        """
        if decision.node_id is None:
            raise InvalidInput(f"a rejected request cannot begin: {decision.reason}")
        node = self.registry[decision.node_id]
        self.counter += 1
        changes: list[Change] = []
        if request.prefix is not None:
            key = request.prefix.digest
            evicted = node.pool.allocate(
                key, request.prefix.blocks, self.counter, succeeds=decision.source
            )
            changes = self._forget(node.node_id, evicted)
            node.pool.pin(key)
            self.index.remove(node.node_id, key)
        node.active += 1
        return Lease(request, node.node_id, node.generation), changes

    def finish(self, lease: Lease, *, answered: bool) -> list[Change]:
        """End a request; when the engine answered, its prompt and session are noted.

        Raises:
            InvalidInput: the lease was finished before.
        """
        if not lease.open:
            raise InvalidInput("this request is finished already")
        lease.open = False
        node = self.registry[lease.node_id]
        if node.generation != lease.generation:
            return []  # the node died meanwhile: its accounts were emptied then
        node.active -= 1
        request = lease.request
        if request.prefix is None:
            return []
        node.pool.unpin(request.prefix.digest)
        if node.pool.pinned(request.prefix.digest):
            return self._follow(request, node.node_id) if answered else []
        if answered:
            return [*self._note(node.node_id, request.prefix), *self._follow(request, node.node_id)]
        node.pool.free(request.prefix.digest)
        return [EntryDropped(node.node_id, request.prefix)]

    def node_lost(self, node_id: str) -> list[Change]:
        """Event: a node died. Everything it held is forgotten, its sessions too."""
        if not self.registry.mark_dead(node_id):
            return []
        changes = self._forget(node_id, [e.prefix.digest for e in self.index.of_node(node_id)])
        lost = [key for key, node in self._sessions.items() if node == node_id]
        for key in lost:
            del self._sessions[key]
            changes.append(SessionDropped(SessionRoute(*key, node_id)))
        return changes

    def restore(
        self, entries: Iterable[Entry], sessions: Iterable[SessionRoute]
    ) -> tuple[int, int]:
        """Take over what was kept before a restart. Returns how many entries and sessions there
        were.

        Entries of unknown or dead nodes, of another model than the node serves, of another
        block size, or without room are passed over.
        """
        taken = 0
        newest_first = sorted(entries, key=lambda entry: entry.last_used, reverse=True)
        for entry in newest_first:
            if not self._usable(entry.node_id, entry.prefix.model):
                continue
            pool = self.registry[entry.node_id].pool
            if entry.prefix.block_tokens != self.registry.block_tokens:
                continue
            if entry.prefix.digest in pool or pool.victims(entry.prefix.blocks) != ():
                continue
            pool.allocate(entry.prefix.digest, entry.prefix.blocks, entry.last_used)
            self.index.add(entry)
            self.counter = max(self.counter, entry.last_used)
            taken += 1
        for route in sessions:
            if self._usable(route.node_id, route.model):
                self._sessions[route.model, route.session_id] = route.node_id
        return taken, len(self._sessions)

    def matches(self, prefix: Prefix, nodes: Iterable[str]) -> dict[str, Match]:
        """How much of a prompt each node holds."""
        return {match.node_id: match for match in self.index.longest(prefix, tuple(nodes))}

    def _usable(self, node_id: str, model: str) -> bool:
        if node_id not in self.registry:
            return False
        node = self.registry[node_id]
        return node.alive and node.facts.model == model

    def _note(self, node_id: str, prefix: Prefix) -> list[Change]:
        entry = Entry(node_id, prefix, self.counter)
        self.index.add(entry)
        return [EntryKept(entry)]

    def _follow(self, request: RouteRequest, node_id: str) -> list[Change]:
        if request.session_id is None:
            return []
        key = (request.model, request.session_id)
        moved = self._sessions.get(key) != node_id
        self._sessions[key] = node_id
        self._sessions.move_to_end(key)
        changes: list[Change] = []
        if moved:
            changes.append(SessionKept(SessionRoute(*key, node_id)))
        while len(self._sessions) > MAX_SESSIONS:
            oldest, node = self._sessions.popitem(last=False)
            changes.append(SessionDropped(SessionRoute(*oldest, node)))
        return changes

    def _forget(self, node_id: str, digests: Iterable[bytes]) -> list[Change]:
        changes: list[Change] = []
        for digest in digests:
            entry = self.index.get(node_id, digest)
            if entry is not None:
                self.index.remove(node_id, digest)
                changes.append(EntryDropped(node_id, entry.prefix))
        return changes
