"""The act of ingestion: documents flow, a worker and the broker die, and a question is answered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

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
    from veristack_lab.smartsearch import experiments
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
        _claim_ingestion(tour, frame.attrs)
        tour.picture(
            LAYER,
            "Document states over time",
            viz.states_over_time(frame),
            "Each document moves from PENDING over PROCESSING to READY. What the killed worker held"
            " waits until its lease expires and is then finished by another; while the broker is"
            " dead, documents are accepted all the same and wait in the outbox.",
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
    _claim_answer(tour, answer, how, words=words)


def _claim_ingestion(tour: Tour, seen: dict[Any, Any]) -> None:
    tour.claim(
        LAYER,
        "an accepted document is never lost and never there twice",
        "SIGKILL to a worker while it held documents, and to the broker; every tenth request sent"
        " twice",
        f"{seen['accepted']} accepted, {seen['audit_ready']} READY, {seen['audit_failed']} FAILED;"
        f" {seen['lost']} lost, {seen['duplicates']} twice, {seen['audit_incomplete']} incomplete;"
        f" the worker died holding {seen['in_hand']}, of which others finished"
        f" {seen['in_hand_finished']}",
        kept=seen["lost"] == 0
        and seen["duplicates"] == 0
        and seen["audit_unfinished"] == 0
        and seen["audit_incomplete"] == 0
        and seen["in_hand_finished"] == seen["in_hand"] > 0,
    )
    tour.claim(
        LAYER,
        "search shows a document if and only if it is READY",
        "a reader that compares both in one snapshot, all through the kills",
        f"{seen['reads']:,} snapshots compared, {seen['shown']:,} hits, {seen['violations']}"
        " disagreements",
        kept=seen["reads"] > 0 and seen["shown"] > 0 and seen["violations"] == 0,
    )
    outage_s = seen["events"]["broker back"] - seen["events"]["broker killed"]
    tour.claim(
        LAYER,
        "documents are accepted while the broker is dead, and are finished afterwards",
        "SIGKILL to the Kafka broker while documents flow",
        f"{seen['accepted_while_broker_down']} accepted in {outage_s:.1f} s of outage,"
        f" {seen['audit_unfinished']} unfinished at the end",
        kept=seen["accepted_while_broker_down"] > 0 and seen["audit_unfinished"] == 0,
    )
    tour.claim(
        LAYER,
        "what cannot be embedded ends FAILED with exactly one dead letter and holds nobody up",
        "scanned pages without a readable character among the documents",
        f"{seen['poison']} of them: {seen['audit_failed']} FAILED, {seen['audit_dead_letters']}"
        f" dead letters; {seen['audit_ready']} others READY",
        kept=seen["audit_failed"] == seen["audit_dead_letters"] == seen["poison"]
        and seen["audit_failed_without_one_letter"] == 0
        and seen["audit_ready"] == seen["documents"],
    )


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


def _claim_answer(tour: Tour, answer: Answer, how: str, *, words: bool) -> None:
    numbers = ", ".join(f"[{n}] {answer.passages[n - 1].title}" for n in answer.cited)
    spoke = f"{answer.model} answered citing {numbers or 'nothing'}" if answer.text else answer.note
    nearest = max((p.similarity for p in answer.passages), default=0.0)
    tour.claim(
        LAYER,
        "a question is answered, with the passages to check it against",
        how,
        f"{spoke}; {len(answer.passages)} passages shown, the nearest at {nearest:.2f}",
        # Without a usable text model the passages alone are the answer, and the note says so.
        kept=len(answer.passages) > 0
        and (len(answer.cited) > 0 or (not words and not answer.text)),
    )


def _answer_text(answer: Answer) -> str:
    said = f"{answer.model}: {answer.text}" if answer.text else "No text model answered."
    return f"{said} ({answer.note})"
