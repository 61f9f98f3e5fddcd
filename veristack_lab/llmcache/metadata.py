"""Where each prefix lives and which node serves which session, kept across restarts.

Two kinds of metadata with the same protocol: in memory, and in a veristore store. The store
keeps one record for each (model, node, prompt) and each (model, session). Every part of a key
is percent-escaped, so that no name can be mistaken for another: `/` separates the parts and
never occurs inside one.

The commit point of a call of `apply` is the store's own for one batch: when it returns, the
changes survive a power cut; before, a reader after a crash sees all of them or none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from veristack_lab.errors import StoreCorrupt
from veristack_lab.llmcache.prefixes import Entry, Prefix
from veristack_lab.llmcache.state import (
    Change,
    EntryDropped,
    EntryKept,
    SessionDropped,
    SessionKept,
    SessionRoute,
)

if TYPE_CHECKING:
    from veristack_lab.veristore.keyvalue import KeyValue

ENTRIES = b"llmcache/prefix/"
SESSIONS = b"llmcache/session/"


class Metadata(Protocol):
    """Keeps what the serving state needs after a restart."""

    def apply(self, changes: Sequence[Change]) -> None:
        """Keep some changes, in order. Durable on return, where durability is promised."""
        ...

    def entries(self) -> list[Entry]:
        """All prompts that nodes were known to hold."""
        ...

    def sessions(self) -> list[SessionRoute]:
        """All sessions and their nodes."""
        ...


class MemoryMetadata:
    """Metadata that is lost when the process ends."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str, bytes], Entry] = {}
        self._sessions: dict[tuple[str, str], SessionRoute] = {}

    def apply(self, changes: Sequence[Change]) -> None:
        """Keep some changes, in order."""
        for change in changes:
            match change:
                case EntryKept(entry):
                    self._entries[entry.prefix.model, entry.node_id, entry.prefix.digest] = entry
                case EntryDropped(node_id, prefix):
                    self._entries.pop((prefix.model, node_id, prefix.digest), None)
                case SessionKept(route):
                    self._sessions[route.model, route.session_id] = route
                case SessionDropped(route):
                    self._sessions.pop((route.model, route.session_id), None)

    def entries(self) -> list[Entry]:
        """All prompts that nodes were known to hold."""
        return list(self._entries.values())

    def sessions(self) -> list[SessionRoute]:
        """All sessions and their nodes."""
        return list(self._sessions.values())


class StoreMetadata:
    """Metadata in a key-value store, which the caller opens and closes."""

    def __init__(self, store: KeyValue) -> None:
        self._store = store

    def apply(self, changes: Sequence[Change]) -> None:
        """Keep some changes, all or none; durable on return.

        Raises:
            StoreError: the store failed; none of them is kept.
        """
        from veristack_lab.veristore import Batch

        batch = Batch()
        for change in changes:
            match change:
                case EntryKept(entry):
                    batch.put(entry_key(entry.node_id, entry.prefix), _entry_value(entry))
                case EntryDropped(node_id, prefix):
                    batch.delete(entry_key(node_id, prefix))
                case SessionKept(route):
                    batch.put(session_key(route), _session_value(route))
                case SessionDropped(route):
                    batch.delete(session_key(route))
        if len(batch):
            self._store.write(batch)

    def entries(self) -> list[Entry]:
        """All prompts that nodes were known to hold.

        Raises:
            StoreCorrupt: a record is not one that this module wrote.
        """
        return [_entry(key, fields) for key, fields in self._scan(ENTRIES)]

    def sessions(self) -> list[SessionRoute]:
        """All sessions and their nodes.

        Raises:
            StoreCorrupt: a record is not one that this module wrote.
        """
        return [_session(key, fields) for key, fields in self._scan(SESSIONS)]

    def _scan(self, prefix: bytes) -> Iterator[tuple[bytes, Any]]:
        for key, value in self._store.scan(prefix):
            try:
                yield key, json.loads(value)
            except ValueError as error:
                raise _not_ours(key) from error


def entry_key(node_id: str, prefix: Prefix) -> bytes:
    """The key of an entry; different (model, node, prompt) never share one."""
    return ENTRIES + _join((prefix.model, node_id, prefix.digest.hex()))


def session_key(route: SessionRoute) -> bytes:
    """The key of a session; different (model, session) never share one."""
    return SESSIONS + _join((route.model, route.session_id))


def _join(parts: Iterable[str]) -> bytes:
    return "/".join(quote(part, safe="", errors="surrogatepass") for part in parts).encode("ascii")


def _entry_value(entry: Entry) -> bytes:
    prefix = entry.prefix
    return json.dumps(
        {
            "node_id": entry.node_id,
            "model": prefix.model,
            "digest": prefix.digest.hex(),
            "tokens": prefix.tokens,
            "block_tokens": prefix.block_tokens,
            "last_used": entry.last_used,
            "hashes": b"".join(prefix.hashes).hex(),
        }
    ).encode()


def _session_value(route: SessionRoute) -> bytes:
    return json.dumps(
        {"model": route.model, "session_id": route.session_id, "node_id": route.node_id}
    ).encode()


def _entry(key: bytes, fields: Any) -> Entry:
    try:
        digest = bytes.fromhex(fields["digest"])
        chain = bytes.fromhex(fields["hashes"])
        width = len(digest)
        hashes = tuple(chain[at : at + width] for at in range(0, len(chain), width))
        prefix = Prefix(
            fields["model"], hashes, digest, int(fields["tokens"]), int(fields["block_tokens"])
        )
        return Entry(fields["node_id"], prefix, int(fields["last_used"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _not_ours(key) from error


def _session(key: bytes, fields: Any) -> SessionRoute:
    try:
        return SessionRoute(fields["model"], fields["session_id"], fields["node_id"])
    except (KeyError, TypeError) as error:
        raise _not_ours(key) from error


def _not_ours(key: bytes) -> StoreCorrupt:
    return StoreCorrupt(
        f"record {key!r} is not serving metadata. Give the gateway a store of its own."
    )
