"""What the records of a Raft node's files hold, as bytes and back.

A node has one log. Its segment is a file of `wal.segment`, with magic "VSTORRFT" and format
version 2: header, records (LSN, type, epoch and length inside each CRC32C), room of zeros. LSNs
begin at 1 in each segment. What its types hold:

    RAFT_NODE      cluster u64 | node u32 | configuration, as its JSON: the one at bootstrap
    RAFT_BEFORE    index u64 | term u64: of the entry before the first one of this segment
    RAFT_SNAPSHOT  index u64 | term u64 | size u64 | checksum u32 | configuration, as its JSON
    RAFT_DAMAGE    first index u64 | last index u64 | term lost u8 | what was found, UTF-8
    RAFT_REPAIRED  nothing; takes back every RAFT_DAMAGE before it
    RAFT_TERM      term u64 | vote u32: one record, so a vote never goes with another term
    RAFT_DROP      index u64: the entries from this one on no longer count
    RAFT_ENTRY     index u64 | term u64 | kind u8 | data
    MARK           nothing; everything before it was durable

Integers are little-endian. A segment begins with RAFT_NODE, RAFT_BEFORE, the newest RAFT_SNAPSHOT,
RAFT_DAMAGE if there is any, RAFT_TERM, and the entries that are kept; then, as a group of its own,
a RAFT_TERM and a MARK. All of that is durable before the segment gets its name. **Every later
group begins with RAFT_TERM**, also if it changes neither term nor vote: so damage to one group
loses the vote only if no whole group follows.

A suffix is dropped by a record, RAFT_DROP, and never by rewriting bytes: entries stand in the log
without gaps, and an entry whose index exists already is an error, not an overwriting. The newest
RAFT_SNAPSHOT names the one snapshot that counts (see `snapshots`).

The types are numbers of `RecordType`, beside those of a store, so that no number means two things.
A store never has them in its log, and does not open a node's files.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from veristack_lab.errors import StoreCorrupt
from veristack_lab.veristore.raft.configuration import Configuration
from veristack_lab.veristore.raft.entries import Entry, Kind, SnapshotMeta
from veristack_lab.veristore.wal.mutations import RecordType

_NODE = struct.Struct("<QI")
_PLACE = struct.Struct("<QQ")
_SNAPSHOT = struct.Struct("<QQQI")
_DAMAGE = struct.Struct("<QQB")
_TERM = struct.Struct("<QI")
_INDEX = struct.Struct("<Q")
_ENTRY = struct.Struct("<QQB")

MAX_CLUSTER_ID = (1 << 64) - 1
MAX_NODE_ID = (1 << 32) - 1
_KINDS = {int(kind): kind for kind in Kind}

Record = tuple[RecordType, bytes]
"""Type and payload."""


class Identity(NamedTuple):
    """Whose files these are."""

    cluster_id: int
    node_id: int
    configuration: Configuration
    """The one with which the cluster began."""

    def encode(self) -> Record:
        """As a RAFT_NODE record."""
        ids = _NODE.pack(self.cluster_id, self.node_id)
        return RecordType.RAFT_NODE, ids + self.configuration.encode()

    @classmethod
    def decode(cls, payload: bytes) -> Identity:
        """Of a RAFT_NODE payload. Raises `StoreCorrupt`."""
        cluster_id, node_id = _fields(_NODE, payload, "RAFT_NODE")
        return cls(cluster_id, node_id, Configuration.decode(payload[_NODE.size :]))


class LogDamage(NamedTuple):
    """One place where something durable could not be read any more."""

    first_index: int
    """The first log index that may be lost."""
    last_index: int
    """The newest log index that is known to be lost; 0: none is known."""
    term_lost: bool
    """No whole record of term and vote follows: the node may have voted in a newer term."""
    what: str
    """Segment, offset and reason, in words."""

    def encode(self) -> Record:
        """As a RAFT_DAMAGE record."""
        fields = _DAMAGE.pack(self.first_index, self.last_index, self.term_lost)
        return RecordType.RAFT_DAMAGE, fields + self.what.encode()

    @classmethod
    def decode(cls, payload: bytes) -> LogDamage:
        """Of a RAFT_DAMAGE payload. Raises `StoreCorrupt`."""
        first_index, last_index, term_lost = _fields(_DAMAGE, payload, "RAFT_DAMAGE")
        what = payload[_DAMAGE.size :].decode(errors="replace")
        return cls(first_index, last_index, bool(term_lost), what)

    def __str__(self) -> str:
        known = f" to {self.last_index}" if self.last_index >= self.first_index else " on"
        term = "; term and vote may be lost too" if self.term_lost else ""
        return f"{self.what}; entries from index {self.first_index}{known} may be lost{term}"


def encode_term(term: int, vote: int) -> Record:
    """A RAFT_TERM record."""
    return RecordType.RAFT_TERM, _TERM.pack(term, vote)


def decode_term(payload: bytes) -> tuple[int, int]:
    """Term and vote. Raises `StoreCorrupt`."""
    term, vote = _fields(_TERM, payload, "RAFT_TERM", is_whole=True)
    return term, vote


def encode_drop(index: int) -> Record:
    """A RAFT_DROP record."""
    return RecordType.RAFT_DROP, _INDEX.pack(index)


def decode_drop(payload: bytes) -> int:
    """The first index that no longer counts. Raises `StoreCorrupt`."""
    return _fields(_INDEX, payload, "RAFT_DROP", is_whole=True)[0]


def encode_entry(entry: Entry) -> Record:
    """A RAFT_ENTRY record."""
    head = _ENTRY.pack(entry.index, entry.term, entry.kind)
    return RecordType.RAFT_ENTRY, head + entry.data


def decode_entry(payload: bytes) -> Entry:
    """The entry. Raises `StoreCorrupt`."""
    index, term, kind = _fields(_ENTRY, payload, "RAFT_ENTRY")
    if kind not in _KINDS:
        raise StoreCorrupt(f"entry {index} is of the unknown kind {kind}; upgrade the lab")
    return Entry(index, term, _KINDS[kind], payload[_ENTRY.size :])


def encode_before(index: int, term: int) -> Record:
    """A RAFT_BEFORE record."""
    return RecordType.RAFT_BEFORE, _PLACE.pack(index, term)


def decode_before(payload: bytes) -> tuple[int, int]:
    """Index and term. Raises `StoreCorrupt`."""
    index, term = _fields(_PLACE, payload, "RAFT_BEFORE", is_whole=True)
    return index, term


def encode_snapshot(meta: SnapshotMeta) -> Record:
    """A RAFT_SNAPSHOT record."""
    head = _SNAPSHOT.pack(meta.index, meta.term, meta.size_bytes, meta.checksum)
    return RecordType.RAFT_SNAPSHOT, head + meta.configuration.encode()


def decode_snapshot(payload: bytes) -> SnapshotMeta:
    """What identifies the snapshot. Raises `StoreCorrupt`."""
    index, term, size_bytes, checksum = _fields(_SNAPSHOT, payload, "RAFT_SNAPSHOT")
    configuration = Configuration.decode(payload[_SNAPSHOT.size :])
    return SnapshotMeta(index, term, configuration, size_bytes, checksum)


def _fields(
    layout: struct.Struct, payload: bytes, name: str, *, is_whole: bool = False
) -> tuple[int, ...]:
    if len(payload) < layout.size or (is_whole and len(payload) != layout.size):
        raise StoreCorrupt(f"a {name} record of {len(payload)} bytes has a right checksum")
    return layout.unpack_from(payload)
