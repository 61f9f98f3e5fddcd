"""Checksums and framing of log records, beside Google's C library and the `struct` module."""

from __future__ import annotations

import random
import struct

import google_crc32c
import numpy as np

from veristack_lab.bench import Contest, Contestant, rate
from veristack_lab.kernels import crc32c, records

RECORDS = 20_000
LSN, EPOCH, KIND = 1, 1, 1
COVERED = struct.Struct("<IQIB3x")
GIGA, MEGA = 1e9, 1e6


def contests() -> list[Contest]:
    """P1 to P3 and their neighbours."""
    generator = random.Random(1)
    return [
        many(generator.randbytes(64 * RECORDS), 64),
        one(generator.randbytes(1 << 20), "P2", "CRC32C of 1 MiB", 1.0),
        framing_an_arena(generator.randbytes(100 * RECORDS), 100),
        framing_a_list(generator.randbytes(100 * RECORDS), 100),
        decoding(generator.randbytes(100 * RECORDS), 100),
        one(generator.randbytes(64), "P2-64", "CRC32C of one record of 64 bytes", None),
    ]


def cut(arena: bytes, size: int) -> list[bytes]:
    return [arena[at : at + size] for at in range(0, len(arena), size)]


def contest(name, what, unit, ours, peer_name, peer, goal) -> Contest:
    return Contest(
        name, what, unit, Contestant("kernels", ours), [Contestant(peer_name, peer)], goal
    )


def many(arena: bytes, size: int) -> Contest:
    offsets = np.arange(0, len(arena) + 1, size)
    pieces = cut(arena, size)
    value = google_crc32c.value
    assert crc32c.crc32c_many(arena, offsets).tolist() == [value(piece) for piece in pieces]
    return contest(
        "P1",
        f"CRC32C of a batch of {size}-byte records",
        "M records/s",
        lambda: rate(RECORDS / MEGA, lambda: crc32c.crc32c_many(arena, offsets)),
        "loop over google-crc32c",
        lambda: rate(RECORDS / MEGA, lambda: [value(piece) for piece in pieces]),
        60.0,
    )


def one(data: bytes, name: str, what: str, goal: float | None) -> Contest:
    assert crc32c.crc32c(data) == google_crc32c.value(data)
    return contest(
        name,
        what,
        "GB/s",
        lambda: rate(len(data) / GIGA, lambda: crc32c.crc32c(data)),
        "google-crc32c",
        lambda: rate(len(data) / GIGA, lambda: google_crc32c.value(data)),
        goal,
    )


def frame_with_struct(pieces: list[bytes]) -> bytes:
    """What one writes without the kernel: pack, checksum in C, join."""
    parts = []
    value, pack = google_crc32c.value, COVERED.pack
    for lsn, piece in enumerate(pieces, start=LSN):
        covered = pack(len(piece), lsn, EPOCH, KIND) + piece
        parts.append(value(covered).to_bytes(4, "little"))
        parts.append(covered)
    return b"".join(parts)


def framing_an_arena(arena: bytes, size: int) -> Contest:
    offsets, kinds = np.arange(0, len(arena) + 1, size), np.full(RECORDS, KIND, np.uint8)
    pieces = cut(arena, size)
    framed = records.frame_arena(arena, offsets, kinds, LSN, EPOCH)
    assert framed.tobytes() == frame_with_struct(pieces)
    return contest(
        "P3",
        f"frame and checksum {size}-byte records of an arena",
        "M records/s",
        lambda: rate(
            RECORDS / MEGA, lambda: records.frame_arena(arena, offsets, kinds, LSN, EPOCH)
        ),
        "struct + google-crc32c",
        lambda: rate(RECORDS / MEGA, lambda: frame_with_struct(pieces)),
        15.0,
    )


def framing_a_list(arena: bytes, size: int) -> Contest:
    pieces, kinds = cut(arena, size), [KIND] * RECORDS
    assert records.frame_records(pieces, kinds, LSN, EPOCH) == frame_with_struct(pieces)
    return contest(
        "P3-list",
        f"frame and checksum {size}-byte records of a list",
        "M records/s",
        lambda: rate(RECORDS / MEGA, lambda: records.frame_records(pieces, kinds, LSN, EPOCH)),
        "struct + google-crc32c",
        lambda: rate(RECORDS / MEGA, lambda: frame_with_struct(pieces)),
        None,
    )


def decode_with_struct(log: bytes) -> list[tuple[int, int]]:
    found, at = [], 0
    value, unpack = google_crc32c.value, struct.Struct("<IIQIB3x").unpack_from
    while at < len(log):
        crc, length, _, _, kind = unpack(log, at)
        end = at + records.HEADER_BYTES + length
        if value(log[at + 4 : end]) != crc:
            break
        found.append((at + records.HEADER_BYTES, kind))
        at = end
    return found


def decoding(arena: bytes, size: int) -> Contest:
    log = frame_with_struct(cut(arena, size))
    decoded = records.decode_records(log, 0, LSN, EPOCH, size)
    assert len(decoded) == len(decode_with_struct(log)) == RECORDS
    return contest(
        "P3-decode",
        f"decode and verify {size}-byte records",
        "M records/s",
        lambda: rate(RECORDS / MEGA, lambda: records.decode_records(log, 0, LSN, EPOCH, size)),
        "struct + google-crc32c",
        lambda: rate(RECORDS / MEGA, lambda: decode_with_struct(log)),
        None,
    )
