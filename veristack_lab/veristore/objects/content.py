"""How content is stored, becomes visible and is removed: what objects and uploads share.

**Commit point**: the one batch of the key-value store that holds the metadata record. Content
files are durable before it, under ids that nothing refers to yet; content that it replaces is
removed after it, once it is durable. So a reader sees the old object until that batch is
durable, the new one from then on, and never a mixture; and a power cut leaves at worst files
that nothing refers to, which the collector removes.
"""

from __future__ import annotations

import enum
import os
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from veristack_lab.errors import InvalidInput, StoreFailed
from veristack_lab.veristore import forks
from veristack_lab.veristore.keyvalue import LocalKeyValue

Data = bytes | Iterable[bytes]
_STRIPES = 64


class Outcome(enum.Enum):
    """How far a piece of new content has come."""

    WRITING = enum.auto()
    """No metadata record refers to it."""
    UNKNOWN = enum.auto()
    """The commit was begun: after a crash a metadata record may be found, or not."""
    COMMITTED = enum.auto()
    """A metadata record refers to it."""


@dataclass
class Flight:
    """New content on its way in."""

    content_id: bytes
    outcome: Outcome = Outcome.WRITING
    has_file: bool = False
    """Whether a content file of this id may exist and belongs to this put."""


class Shared:
    """What all object stores over one store must agree on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight: set[bytes] = set()
        self._unsettled: set[bytes] = set()
        self._pins: Counter[bytes] = Counter()
        self._doomed: set[bytes] = set()
        self._retired: deque[tuple[int, Sequence[bytes]]] = deque()
        self._stripes = [threading.Lock() for _ in range(_STRIPES)]
        self.removal_lock = threading.Lock()
        """Looking whether a file is there and removing it are one step."""
        self.refusal: StoreFailed | None = None
        """Why no more content files are written, or None."""
        forks.own(self)

    def disown(self) -> None:
        """In a fork: replace the owner's locks, so that callers are refused (see `forks`)."""
        self._lock, self.removal_lock = threading.Lock(), threading.Lock()
        self._stripes = [threading.Lock() for _ in range(_STRIPES)]

    def begin(self, content_id: bytes) -> None:
        """Content of this id is about to be written: the collector must leave it alone."""
        with self._lock:
            self._in_flight.add(content_id)

    def end(self, flight: Flight) -> None:
        """The content was committed or given up, or its state is unknown until the next open."""
        with self._lock:
            if flight.outcome is Outcome.UNKNOWN:
                self._unsettled.add(flight.content_id)
            self._in_flight.discard(flight.content_id)

    def spared(self) -> set[bytes]:
        """Ids that the collector must leave alone although nothing may refer to them."""
        with self._lock:
            return self._in_flight | self._unsettled

    @contextmanager
    def pinning(self) -> Iterator[Counter[bytes]]:
        """Look metadata up and count the pins of its content in one step. A later replacement of
        the metadata reads the pins later, so it sees these."""
        with self._lock:
            yield self._pins

    def unpin(self, content_ids: Sequence[bytes]) -> list[bytes]:
        """Release a reader's pins. Returns the ids that may now be deleted."""
        free = []
        with self._lock:
            for content_id in content_ids:
                self._pins[content_id] -= 1
                if self._pins[content_id] <= 0:
                    del self._pins[content_id]
                    if content_id in self._doomed:
                        self._doomed.discard(content_id)
                        free.append(content_id)
        return free

    def retire(self, lsn: int, content_ids: Sequence[bytes]) -> None:
        """The record of this LSN made these orphans, and may not be durable yet."""
        with self._lock:
            self._retired.append((lsn, content_ids))

    @property
    def retired(self) -> int:
        """How many records of `retire` are not known to be durable."""
        return len(self._retired)

    def ripe(self, durable_lsn: int) -> list[bytes]:
        """Take out what was made an orphan by records that are durable now."""
        found: list[bytes] = []
        with self._lock:
            # Commits of different keys may retire out of order; a later one waits for an earlier
            # one.
            while self._retired and self._retired[0][0] <= durable_lsn:
                found += self._retired.popleft()[1]
        return found

    def doom(self, content_ids: Iterable[bytes]) -> list[bytes]:
        """No metadata refers to these any more. Returns the ids that may be deleted now; the others
        are deleted when their last reader closes."""
        with self._lock:
            ids = list(content_ids)
            self._doomed.update(content_id for content_id in ids if content_id in self._pins)
            return [content_id for content_id in ids if content_id not in self._pins]

    @contextmanager
    def commits(self, *keys: bytes) -> Iterator[None]:
        """Hold off other commits to these keys, or to every key if none is named: two commits
        to one key must see each other's metadata, or content would be left behind."""
        numbers = sorted({hash(key) % _STRIPES for key in keys}) if keys else range(_STRIPES)
        with ExitStack() as held:
            for number in numbers:
                held.enter_context(self._stripes[number])
            yield


_shared: WeakKeyDictionary[LocalKeyValue, Shared] = WeakKeyDictionary()
_shared_lock = threading.Lock()


def shared_of(store: LocalKeyValue) -> Shared:
    """The one `Shared` of a store."""
    with _shared_lock:
        return _shared.setdefault(store, Shared())


def _renew_lock() -> None:
    """In a fork: replace the lock; another thread of the owner may have held it."""
    global _shared_lock
    _shared_lock = threading.Lock()


os.register_at_fork(after_in_child=_renew_lock)


def in_blocks(data: Data, block_bytes: int) -> Iterator[bytes | memoryview]:
    """Content cut into blocks of one length; only the last may be shorter, none is empty.

    Raises:
        InvalidInput: the content is neither bytes nor made of bytes.
    """
    if isinstance(data, bytes | bytearray | memoryview):
        view = memoryview(data).cast("B")
        yield from (view[at : at + block_bytes] for at in range(0, len(view), block_bytes))
        return
    rest = bytearray()
    for piece in _pieces(data):
        view = memoryview(piece).cast("B")
        at = 0
        while at < len(view):
            taken = min(block_bytes - len(rest), len(view) - at)
            rest += view[at : at + taken]
            at += taken
            if len(rest) == block_bytes:
                yield bytes(rest)
                rest.clear()
    if rest:
        yield bytes(rest)


def _pieces(data: object) -> Iterator[bytes | bytearray | memoryview]:
    if isinstance(data, str) or not isinstance(data, Iterable):
        raise InvalidInput(
            f"an object's content is bytes, not {type(data).__name__}, or an iterable of bytes"
        )
    for piece in data:
        if not isinstance(piece, bytes | bytearray | memoryview):
            raise InvalidInput(f"content is made of pieces of bytes, not {type(piece).__name__}")
        yield piece
