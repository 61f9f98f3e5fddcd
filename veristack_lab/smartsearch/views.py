"""The JSON bodies: the values of `model`, in camel case."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from veristack_lab.smartsearch.model import (
    Answer,
    DeadLetter,
    Document,
    Passage,
    Pressure,
    Status,
)


class _View(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True)


class NewDocument(_View):
    """Body of `POST /api/documents`."""

    tenant_id: str
    request_id: str
    text: str
    title: str = ""


class Accepted(_View):
    """Reply to `POST /api/documents`: the document's id and its present state."""

    id: UUID
    status: Status


class DocumentView(_View):
    """One document, without its text."""

    id: UUID
    tenant_id: str
    request_id: str
    title: str
    status: Status
    attempts: int
    last_error: str | None
    next_attempt_at: datetime | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, document: Document) -> Self:
        """The view of a document."""
        return cls(**asdict(document))


class PassageView(_View):
    """One hit."""

    document_id: UUID
    title: str
    chunk_no: int
    text: str
    similarity: float

    @classmethod
    def of(cls, passage: Passage) -> Self:
        """The view of a passage."""
        return cls(**asdict(passage))


class AnswerView(_View):
    """An answer; `cited` holds 1-based positions in `passages`."""

    question: str
    answer: str | None
    model: str | None
    cited: list[int]
    passages: list[PassageView]
    note: str

    @classmethod
    def of(cls, answer: Answer) -> Self:
        """The view of an answer."""
        return cls(
            question=answer.question,
            answer=answer.text,
            model=answer.model,
            cited=list(answer.cited),
            passages=[PassageView.of(passage) for passage in answer.passages],
            note=answer.note,
        )


class LetterView(_View):
    """One dead letter."""

    id: UUID
    tenant_id: str
    document_id: UUID
    title: str
    reason: str
    attempts: int
    created_at: datetime
    replayed_at: datetime | None

    @classmethod
    def of(cls, letter: DeadLetter) -> Self:
        """The view of a dead letter."""
        return cls(**asdict(letter))


class Replayed(_View):
    """Reply to a replay."""

    document_id: UUID


class PressureView(_View):
    """How much work is waiting in each part."""

    pending: int
    processing: int
    failed: int
    ready: int
    waiting_for_retry: int
    oldest_pending_s: float | None
    oldest_processing_s: float | None
    outbox_unsent: int
    outbox_oldest_s: float | None
    dead_letters_open: int
    consumer_lag: int | None

    @classmethod
    def of(cls, pressure: Pressure) -> Self:
        """The view of the pipeline's pressure."""
        return cls(**asdict(pressure))
