"""The values that smartsearch returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Status(StrEnum):
    """The state of a document. Search shows READY documents only."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Document:
    """One document as its tenant sees it, without its text."""

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


@dataclass(frozen=True)
class Passage:
    """The passage of a document that lies nearest to a query."""

    document_id: UUID
    title: str
    chunk_no: int
    text: str
    similarity: float
    """Cosine of the angle between query and passage, -1 to 1."""


@dataclass(frozen=True)
class Answer:
    """An answer and, always, the passages it can be checked against."""

    question: str
    text: str | None
    """None when no usable text engine answered; `note` says why."""
    model: str | None
    passages: tuple[Passage, ...]
    cited: tuple[int, ...]
    """Numbers of the cited passages, counted from 1."""
    note: str


@dataclass(frozen=True)
class DeadLetter:
    """One document that was given up."""

    id: UUID
    tenant_id: str
    document_id: UUID
    title: str
    reason: str
    attempts: int
    created_at: datetime
    replayed_at: datetime | None


@dataclass(frozen=True)
class Pressure:
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
    """Records the workers have not committed yet; None while the broker cannot be asked."""


@dataclass(frozen=True)
class Claimed:
    """A document a worker holds a lease on. `epoch` fences it and names the version it builds."""

    id: UUID
    tenant_id: str
    title: str
    text: str = field(repr=False)
    epoch: int
    attempts: int
    refusals: int
