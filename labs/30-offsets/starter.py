"""Lab 30: offsets. Read README.md first; `veristack labs check 30` checks it.

You write what lies between a saved document and the chunks that search reads: outbox, relay and
worker. What you may ask of database, log and engine is in the protocols below, and nothing else.
"""

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from veristack_lab.errors import BackendUnavailable, EmbeddingFailed, TextRefused

MAX_ATTEMPTS = 3
"""An event whose text is refused so often is parked."""
MAX_IN_WORK = 8
"""The most records that a worker holds unfinished."""
CHUNK_CHARACTERS = 8


@dataclass(frozen=True)
class Event:
    """Given: a document has a new version."""

    document: str
    version: int
    """Of the document, counted from 1."""
    text: str | None
    """None: the document was deleted."""


@dataclass(frozen=True)
class Record:
    """Given: an event, and where it is in the log."""

    partition: int
    offset: int
    event: Event


@dataclass(frozen=True)
class Batch:
    """Given: the answer to one `poll`."""

    generation: int
    """Of the group: it goes up whenever the partitions are divided anew."""
    assigned: dict[int, int]
    """This worker's partitions in this generation, and the offset at which each was read on
    when the generation began: what was committed then. What was read since stays read."""
    records: list[Record]


@dataclass(frozen=True)
class Chunk:
    """Given: a row of the table `chunks`, under the key (document, number)."""

    text: str
    vector: list[float]


@dataclass(frozen=True)
class DeadLetter:
    """Given: a row of the table `dead_letters`; the key is up to you."""

    event: Event
    reason: str
    """What the last error said."""
    attempts: int


class CommitRefused(Exception):
    """Given: the group has another generation by now."""


class Transaction(Protocol):
    """Given: all of it happens at the end of the `with` block, or nothing of it, ever.

    `documents` has the newest Event of each document under its name, `chunks` is what search reads,
    `dead_letters` what operators read; others are there when you first name them. Keys are
    strings, numbers, or tuples of them.
    """

    def get(self, table: str, key: Any) -> Any:
        """The row, or None."""

    def put(self, table: str, key: Any, row: Any) -> None:
        """Write a row, whether there was one or not."""

    def add(self, table: str, row: Any) -> int:
        """Write a row under the next number, which is the key."""

    def delete(self, table: str, key: Any) -> None:
        """Remove a row, if it is there."""

    def scan(self, table: str) -> list[tuple[Any, Any]]:
        """All (key, row) of a table, in the order of the keys."""


class Database(Protocol):
    """Given. Each call may raise BackendUnavailable; a commit that raises may have happened."""

    def transaction(self) -> AbstractContextManager[Transaction]:
        """A transaction, for `with`. An error that leaves the block undoes all of it."""


class Log(Protocol):
    """Given. Each call may raise BackendUnavailable."""

    partitions: int

    def send(self, partition: int, event: Event) -> None:
        """Put an event into the buffer of this process. It is not in the log yet."""

    def flush(self) -> None:
        """Return when all that was sent is in the log. If it raises, a part may be there, and
        the buffer is empty."""


class Engine(Protocol):
    """Given."""

    def embed(self, texts: list[str]) -> list[list[float]]:
        """A vector for each text, after a long while.

        Raises:
            TextRefused: one of the texts cannot be embedded.
            EmbeddingFailed: the engine does not answer, whatever the text.
        """


class Consumer(Protocol):
    """Given: this worker's seat in the group. Each call may raise BackendUnavailable."""

    def poll(self, limit: int) -> Batch:
        """Read on, at most `limit` records, of all assigned partitions together."""

    def commit(self, generation: int, offsets: dict[int, int]) -> None:
        """For partitions, the offset of the next record to read: where reading goes on when a
        partition is divided anew. The group compares the generation, and believes the rest.

        Raises:
            CommitRefused: the group has another generation. Nothing was committed.
        """


def split(text: str) -> list[str]:
    """Given: the chunks of a text."""
    return [text[at : at + CHUNK_CHARACTERS] for at in range(0, len(text), CHUNK_CHARACTERS)]


def identity(event: Event) -> tuple[str, int, str]:
    """Given: document, version and content hash. Two events of one identity are the same."""
    content = "deleted" if event.text is None else hashlib.sha256(event.text.encode()).hexdigest()
    return event.document, event.version, content


def save(database: Database, document: str, text: str | None) -> int:
    """Task 1. Write the next version of a document and announce it. Returns the version.

    Args:
        text: None deletes the document.
    """
    raise NotImplementedError("task 1")


def partition_of(document: str, partitions: int) -> int:
    """Task 1. The partition of a document: the same one in every process."""
    raise NotImplementedError("task 1")


def relay(database: Database, log: Log, limit: int) -> int:
    """Task 1. Send the oldest announcements, at most `limit`. Returns how many the log has now.

    Raises:
        BackendUnavailable: the log or the database is away; nothing is lost.
    """
    raise NotImplementedError("task 1")


def apply(database: Database, engine: Engine, event: Event) -> None:
    """Task 2. Make the chunks of a document those of this event, if that is news.

    Raises:
        TextRefused, EmbeddingFailed: see Engine. Nothing was changed.
    """
    raise NotImplementedError("task 2")


def _is_news(tx: Transaction, event: Event) -> bool:
    """Task 2, a part of it, if you like: whether this event was not applied, nor a later one."""
    raise NotImplementedError("task 2")


class Offsets:
    """Task 3. Which records of its partitions a worker has finished, in one generation."""

    def __init__(self) -> None:
        self.generation = 0
        """Of the last `assign`; 0 before the first."""
        raise NotImplementedError("task 3")

    def assign(self, generation: int, assigned: dict[int, int]) -> None:
        """Task 3. A generation begins, with these partitions, each read on at its offset. What
        was taken in an earlier one will come again, here or at another worker."""
        raise NotImplementedError("task 3")

    def take(self, partition: int, offset: int) -> None:
        """Task 3. A record was read, in the order of offsets; a log may have left numbers out."""
        raise NotImplementedError("task 3")

    def finish(self, generation: int, partition: int, offset: int) -> None:
        """Task 3. A record taken in this generation is done with, in any order. If the
        generation has ended, that means nothing: its offsets may name other records today."""
        raise NotImplementedError("task 3")

    def to_commit(self) -> dict[int, int]:
        """Task 3. For each partition, the offset of the first record that is not finished, or
        of the one after the last taken. Those where nothing was finished may be left out."""
        raise NotImplementedError("task 3")


def process(database: Database, engine: Engine, event: Event) -> bool:
    """Task 4. Apply an event; True if it needs no more work: applied, old, or parked.

    A refused text is tried MAX_ATTEMPTS times, one a call, and then parked as a dead letter.

    Raises:
        EmbeddingFailed, BackendUnavailable: an outage, which is not the event's fault.
    """
    raise NotImplementedError("task 4")


def replay(database: Database, letter: DeadLetter) -> bool:
    """Task 4. Take a dead letter out of its table and announce its event once more, with fresh
    attempts. False if it is not there any more."""
    raise NotImplementedError("task 4")


class Worker:
    """One member of the group."""

    def __init__(self, database: Database, engine: Engine, consumer: Consumer) -> None:
        self.database, self.engine, self.consumer = database, engine, consumer
        self.offsets = Offsets()
        self.waiting: list[Record] = []
        """Taken and not finished."""

    def step(self) -> bool:
        """Task 5. Read on, work on each record that waits once, commit.

        Returns False when something is away: the caller pauses. It never raises for that, nor
        because the partitions were divided anew.
        """
        raise NotImplementedError("task 5")
