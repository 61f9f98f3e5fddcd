"""The serving act: prefixes reused, an engine killed under a request, a gateway restarted."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from veristack_lab.tour.context import Tour

if TYPE_CHECKING:
    from veristack_lab.backends.llm import LLM

LAYER = "llmcache"


def act(tour: Tour) -> None:
    """Measure reuse, kill an engine in the middle of an answer, restart the gateway."""
    from veristack_lab.llmcache import Gateway

    with ExitStack() as stack:
        engines = _engines(tour, stack)
        url = stack.enter_context(Gateway(engines.text).serve())
        _reuse(tour, engines, url)
        _kill(tour, engines, url)
    with ExitStack() as stack:
        _restart(tour, _engines(tour, stack))
    _published(tour)


def _engines(tour: Tour, stack: ExitStack) -> LLM:
    """Engines that may be killed and that count cached tokens: the tour's, or llama.cpp engines if
    the tour's are a server of yours or an Ollama."""
    engines = tour.llm()
    if engines.origin == "here" and all(facts.kind == "llama.cpp" for facts in engines.text):
        return engines
    from veristack_lab.backends import models
    from veristack_lab.backends.llm import llm

    own = tour.work / "llmcache-engines"
    if models.SMOLLM2.path.is_file():
        return stack.enter_context(llm(own, text_engines=2, embedding_engines=0, model="smollm2"))
    return stack.enter_context(llm(own, text_engines=2, embedding_engines=0, model="tiny"))


def _reuse(tour: Tour, engines: LLM, url: str) -> None:
    from veristack_lab.llmcache import promises
    from veristack_lab.llmcache.experiments import cold_warm_prefix
    from veristack_lab.viz import llmcache as viz

    repeats = 1 if tour.quick else 2
    with tour.progress("the same prompt cold, warm, related", 5 * repeats + 1) as tick:
        frame = cold_warm_prefix(
            url,
            seed=tour.rng("llmcache/reuse").randrange(2**31),
            prompt_words=80 if tour.quick else 120,
            output_tokens=8,
            repeats=repeats,
            engines=engines,
            on_progress=tick,
        )
    tour.add(promises.held_prompt_is_reused(frame), promises.never_expects_too_much(frame))
    tour.picture(
        LAYER,
        "Cold, warm, related",
        viz.cold_warm_prefix(frame),
        "Medians at the client. Loading the model is measured apart from computing the prompt; the "
        "counts are the engine's own.",
    )


def _kill(tour: Tour, engines: LLM, url: str) -> None:
    from veristack_lab.llmcache import promises
    from veristack_lab.llmcache.experiments import kill_engine
    from veristack_lab.viz import llmcache as viz

    steps = 12 if tour.quick else 18
    with tour.progress("two users talk while an engine is killed", steps) as tick:
        frame = kill_engine(
            engines,
            url,
            seed=tour.rng("llmcache/kill").randrange(2**31),
            steps=steps,
            turns=2 if tour.quick else 3,
            prompt_words=20,
            output_tokens=6,
            output_tokens_at_kill=48,
            on_progress=tick,
        )
    tour.add(
        promises.no_request_fails(frame),
        promises.dead_node_is_never_chosen(frame),
        promises.returned_node_is_used(frame),
    )
    tour.picture(
        LAYER,
        "An engine dies",
        viz.kill_timeline(frame),
        f"Two users talk at once. {frame.attrs['killed_node']} is killed with SIGKILL under a "
        "request; its sessions move, and new conversations use it again when it is back.",
    )


def _restart(tour: Tour, engines: LLM) -> None:
    from veristack_lab.llmcache import promises
    from veristack_lab.llmcache.experiments import restart_gateway
    from veristack_lab.viz import llmcache as viz

    total = 3 * sum(facts.slots for facts in engines.text)
    with tour.progress("restarting the gateway", total) as tick:
        frame = restart_gateway(
            engines.text,
            tour.work / "llmcache" / "metadata",
            seed=tour.rng("llmcache/restart").randrange(2**31),
            prompt_words=40,
            output_tokens=2,
            on_progress=tick,
        )
    tour.add(promises.prefixes_are_found_again(frame))
    tour.picture(
        LAYER,
        "A gateway restarts",
        viz.gateway_restart(frame),
        "The same prompts through a gateway whose metadata are in the store, and through one that "
        "starts from nothing.",
    )


def _published(tour: Tour) -> None:
    from veristack_lab.llmcache import promises, scenarios
    from veristack_lab.viz import llmcache as viz

    table, corrected = scenarios.published_table(), scenarios.corrected_table()
    tour.add(promises.published_means_follow(table, corrected))
    tour.picture(
        LAYER,
        "The published table",
        viz.published(table, corrected),
        "In the row “GPU-aware” one request of four was rejected. Counted as 0 ms, it makes the "
        "mean look better than serving it would have.",
    )
