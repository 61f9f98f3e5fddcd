"""The waterfall, step by step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache import EngineFacts, Registry, Router, RouteRequest, ServingState
from veristack_lab.llmcache.decisions import Decision, Kind, Reason
from veristack_lab.llmcache.prefixes import Prefix, of_text, of_tokens
from veristack_lab.llmcache.state import Lease

MODEL = "tiny:random"


def facts(node_id: str, *, slots: int = 2, context_tokens: int = 256, **other: str) -> EngineFacts:
    plain = EngineFacts(
        node_id, "llama.cpp", "http://127.0.0.1:1", MODEL, "text", context_tokens, slots, 4096, 0
    )
    return replace(plain, **other)  # type: ignore[arg-type]


def prompt(*parts: int, model: str = MODEL) -> Prefix:
    """Each part is a block of 16 equal tokens."""
    return of_tokens(model, [token for token in parts for _ in range(16)])


class Cluster:
    """A state and a router, with requests played through."""

    def __init__(self, *engines: EngineFacts) -> None:
        self.state = ServingState(Registry.of(engines))
        self.router = Router(self.state)

    def route(self, prefix: Prefix, session: str | None = None, **other: object) -> Decision:
        return self.router.route(RouteRequest(prefix.model, prefix, session, **other))  # type: ignore[arg-type]

    def begin(self, prefix: Prefix, session: str | None = None) -> tuple[Decision, Lease]:
        request = RouteRequest(prefix.model, prefix, session)
        decision = self.router.route(request)
        return decision, self.state.begin(request, decision)[0]

    def serve(self, prefix: Prefix, session: str | None = None) -> Decision:
        decision, lease = self.begin(prefix, session)
        self.state.finish(lease, answered=True)
        return decision


def test_a_first_prompt_goes_where_it_fits_tightest() -> None:
    cluster = Cluster(facts("large"), facts("small", context_tokens=64))
    decision = cluster.route(prompt(1, 2, 3))
    assert (decision.kind, decision.node_id, decision.cache_hit) == (Kind.MISS, "small", False)


def test_the_same_prompt_is_an_exact_hit_all_but_its_last_token() -> None:
    cluster = Cluster(facts("a"), facts("b"))
    cluster.serve(prompt(1, 2, 3))
    decision = cluster.route(prompt(1, 2, 3))
    assert (decision.kind, decision.node_id, decision.reusable_tokens) == (Kind.EXACT, "a", 47)


def test_the_longest_prefix_wins() -> None:
    cluster = Cluster(facts("a"), facts("b"))
    cluster.serve(prompt(1, 2, 9, 9))
    _, busy = cluster.begin(prompt(7, 7))
    second = cluster.serve(prompt(1, 2, 3, 9, 9, 9, 9, 9))
    cluster.state.finish(busy, answered=True)
    decision = cluster.route(prompt(1, 2, 3, 4))
    assert second.node_id == decision.node_id
    assert (decision.kind, decision.reusable_tokens) == (Kind.PREFIX, 48)


def test_blocks_must_match_from_the_start() -> None:
    cluster = Cluster(facts("a"))
    cluster.serve(prompt(1, 2, 3))
    assert cluster.route(prompt(2, 3)).kind is Kind.MISS


def test_a_session_is_a_hit_when_its_node_holds_the_conversation() -> None:
    cluster = Cluster(facts("a"), facts("b"))
    cluster.serve(prompt(1, 2), "s")
    decision = cluster.route(prompt(1, 2, 3), "s")
    assert (decision.kind, decision.cache_hit, decision.reusable_tokens) == (Kind.SESSION, True, 32)


def test_a_session_belongs_to_one_model() -> None:
    other = facts("b", model="smollm2:135m")
    cluster = Cluster(facts("a"), other)
    cluster.serve(prompt(1, 2), "s")
    decision = cluster.route(prompt(1, 2, model="smollm2:135m"), "s")
    assert (decision.kind, decision.node_id) == (Kind.MISS, "b")


def test_what_one_model_holds_is_nothing_to_another() -> None:
    assert not set(prompt(1, 2).hashes) & set(prompt(1, 2, model="other").hashes)
    assert prompt(1, 2).digest != prompt(1, 2, model="other").digest
    assert of_text(MODEL, "x" * 64).hashes != of_tokens(MODEL, [ord("x")] * 64).hashes


@pytest.mark.parametrize("session", [None, "s"])
def test_a_dead_node_is_never_chosen_whatever_points_to_it(session: str | None) -> None:
    cluster = Cluster(facts("a"), facts("b"))
    assert cluster.serve(prompt(1, 2), session).node_id == "a"
    cluster.state.node_lost("a")
    decision = cluster.route(prompt(1, 2), session)
    assert (decision.node_id, decision.reusable_tokens) == ("b", 0)
    assert "a is dead" in decision.explain()


def test_a_node_that_came_back_has_lost_its_memory() -> None:
    cluster = Cluster(facts("a"))
    cluster.serve(prompt(1, 2), "s")
    cluster.state.node_lost("a")
    cluster.state.registry.mark_alive("a")
    decision = cluster.route(prompt(1, 2), "s")
    assert (decision.kind, decision.node_id, decision.reusable_tokens) == (Kind.MISS, "a", 0)


def test_what_began_before_a_death_does_not_touch_the_new_books() -> None:
    cluster = Cluster(facts("a"))
    _, lease = cluster.begin(prompt(1, 2))
    cluster.state.node_lost("a")
    cluster.state.registry.mark_alive("a")
    cluster.begin(prompt(1, 2))
    assert cluster.state.finish(lease, answered=True) == []
    node = cluster.state.registry["a"]
    assert (node.active, node.pool.pinned(prompt(1, 2).digest)) == (1, True)


def test_no_living_node_is_a_rejection_with_a_reason() -> None:
    cluster = Cluster(facts("a"))
    cluster.state.node_lost("a")
    decision = cluster.route(prompt(1))
    assert (decision.kind, decision.reason, decision.node_id) == (
        Kind.REJECTED,
        Reason.NO_NODES,
        None,
    )
    with pytest.raises(InvalidInput, match="cannot begin"):
        cluster.state.begin(RouteRequest(MODEL, prompt(1)), decision)


def test_room_is_made_by_eviction_before_anything_is_rejected() -> None:
    cluster = Cluster(facts("a", slots=2, context_tokens=64))
    cluster.serve(prompt(1, 1, 1))
    cluster.serve(prompt(2, 2, 2))
    decision = cluster.serve(prompt(3, 3, 3, 3, 3, 3, 3, 3))
    assert (decision.node_id, len(decision.evicts)) == ("a", 2)
    assert [entry.prefix for entry in cluster.state.index] == [prompt(3, 3, 3, 3, 3, 3, 3, 3)]


def test_too_large_for_an_empty_node_is_told_from_full() -> None:
    cluster = Cluster(facts("a", slots=1, context_tokens=64))
    assert cluster.route(prompt(*range(5))).reason is Reason.KV_TOO_LARGE
    cluster.begin(prompt(1, 2, 3))
    assert cluster.route(prompt(4, 5)).reason is Reason.KV_FULL


def test_a_prompt_that_is_being_served_is_not_shared() -> None:
    cluster = Cluster(facts("a"), facts("b"))
    _, lease = cluster.begin(prompt(1, 2, 3))
    assert cluster.route(prompt(1, 2, 3)).node_id == "b"
    cluster.state.finish(lease, answered=True)
    assert cluster.route(prompt(1, 2, 3)).node_id == "a"
    cluster.begin(prompt(1, 2, 3))
    assert cluster.route(prompt(1, 2, 3)).node_id == "b"


def test_a_failed_request_leaves_no_trace() -> None:
    cluster = Cluster(facts("a"))
    _, lease = cluster.begin(prompt(1, 2), "s")
    cluster.state.finish(lease, answered=False)
    node = cluster.state.registry["a"]
    assert (node.active, node.pool.used_blocks, len(cluster.state.index)) == (0, 0, 0)
    assert cluster.state.session_node(MODEL, "s") is None
    with pytest.raises(InvalidInput, match="finished already"):
        cluster.state.finish(lease, answered=False)


def test_a_small_shared_start_does_not_draw_every_prompt_to_one_node() -> None:
    cluster = Cluster(facts("a"), facts("b"))
    cluster.serve(prompt(1, 2, 3, 4))
    cluster.begin(prompt(9))
    decision = cluster.route(prompt(1, 5, 6, 7))
    assert decision.node_id == "b"
    assert "too few to share it" in decision.explain()


def test_a_node_that_failed_this_request_is_left_out() -> None:
    cluster = Cluster(facts("a"), facts("b"))
    cluster.serve(prompt(1, 2))
    assert cluster.route(prompt(1, 2), excluded=frozenset({"a"})).node_id == "b"


def test_every_step_is_explained() -> None:
    cluster = Cluster(facts("a"), facts("b"))
    decision = cluster.route(prompt(1, 2), "s")
    assert [step.name for step in decision.steps] == ["session", "exact", "prefix", "miss"]
    assert [step.taken for step in decision.steps] == [False, False, False, True]
    assert all(step.why in decision.explain() for step in decision.steps)


def test_embeddings_go_to_the_least_busy_node() -> None:
    cluster = Cluster(facts("a", capability="embeddings"), facts("b", capability="embeddings"))
    request = RouteRequest(MODEL, None)
    first = cluster.router.route(request)
    cluster.state.begin(request, first)
    second = cluster.router.route(request)
    assert (first.kind, first.node_id, second.node_id) == (Kind.STATELESS, "a", "b")


def test_a_name_is_given_once() -> None:
    with pytest.raises(InvalidInput, match="already"):
        Registry.of([facts("a"), facts("a")])
    with pytest.raises(InvalidInput, match="there is no node"):
        Registry.of([facts("a")])["b"]
