"""Laws of the pure cores, for any history of requests, deaths and returns."""

from __future__ import annotations

import copy
from typing import Any

import hypothesis.strategies as st
from hypothesis import example, given
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from veristack_lab.llmcache import (
    BlockPool,
    EngineFacts,
    Registry,
    Router,
    RouteRequest,
    ServingState,
)
from veristack_lab.llmcache.metadata import MemoryMetadata, entry_key, session_key
from veristack_lab.llmcache.prefixes import Entry, Prefix, PrefixIndex, of_tokens
from veristack_lab.llmcache.state import SessionRoute

MODELS = ("m1", "m2")
NODES = ("a", "b", "c")
BLOCK = 4
tokens = st.lists(st.integers(0, 2), max_size=24)
names = st.text(alphabet="ab/%|:.", max_size=4) | st.text(max_size=6)
repeats = st.sampled_from(  # few, so that the same prompt comes again and others share its start
    [[], [1], [0] * 4, [0] * 9, [0] * 8 + [1] * 8, [0] * 8 + [2] * 3, [1] * 20, [2] * 24]
)


def engine(node_id: str, model: str, slots: int = 2) -> EngineFacts:
    return EngineFacts(node_id, "llama.cpp", "http://127.0.0.1:1", model, "text", 32, slots, 1, 0)


def shared(one: list[int], other: list[int]) -> int:
    """Full blocks in common, the slow way."""
    blocks = 0
    while (end := (blocks + 1) * BLOCK) <= min(len(one), len(other)) and one[:end] == other[:end]:
        blocks += 1
    return blocks


@given(st.lists(st.tuples(st.sampled_from(NODES), tokens), max_size=12), tokens)
def test_longest_match_is_the_one_of_brute_force(
    held: list[tuple[str, list[int]]], asked: list[int]
) -> None:
    index = PrefixIndex()
    for number, (node, prompt) in enumerate(held):
        index.add(Entry(node, of_tokens("m1", prompt, BLOCK), number))
    expected = {
        node: depth
        for node in NODES
        if (depth := max((shared(p, asked) for n, p in held if n == node), default=0))
    }
    found = index.longest(of_tokens("m1", asked, BLOCK), NODES)
    assert {match.node_id: match.blocks for match in found} == expected
    assert [m.blocks for m in found] == sorted((m.blocks for m in found), reverse=True)
    assert index.longest(of_tokens("m2", asked, BLOCK), NODES) == []


@given(st.lists(st.tuples(st.sampled_from(NODES), tokens), max_size=12))
def test_an_index_forgets_completely(held: list[tuple[str, list[int]]]) -> None:
    index = PrefixIndex()
    prefixes = [(node, of_tokens("m1", prompt, BLOCK)) for node, prompt in held]
    for node, prefix in prefixes:
        index.add(Entry(node, prefix, 0))
    for node, prefix in prefixes:
        index.remove(node, prefix.digest)
    assert len(index) == 0
    assert all(index.longest(prefix, NODES) == [] for _, prefix in prefixes)


@given(tokens, tokens, st.sampled_from(MODELS), st.sampled_from(MODELS))
def test_digests_name_prompts(one: list[int], other: list[int], m1: str, m2: str) -> None:
    same = (one, m1) == (other, m2)
    assert (of_tokens(m1, one, BLOCK).digest == of_tokens(m2, other, BLOCK).digest) == same


@example("a/b", "c", "a", "b/c")
@example("a", "%2F", "a", "/")
@given(names, names, names, names)
def test_keys_never_collide(m1: str, x1: str, m2: str, x2: str) -> None:
    digest = b"\0" * 16
    one, other = Prefix(m1, (), digest, 0), Prefix(m2, (), digest, 0)
    assert (entry_key(x1, one) == entry_key(x2, other)) == ((m1, x1) == (m2, x2))
    routes = SessionRoute(m1, x1, "n"), SessionRoute(m2, x2, "n")
    assert (session_key(routes[0]) == session_key(routes[1])) == ((m1, x1) == (m2, x2))


