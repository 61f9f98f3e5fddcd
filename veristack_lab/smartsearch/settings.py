"""All settings of the ingestion, in one value that is passed on as JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from veristack_lab.errors import InvalidInput

ENVIRONMENT_VARIABLE = "VERISTACK_SMARTSEARCH"
"""Carries `Settings.to_json()` to worker processes: unlike argv, others cannot read it."""


@dataclass(frozen=True)
class RetryPolicy:
    """How often a document is tried again, and after which pause.

    A refusal is the engine's (or the chunker's) verdict on this very text; it is bounded
    tightly. An outage (engine unreachable, worker killed) is not the document's fault; its bound is
    wide but finite: a text that kills every worker must not circulate for ever.
    """

    max_refusals: int = 3
    max_attempts: int = 12
    retry_base_s: float = 0.5
    retry_max_s: float = 30.0


@dataclass(frozen=True)
class Settings:
    """Where the servers are, which names are used in them, and the timings."""

    conninfo: str
    bootstrap: str
    gateway_url: str
    schema: str = "smartsearch"
    topic: str = "smartsearch"
    """Prefix of every topic and of the consumer group."""
    partitions: int = 4
    lease_s: float = 6.0
    """How long a worker may be silent before its documents are given to another."""
    batch_documents: int = 16
    batch_texts: int = 16
    """Texts per embedding call; llama.cpp gains little beyond 16."""
    max_chunk_chars: int = 400
    sweep_interval_s: float = 0.5
    stale_after_s: float = 30.0
    """When a PENDING document of a quiet pipeline is announced again, doubling each time."""
    delivery_timeout_s: float = 15.0
    """How long the relay waits for the broker; longer than a broker's restart."""
    retry: RetryPolicy = RetryPolicy()

    def __post_init__(self) -> None:
        if not self.topic or not all(c.isalnum() or c in "._-" for c in self.topic):
            raise InvalidInput(f"{self.topic!r} is not a topic prefix: use letters, digits, . _ -")
        if self.batch_documents < 1 or self.batch_texts < 1 or self.partitions < 1:
            raise InvalidInput("batch_documents, batch_texts and partitions must be at least 1")
        if self.lease_s <= 0:
            raise InvalidInput("lease_s must be positive")

    @property
    def documents_topic(self) -> str:
        """Announcements of documents that need work."""
        return f"{self.topic}.documents"

    @property
    def dead_letters_topic(self) -> str:
        """Copies of the dead-letter records, for monitoring from outside."""
        return f"{self.topic}.dead-letters"

    @property
    def group(self) -> str:
        """The consumer group of the workers."""
        return f"{self.topic}.workers"

    def to_json(self) -> str:
        """The settings as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Settings:
        """The inverse of `to_json`.

        Raises:
            InvalidInput: the text does not describe settings.
        """
        try:
            fields = json.loads(text)
            return cls(**{**fields, "retry": RetryPolicy(**fields["retry"])})
        except (ValueError, TypeError, KeyError) as error:
            raise InvalidInput(f"not the JSON of smartsearch settings: {error}") from error

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """The settings a parent process passed on.

        Raises:
            InvalidInput: the variable is missing or unreadable.
        """
        text = environ.get(ENVIRONMENT_VARIABLE)
        if text is None:
            raise InvalidInput(f"set {ENVIRONMENT_VARIABLE}, or use `veristack ingest worker`")
        return cls.from_json(text)
