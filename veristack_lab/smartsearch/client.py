"""`connect(...)`: the one object a notebook, a script or the API works with."""

from __future__ import annotations

from typing import Self
from uuid import UUID

from veristack_lab.smartsearch import answers, dead_letters, intake, retrieval
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.embedding import Embedder, GatewayEmbedder
from veristack_lab.smartsearch.model import (
    Answer,
    DeadLetter,
    Document,
    Passage,
    Pressure,
    Status,
)
from veristack_lab.smartsearch.pressure import pressure
from veristack_lab.smartsearch.settings import Settings


class Search:
    """Documents in, passages and answers out. Thread-safe; use it as a context manager."""

    def __init__(self, settings: Settings, *, embedder: Embedder | None = None) -> None:
        self.settings = settings
        self.database = Database(settings.conninfo, settings.schema)
        self._gateway = GatewayEmbedder(settings.gateway_url)
        self.embedder: Embedder = embedder or self._gateway
        self._text = answers.TextEngine(settings.gateway_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Search schema={self.settings.schema} topic={self.settings.topic}>"

    def ingest(self, tenant_id: str, request_id: str, text: str, title: str = "") -> Document:
        """Take a document in; durable when it returns. See `intake.ingest`."""
        return intake.ingest(self.database, tenant_id, request_id, text, title)

    def status(self, tenant_id: str, document_id: UUID) -> Document:
        """One document. Raises `DocumentNotFound`."""
        return intake.status(self.database, tenant_id, document_id)

    def documents(
        self, tenant_id: str, status: Status | None = None, limit: int = 20
    ) -> list[Document]:
        """The newest documents of a tenant."""
        return intake.documents(self.database, tenant_id, status, limit)

    def finished(self, tenant_id: str) -> int:
        """How many of the tenant's documents are READY or FAILED."""
        return intake.finished(self.database, tenant_id)

    def search(self, tenant_id: str, query: str, k: int = 5) -> list[Passage]:
        """The `k` nearest READY documents, each with its nearest passage."""
        return retrieval.search(self.database, self.embedder, tenant_id, query, k)

    def ask(self, tenant_id: str, question: str, k: int = 3) -> Answer:
        """An answer with the passages it was made from. See `answers`."""
        passages = self.search(tenant_id, question, k)
        return answers.answer(self._text, self.embedder, question, passages)

    def pressure(self, tenant_id: str | None = None) -> Pressure:
        """How much work is waiting in each part, for one tenant or for all."""
        return pressure(self.database, self.settings, tenant_id)

    def dead_letters(self, tenant_id: str | None = None, limit: int = 100) -> list[DeadLetter]:
        """Documents that were given up."""
        return dead_letters.list(self.database, tenant_id, limit)

    def replay(self, dead_letter_id: UUID) -> UUID:
        """Send a given-up document through the pipeline again. Returns its id."""
        return dead_letters.replay(self.database, dead_letter_id)

    def close(self) -> None:
        """Close the connections. Safe to call again."""
        self._text.close()
        self._gateway.close()
        self.database.close()


def connect(
    conninfo: str,
    *,
    bootstrap: str,
    gateway_url: str,
    schema: str = "smartsearch",
    topic: str = "smartsearch",
) -> Search:
    """Connect, making or upgrading the schema. Broker and gateway are not called yet.

    Args:
        conninfo: libpq connection string or URL.
        bootstrap: "host:port" of the Kafka broker.
        gateway_url: a server that speaks Ollama's API and serves "text" and "embeddings".
        schema: where all database objects live.
        topic: prefix of all topics and of the consumer group.

    Raises:
        InvalidInput: the schema's or the topic's name cannot be used.
        MigrationConflict: the schema was made by another version.
        BackendUnavailable: the database cannot be reached.
    """
    return Search(
        Settings(
            conninfo=conninfo,
            bootstrap=bootstrap,
            gateway_url=gateway_url,
            schema=schema,
            topic=topic,
        )
    )
