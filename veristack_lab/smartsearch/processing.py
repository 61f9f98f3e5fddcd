"""A batch of claimed documents -> passages -> vectors -> READY, one outcome for each.

Texts of several documents share an embedding call, since a call with sixteen texts costs
little more than one with a single text. If such a call is refused, each document's texts are sent
separately: only the document at fault fails.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from veristack_lab.errors import DocumentLeaseLost, EmbeddingFailed, TextRefused
from veristack_lab.smartsearch import leases
from veristack_lab.smartsearch.chunking import Chunk, clean, split
from veristack_lab.smartsearch.database import Database
from veristack_lab.smartsearch.embedding import Embedder, with_title
from veristack_lab.smartsearch.model import Claimed
from veristack_lab.smartsearch.retry import Cause
from veristack_lab.smartsearch.settings import Settings

_log = logging.getLogger(__name__)


@dataclass
class Outcome:
    """The outcomes of one batch of documents."""

    ready: list[UUID] = field(default_factory=list)
    again: list[UUID] = field(default_factory=list)
    failed: list[UUID] = field(default_factory=list)
    lost: list[UUID] = field(default_factory=list)
    """Claims that ended during the work; other workers finish these documents."""


@dataclass(frozen=True)
class _Part:
    """Some passages of one document; the last part completes it."""

    document: Claimed
    chunks: tuple[Chunk, ...]
    last: bool


class Processor:
    """Turns claims into READY documents. Not thread-safe, except for `held`."""

    def __init__(
        self, database: Database, embedder: Embedder, settings: Settings, owner: str
    ) -> None:
        self._database = database
        self._embedder = embedder
        self._settings = settings
        self.owner = owner
        self._held: dict[UUID, Claimed] = {}
        self._held_lock = threading.Lock()

    def process(self, document_ids: Sequence[UUID]) -> Outcome:
        """Claim the documents that are due and finish each claim.

        Raises:
            EmbeddingModelChanged: the engine serves another model than the stored vectors'; the
                claims are given back first.
        """
        claimed = leases.claim(self._database, self.owner, document_ids, self._settings.lease_s)
        with self._held_lock:
            self._held = {document.id: document for document in claimed}
        outcome = Outcome()
        try:
            for window in _windows(self._parts(claimed, outcome), self._settings.batch_texts):
                self._advance([part for part in window if part.document.id in self._held], outcome)
        finally:
            try:
                self._release_rest(outcome)
            finally:
                # What could not be given back must expire: its lease is not renewed any more.
                with self._held_lock:
                    self._held.clear()
        return outcome

    def held(self) -> list[Claimed]:
        """The claims that are being worked on at this moment."""
        with self._held_lock:
            return list(self._held.values())

    def _parts(self, claimed: Sequence[Claimed], outcome: Outcome) -> Iterator[_Part]:
        size = self._settings.batch_texts
        for document in claimed:
            chunks = split(clean(document.text), self._settings.max_chunk_chars)
            if not chunks:
                reason = "no readable character is left after cleaning the text"
                self._give_back(document, Cause.REFUSED, reason, outcome)
            for first in range(0, len(chunks), size):
                part = tuple(chunks[first : first + size])
                yield _Part(document, part, last=first + size >= len(chunks))

    def _advance(self, parts: Sequence[_Part], outcome: Outcome) -> None:
        if not parts:
            return
        try:
            self._embed_and_write(parts, outcome)
        except TextRefused as error:
            if len(parts) > 1:
                for part in parts:
                    self._advance([part], outcome)
            else:
                self._give_back(parts[0].document, Cause.REFUSED, str(error), outcome)
        except EmbeddingFailed as error:
            for part in parts:
                self._give_back(part.document, Cause.OUTAGE, str(error), outcome)

    def _embed_and_write(self, parts: Sequence[_Part], outcome: Outcome) -> None:
        texts = [with_title(part.document.title, c.text) for part in parts for c in part.chunks]
        embedded = self._embedder.embed(texts)
        self._database.require_space(embedded.model, embedded.vectors.shape[1])
        row = 0
        for part in parts:
            vectors = embedded.vectors[row : row + len(part.chunks)]
            row += len(part.chunks)
            try:
                leases.write_chunks(
                    self._database, part.document, part.chunks, vectors, embedded.model,
                    last=part.last,
                )  # fmt: skip
            except DocumentLeaseLost as error:
                self._forget(part.document, error, outcome)
            else:
                if part.last:
                    self._drop(part.document)
                    outcome.ready.append(part.document.id)

    def _give_back(self, document: Claimed, cause: Cause, reason: str, outcome: Outcome) -> None:
        if document.id not in self._held:
            return
        self._drop(document)
        try:
            given_up = leases.give_back(
                self._database, document, cause, reason, self._settings.retry
            )
        except DocumentLeaseLost as error:
            self._forget(document, error, outcome)
            return
        (outcome.failed if given_up else outcome.again).append(document.id)

    def _forget(self, document: Claimed, error: DocumentLeaseLost, outcome: Outcome) -> None:
        _log.warning("%s: %s", self.owner, error)
        self._drop(document)
        outcome.lost.append(document.id)

    def _drop(self, document: Claimed) -> None:
        with self._held_lock:
            self._held.pop(document.id, None)

    def _release_rest(self, outcome: Outcome) -> None:
        """Give back the claims that an error of the worker itself left over."""
        for document in self.held():
            self._give_back(document, Cause.OUTAGE, "the worker had to stop", outcome)


def _windows(parts: Iterator[_Part], max_texts: int) -> Iterator[list[_Part]]:
    """Group parts so that each group holds at most `max_texts` passages."""
    window: list[_Part] = []
    texts = 0
    for part in parts:
        if window and texts + len(part.chunks) > max_texts:
            yield window
            window, texts = [], 0
        window.append(part)
        texts += len(part.chunks)
    if window:
        yield window