class PoolMachine(RuleBasedStateMachine):
    """A pool against a plain dictionary of what it should hold."""

    keys = st.sampled_from([b"a", b"b", b"c", b"d", b"e"])

    def __init__(self) -> None:
        super().__init__()
        self.pool = BlockPool(12, max_prefixes=4)
        self.model: dict[bytes, list[int]] = {}
        self.now = 0

    @rule(key=keys, blocks=st.integers(0, 14), succeeds=st.none() | keys)
    def allocate(self, key: bytes, blocks: int, succeeds: bytes | None) -> None:
        self.now += 1
        plan = self.pool.victims(blocks, succeeds)
        if key in self.model:
            assert self.pool.allocate(key, blocks, self.now, succeeds) == ()
        elif plan is None:
            before = dict(self.model)
            idle = sum(b for b, pins in before.values() if not pins)
            pinned = sum(1 for _, pins in before.values() if pins)
            assert blocks > self.pool.free_blocks + idle or pinned >= 4
        else:
            assert self.pool.allocate(key, blocks, self.now, succeeds) == plan
            for victim in plan:
                assert self.model.pop(victim)[1] == 0
            self.model[key] = [blocks, 0]

    @rule(key=keys)
    def pin(self, key: bytes) -> None:
        if key in self.model:
            self.pool.pin(key)
            self.model[key][1] += 1

    @rule(key=keys)
    def unpin(self, key: bytes) -> None:
        if key in self.model and self.model[key][1]:
            self.pool.unpin(key)
            self.model[key][1] -= 1

    @rule(key=keys)
    def free(self, key: bytes) -> None:
        if key in self.model and not self.model[key][1]:
            assert self.pool.free(key) == self.model.pop(key)[0]

    @invariant()
    def books_are_exact(self) -> None:
        assert {key: self.pool.blocks_of(key) for key in self.pool} == {
            key: blocks for key, (blocks, _) in self.model.items()
        }
        assert self.pool.used_blocks == sum(blocks for blocks, _ in self.model.values())
        assert 0 <= self.pool.used_blocks <= self.pool.total_blocks
        assert len(self.pool) <= 4


class ServingMachine(RuleBasedStateMachine):
    """Requests, failures, deaths and returns in any order; metadata follows along."""

    leases = Bundle("leases")

    def __init__(self) -> None:
        super().__init__()
        engines = [engine("a", "m1"), engine("b", "m1", slots=1), engine("c", "m2")]
        self.engines = engines
        self.state = ServingState(Registry.of(engines, block_tokens=BLOCK))
        self.router = Router(self.state)
        self.kept = MemoryMetadata()

    @rule(
        target=leases,
        prompt=repeats | tokens,
        model=st.sampled_from(MODELS),
        session=st.none() | st.sampled_from(["s", "t"]),
        excluded=st.frozensets(st.sampled_from(NODES), max_size=1),
    )
    def ask(
        self, prompt: list[int], model: str, session: str | None, excluded: frozenset[str]
    ) -> Any:
        lease = self.begin(prompt, model, session, excluded)
        return multiple() if lease is None else lease

    def begin(
        self, prompt: list[int], model: str, session: str | None, excluded: frozenset[str]
    ) -> Any:
        request = RouteRequest(model, of_tokens(model, prompt, BLOCK), session, excluded)
        before = copy.deepcopy(self.state.index._entries), self.state.counter
        decision = self.router.route(request)
        assert decision == self.router.route(request)
        assert before == (self.state.index._entries, self.state.counter)
        if decision.node_id is None:
            return None
        node = self.state.registry[decision.node_id]
        assert node.alive
        assert node.facts.model == model
        assert node.node_id not in excluded
        assert 0 <= decision.reusable_tokens <= max(0, len(prompt) - 1)
        lease, changes = self.state.begin(request, decision)
        self.kept.apply(changes)
        return lease

    @rule(lease=consumes(leases), answered=st.booleans())
    def finish(self, lease: Any, answered: bool) -> None:
        self.kept.apply(self.state.finish(lease, answered=answered))

    @rule(node=st.sampled_from(NODES))
    def die(self, node: str) -> None:
        self.kept.apply(self.state.node_lost(node))

    @rule()
    def come_back(self) -> None:
        for node in NODES:
            self.state.registry.mark_alive(node)

    @rule(prompt=repeats, session=st.none() | st.just("s"))
    def serve(self, prompt: list[int], session: str | None) -> None:
        """A request that begins and ends with nothing in between."""
        lease = self.begin(prompt, "m1", session, frozenset())
        if lease is not None:
            self.kept.apply(self.state.finish(lease, answered=True))

    @invariant()
    def books_agree(self) -> None:
        for node in self.state.registry:
            pool = node.pool
            indexed = {e.prefix.digest for e in self.state.index.of_node(node.node_id)}
            assert indexed == {key for key in pool if not pool.pinned(key)}
            assert sum(pool.blocks_of(key) for key in pool) == pool.used_blocks
            assert (node.active == 0) == (not any(pool.pinned(key) for key in pool))
            assert node.alive or not len(pool)

    @invariant()
    def a_restart_restores_what_is_idle(self) -> None:
        fresh = ServingState(Registry.of(self.engines, block_tokens=BLOCK))
        for node in self.state.registry:
            if not node.alive:
                fresh.registry.mark_dead(node.node_id)
        fresh.restore(self.kept.entries(), self.kept.sessions())
        idle = {(e.node_id, e.prefix.digest) for e in self.state.index}
        assert idle <= {(e.node_id, e.prefix.digest) for e in fresh.index}
        assert all(fresh.registry[e.node_id].alive for e in fresh.index)


TestPool = PoolMachine.TestCase
TestServing = ServingMachine.TestCase
