"""What smartsearch promises, judged from what `experiments.ingest_under_fire` saw and from an
answer: for the tour, the notebooks and the tests alike."""

from __future__ import annotations

import re

import pandas as pd

from veristack_lab.runtime.claims import Claim
from veristack_lab.runtime.counting import counted
from veristack_lab.smartsearch.model import Answer

LAYER = "smartsearch"

# What only code is called: a name with an underscore or a dot within, or before a parenthesis.
_CODE_NAME = re.compile(r"\b([a-z]\w+(?:\.\w\w+)+|[A-Za-z]+_\w+|[A-Za-z]\w+(?=\())")


def nothing_lost_or_doubled(frame: pd.DataFrame) -> Claim:
    """An accepted document is never lost, and never there twice."""
    seen = frame.attrs
    return Claim(
        LAYER,
        "An accepted document is never lost and never there twice",
        "SIGKILL to a worker while it held documents, and to the broker; every tenth request sent"
        " twice",
        f"{seen['accepted']} accepted, {seen['audit_ready']} READY, {seen['audit_failed']} FAILED;"
        f" {seen['lost']} lost, {seen['duplicates']} twice, {seen['audit_incomplete']} incomplete;"
        f" the worker died holding {seen['in_hand']}, of which others finished"
        f" {seen['in_hand_finished']}",
        seen["lost"] == 0
        and seen["duplicates"] == 0
        and seen["audit_unfinished"] == 0
        and seen["audit_incomplete"] == 0
        and seen["in_hand_finished"] == seen["in_hand"] > 0,
    )


def shown_if_and_only_if_ready(frame: pd.DataFrame) -> Claim:
    """Search and the documents' states agree at every moment."""
    seen = frame.attrs
    return Claim(
        LAYER,
        "Search shows a document if and only if it is READY",
        "a reader that compares both in one snapshot, all through the kills",
        f"{counted(seen['reads'], 'snapshot')} compared, {counted(seen['shown'], 'hit')},"
        f" {counted(seen['violations'], 'disagreement')}",
        seen["reads"] > 0 and seen["shown"] > 0 and seen["violations"] == 0,
    )


def accepted_without_a_broker(frame: pd.DataFrame) -> Claim:
    """The outbox takes documents in while the broker is dead."""
    seen = frame.attrs
    outage_s = seen["events"]["broker back"] - seen["events"]["broker killed"]
    return Claim(
        LAYER,
        "Documents are accepted while the broker is dead, and are finished afterwards",
        f"SIGKILL to the Kafka broker, started again {seen['outage_s']:g} s later; documents"
        " offered all the while",
        f"{seen['accepted_while_broker_down']} of {seen['offered_while_broker_down']} accepted in"
        f" {outage_s:.1f} s of outage, {seen['audit_unfinished']} unfinished at the end",
        seen["accepted_while_broker_down"] == seen["offered_while_broker_down"] > 0
        and seen["audit_unfinished"] == 0,
    )


def poison_gets_one_dead_letter(frame: pd.DataFrame) -> Claim:
    """A document that cannot be embedded ends, and holds up no other."""
    seen = frame.attrs
    return Claim(
        LAYER,
        "What cannot be embedded ends FAILED with exactly one dead letter and delays no others",
        "scanned pages without a readable character among the documents",
        f"{seen['poison']} of them: {seen['audit_failed']} FAILED,"
        f" {counted(seen['audit_dead_letters'], 'dead letter')};"
        f" {seen['audit_ready']} others READY",
        seen["audit_failed"] == seen["audit_dead_letters"] == seen["poison"]
        and seen["audit_failed_without_one_letter"] == 0
        and seen["audit_ready"] == seen["documents"],
    )


def answer_shows_its_passages(answer: Answer, broken_by: str, *, has_text_model: bool) -> Claim:
    """A question comes back with passages to check any answer against.

    Whether the answer is right is not judged. What it says of names that no passage has is told as
    what it is: invented.

    Args:
        answer: from `Search.ask`.
        broken_by: what was done to break it.
        has_text_model: whether a text model with real weights serves; without one the passages
            alone are the answer, and its note says so.
    """
    numbers = ", ".join(f"[{n}] {answer.passages[n - 1].title}" for n in answer.cited)
    spoke = f"{answer.model} wrote an answer, citing {numbers or 'nothing'}"
    names = invented_names(answer)
    if names:
        spoke += f", and invented {', '.join(names)}: no passage has that name"
    nearest = max((p.similarity for p in answer.passages), default=0.0)
    return Claim(
        LAYER,
        "A question comes back with the passages to check an answer against",
        broken_by,
        f"{spoke if answer.text else answer.note}; {len(answer.passages)} passages shown, the"
        f" nearest at {nearest:.2f}",
        len(answer.passages) > 0
        and (len(answer.cited) > 0 or (not has_text_model and not answer.text)),
    )


def invented_names(answer: Answer) -> tuple[str, ...]:
    """Names of code in an answer that occur in none of its passages, in order."""
    known = " ".join(f"{passage.title} {passage.text}" for passage in answer.passages)
    found = dict.fromkeys(match[1] for match in _CODE_NAME.finditer(answer.text or ""))
    return tuple(name for name in found if name not in known)


def one_request_is_one_document(same: bool, conflict: Exception | None, events: int) -> Claim:
    """From three requests with one id: the second a repeat, the third with another text.

    Args:
        same: whether the repeat was answered with the same document.
        conflict: what the third was told.
        events: rows in the outbox afterwards.
    """
    told = type(conflict).__name__ if conflict is not None else "accepted"
    return Claim(
        LAYER,
        "One request id is one document, and never passes off another text as the same",
        "the same request again, then its id with another text",
        f"the repeat: {'the same document' if same else 'another document'}; the other text:"
        f" {told}; {events} event in the outbox",
        same and conflict is not None and events == 1,
    )


def late_worker_is_refused(epochs: tuple[int, int], refusal: Exception | None) -> Claim:
    """From a worker whose lease ran out while another finished its document."""
    told = type(refusal).__name__ if refusal is not None else "its write was taken"
    return Claim(
        LAYER,
        "A worker that was thought dead cannot write",
        "a lease that ran out, and a second claim",
        f"claim {epochs[0]} came back after claim {epochs[1]}: {told}",
        epochs[1] > epochs[0] and refusal is not None,
    )
