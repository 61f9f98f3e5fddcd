"""The act of ingestion: documents flow, a worker and the broker die, and a question is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from veristack_lab.llmcache.gateway import Gateway

if TYPE_CHECKING:
    from veristack_lab.backends.llm import LLM
    from veristack_lab.smartsearch.model import Answer
    from veristack_lab.tour.context import Tour

LAYER = "smartsearch"
DOCUMENTS, DOCUMENTS_QUICK = 600, 150
QUESTION = "merge sorted files without reading all of them into memory"


def act(tour: Tour) -> None:
    """Ingest a sample under fire, measure the search, ask one question."""
    from veristack_lab.smartsearch import experiments, promises
    from veristack_lab.viz import smartsearch as viz

    postgres, kafka, llm = tour.postgres(), tour.kafka(), tour.llm()
    size = DOCUMENTS_QUICK if tour.quick else DOCUMENTS
    with Gateway(llm.engines).serve() as url:
        with tour.progress("smartsearch: ingesting while a worker and the broker die") as tick:
            frame = experiments.ingest_under_fire(
                postgres.conninfo,
                kafka,
                url,
                tour.work / LAYER,
                documents=size,
                seed=tour.rng(LAYER).randrange(2**31),
                on_progress=tick,
            )
        tour.add(
            promises.nothing_lost_or_doubled(frame),
            promises.shown_if_and_only_if_ready(frame),
            promises.accepted_without_a_broker(frame),
            promises.poison_gets_one_dead_letter(frame),
        )
        tour.picture(
            LAYER,
            "Document states over time",
            viz.states_over_time(frame),
            "Each document moves from PENDING over PROCESSING to READY. What the killed worker held"
            " waits until its lease expires and is then finished by another; while the broker is"
            " dead, documents are still accepted and wait in the outbox.",
        )
        connected = experiments.connect_to(frame, postgres.conninfo, kafka.bootstrap, url)
        with connected as search, tour.progress("smartsearch: asking questions", 2) as tick:
            quality = experiments.retrieval_quality(search)
            tick(1, 2)
            with _one_text_engine_dead(llm) as how:
                answer = search.ask(experiments.TENANT, QUESTION)
            tick(2, 2)
    tour.picture(
        LAYER,
        "Search quality",
        viz.quality(quality),
        f"Hand-written questions about the standard library; a blind guess would have the right"
        f" entry among the first {quality.attrs['k']} in {quality.attrs['chance']:.1%} of cases.",
    )
    tour.picture(LAYER, "A question", viz.passages(answer), _answer_text(answer))
    words = any(not engine.random_weights for engine in llm.text)
    tour.add(promises.answer_shows_its_passages(answer, how, has_text_model=words))


@contextmanager
def _one_text_engine_dead(llm: LLM) -> Iterator[str]:
    """Kill one of several text engines while the body runs; yields what was done."""
    if llm.origin == "yours" or len(llm.text) < 2:
        yield "a question in other words than the documentation's"
        return
    node = llm.text[0].node_id
    llm.kill(node)
    try:
        yield "SIGKILL to one of the text engines just before the question"
    finally:
        llm.restart(node)


def _answer_text(answer: Answer) -> str:
    from veristack_lab.smartsearch.promises import invented_names

    if not answer.text:
        return f"No text model answered. ({answer.note})"
    names = ", ".join(invented_names(answer))
    caution = f" No passage has the name {names}: the model invented it." if names else ""
    return f"{answer.model} wrote: “{answer.text}”{caution} ({answer.note})"
