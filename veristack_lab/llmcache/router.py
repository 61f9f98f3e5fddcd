"""Which node serves a request.

The waterfall of the first serving caches, with its gaps closed:

1. session: the node that served this conversation last, if it lives. It counts as a hit when
   it holds part of the prompt. A session belongs to one model.
2. exact: a living node that holds this very prompt.
3. prefix: the living node that holds the longest part of it, unless the part is small and
   another node has fewer requests.
4. miss: among the living nodes with the fewest requests, the one whose free blocks fit best.

A dead node is never chosen, whatever points to it. A node is passed over when it could not
find room even by evicting every idle prompt; eviction is tried before a request is rejected.
`route` only reads: the same state and request give the same decision, and it uses no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from veristack_lab.llmcache.decisions import Decision, Kind, Reason, RouteRequest, Step
from veristack_lab.llmcache.nodes import Node
from veristack_lab.llmcache.prefixes import Match, Prefix
from veristack_lab.llmcache.state import ServingState
from veristack_lab.runtime.counting import counted

SMALL_SHARE = 0.5
"""A node that holds less than this share of a prompt is passed over for a less busy one."""
LEAST_SHARE = 0.1
"""The least share that counts as held: llama.cpp starts a prompt in a fresh slot unless one holds
more than a tenth of it."""


@dataclass(frozen=True)
class Router:
    """Routes requests by what `state` says. Holds no state of its own."""

    state: ServingState
    small_share: float = SMALL_SHARE

    def route(self, request: RouteRequest) -> Decision:
        """The decision for a request. Changes nothing; `ServingState.begin` books it."""
        return _Waterfall(self.state, request, self.small_share).run()


@dataclass
class _Waterfall:
    """One walk down the steps, with the notes taken on the way."""

    state: ServingState
    request: RouteRequest
    small_share: float
    steps: list[Step] = field(default_factory=list)
    matches: dict[str, Match] = field(default_factory=dict)

    def run(self) -> Decision:
        alive = self._alive()
        if not alive:
            return self._rejected(Reason.NO_NODES)
        if self.request.prefix is None:
            return self._least_active(alive)
        prefix = self.request.prefix
        nodes = self._with_room(alive, prefix)
        if not nodes:
            fits_empty = any(prefix.blocks <= node.pool.total_blocks for node in alive)
            return self._rejected(Reason.KV_FULL if fits_empty else Reason.KV_TOO_LARGE)
        held = self.state.matches(prefix, [node.node_id for node in nodes])
        enough = LEAST_SHARE * prefix.tokens
        self.matches = {n: m for n, m in held.items() if m.blocks * prefix.block_tokens > enough}
        return (
            self._session(nodes)
            or self._exact(nodes, prefix)
            or self._longest(nodes, prefix)
            or self._miss(nodes, prefix)
        )

    def _alive(self) -> list[Node]:
        serving = self.state.registry.serving(self.request.model)
        alive = [n for n in serving if n.alive and n.node_id not in self.request.excluded]
        for node in serving:
            if not node.alive:
                self._pass("alive", f"{node.node_id} is dead", node)
            elif node.node_id in self.request.excluded:
                self._pass("alive", f"{node.node_id} failed this request already", node)
        if not alive:
            self._pass("alive", f"no living node serves {self.request.model}")
        return alive

    def _with_room(self, alive: list[Node], prefix: Prefix) -> list[Node]:
        found = []
        for node in alive:
            pool = node.pool
            if prefix.digest in pool or pool.victims(prefix.blocks) is not None:
                found.append(node)
            else:
                self._pass(
                    "room",
                    f"{node.node_id} holds {counted(len(pool), 'prompt')}: "
                    f"{counted(prefix.blocks, 'block')} needed, "
                    f"{pool.free_blocks} free and {pool.idle_blocks} evictable of "
                    f"{pool.total_blocks}",
                    node,
                )
        return found

    def _session(self, nodes: list[Node]) -> Decision | None:
        if self.request.session_id is None:
            self._pass("session", "the request names no session")
            return None
        node_id = self.state.session_node(self.request.model, self.request.session_id)
        if node_id is None:
            self._pass("session", "this session has no node yet")
            return None
        for node in nodes:
            if node.node_id == node_id:
                held = self._reusable(node_id)
                return self._taken(
                    Kind.SESSION, node, f"{node_id} served it last and holds {held} of its tokens"
                )
        self._pass("session", f"{node_id} served it last but cannot take it")
        return None

    def _exact(self, nodes: list[Node], prefix: Prefix) -> Decision | None:
        holders = self.state.index.exact(prefix, [node.node_id for node in nodes])
        if not holders:
            self._pass("exact", "no living node holds this very prompt")
            return None
        node = min((n for n in nodes if n.node_id in holders), key=_by_load)
        return self._taken(Kind.EXACT, node, f"{node.node_id} holds all {prefix.tokens} tokens")

    def _longest(self, nodes: list[Node], prefix: Prefix) -> Decision | None:
        if not self.matches:
            self._pass("prefix", "no living node holds more than a tenth of this prompt")
            return None
        depth = max(match.blocks for match in self.matches.values())
        best = [n for n in nodes if (m := self.matches.get(n.node_id)) and m.blocks == depth]
        node = min(best, key=_by_load)
        held = self._reusable(node.node_id)
        fewest = min(node.active for node in nodes)
        if held < self.small_share * prefix.tokens and node.active > fewest:
            self._pass(
                "prefix",
                f"{node.node_id} holds {held} of {prefix.tokens} tokens, too few to share it: it "
                f"has {counted(node.active, 'request')}, another node {fewest}",
                node,
            )
            return None
        return self._taken(
            Kind.PREFIX, node, f"{node.node_id} holds {held} of {prefix.tokens} tokens"
        )

    def _miss(self, nodes: list[Node], prefix: Prefix) -> Decision:
        from veristack_lab.kernels.allocate import best_fit

        fewest = min(node.active for node in nodes)
        idlest = [node for node in nodes if node.active == fewest]
        roomy = [node for node in idlest if node.pool.victims(prefix.blocks) == ()]
        if roomy:
            assignment, _ = best_fit([node.pool.free_blocks for node in roomy], [prefix.blocks])
            node = roomy[int(assignment[0])]
            left = node.pool.free_blocks - prefix.blocks
            return self._taken(
                Kind.MISS,
                node,
                f"{node.node_id} has the fewest requests ({fewest}) and the tightest fit: "
                f"{counted(prefix.blocks, 'block leaves', 'blocks leave')} {left} free",
            )
        node = min(idlest, key=lambda node: (self._lost_blocks(node, prefix), node.node_id))
        lost = self._lost_blocks(node, prefix)
        return self._taken(
            Kind.MISS,
            node,
            f"{node.node_id} has the fewest requests ({fewest}) and loses least: "
            f"it evicts {counted(lost, 'block')} of idle prompts for {prefix.blocks}",
        )

    def _least_active(self, alive: list[Node]) -> Decision:
        node = min(alive, key=_by_load)
        why = f"{node.node_id} has the fewest requests ({node.active})"
        step = Step("load", taken=True, why=why, node_id=node.node_id)
        return Decision(Kind.STATELESS, node.node_id, 0, 0, (*self.steps, step))

    def _taken(self, kind: Kind, node: Node, why: str) -> Decision:
        prefix = self.request.prefix
        assert prefix is not None  # only prompts come here
        match = self.matches.get(node.node_id)
        source = match.source if match else None
        held = prefix.digest in node.pool
        evicts = () if held else node.pool.victims(prefix.blocks, succeeds=source)
        step = Step(kind.value, taken=True, why=why, node_id=node.node_id)
        return Decision(
            kind,
            node.node_id,
            self._reusable(node.node_id),
            prefix.tokens,
            (*self.steps, step),
            evicts or (),
            source,
        )

    def _reusable(self, node_id: str) -> int:
        """Tokens of the prompt that a node holds.

        For a prompt that it holds whole, all but one: the last token is always computed again,
            because the first token of the answer depends on it.
        """
        prefix = self.request.prefix
        assert prefix is not None  # only prompts come here
        if self.state.index.get(node_id, prefix.digest) is not None:
            return max(prefix.tokens - 1, 0)
        match = self.matches.get(node_id)
        return min(match.blocks * prefix.block_tokens, max(prefix.tokens - 1, 0)) if match else 0

    def _lost_blocks(self, node: Node, prefix: Prefix) -> int:
        victims = node.pool.victims(prefix.blocks) or ()
        return sum(node.pool.blocks_of(victim) for victim in victims)

    def _pass(self, name: str, why: str, node: Node | None = None) -> None:
        self.steps.append(Step(name, taken=False, why=why, node_id=node.node_id if node else None))

    def _rejected(self, reason: Reason) -> Decision:
        tokens = self.request.prefix.tokens if self.request.prefix else 0
        return Decision(Kind.REJECTED, None, 0, tokens, tuple(self.steps), reason=reason)


def _by_load(node: Node) -> tuple[int, str]:
    return node.active, node.node_id
