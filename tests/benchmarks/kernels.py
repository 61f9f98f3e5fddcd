"""Checksums and framing of log records, beside Google's C library and the `struct` module.

Nothing here waits, so the clock is the processor time of the thread. A batch is as long as one
call of the kernels can take, `DECODE_CHUNK` records; P1-1MiB shows what a batch that just does
not fit into a second-level cache gives, where the call itself costs an eighth: to Python, numpy
and numba it is always as if they were called for the first time, so much data passes between.

What bounds P1, by the instructions that are used: the crc32 instruction takes eight bytes and
one can start in a cycle, so alone it needs 8 cycles for a record of 64 bytes. A carry-less
multiplication keeps its unit busy for two cycles on AMD's Zen 3 and 4, and two of them take as
many bytes as their registers have. So with 512 bits the multiplier needs 4 cycles for a record,
or 3 when one record in four goes through the other unit meanwhile; on Zen 4 the other operations
of 512 bits around them make it 3.3 (see `kernels/_batch_512.py`). With 256 bits it needs 8, or 4
with half of each record for the other unit (`kernels/_batch.py`). Then the offsets have to be
read and compared: at the speed of a third-level cache 0.3 cycles for each. Python's loop over a
C function costs about 80 ns a call, whatever the function does.

P2 is bound in the same way: 8 bytes a cycle for each of the two units, if the registers have 256
bits. Google's library uses the crc32 instruction alone.

P1 and P2 want a quiet machine. Two virtual processors are often one core: while the other one
works, the kernels, which use nearly all of a core's units, slow down by a quarter or more, and a
loop of Python or a single chain of instructions hardly at all. The profile of a missed P1 shows
it in the cycles of a record that is at hand.
"""

from __future__ import annotations

import functools
import itertools
import random
import struct
import time
import timeit
from collections.abc import Callable

import google_crc32c
import numpy as np

from veristack_lab import bench
from veristack_lab.bench import Contest, Contestant
from veristack_lab.kernels import crc32c, crc_ladder, records, rungs

RECORDS = 20_000
BATCH, SMALL_BATCH = records.DECODE_CHUNK, 16_384
AT_HAND = 1024, 6144
"""Lengths of batches whose data, offsets and sums fit into half a MiB."""
LSN, EPOCH, KIND = 1, 1, 1
COVERED = struct.Struct("<IQIB3x")
GIGA, MEGA = 1e9, 1e6
GOALS = {512: (60.0, 1.0), 256: (45.0, 1.2), 128: (30.0, 0.8), 0: (15.0, 0.7)}
"""Of P1 and P2, by the bits of the widest carry-less multiplication that the processor has."""
UNIT_CYCLES = {512: (4, 3), 256: (8, 4), 128: (16, 16 / 3)}
"""For a record of 64 bytes on Zen 3 and 4: the multiplier alone, and both units together."""
INSTRUCTION_CYCLES, INSTRUCTION_BYTES = 3, 8
"""From one crc32 instruction to the next that needs its answer, on every x86 since 2008."""


def multiplied_bits() -> int:
    """How wide the registers are that the kernels multiply in this process; 0 for none."""
    if crc32c.tier() == "python":
        return 0
    from veristack_lab.kernels import _tiers

    return _tiers.CHOSEN.bits


def rate(amount: float, work: Callable[[], object]) -> float:
    return bench.rate(amount, work, time.thread_time)


def contests() -> list[Contest]:
    """P1 to P3 and their neighbours."""
    generator = random.Random(1)
    goal_many, goal_one = GOALS[multiplied_bits()]
    return [
        many(generator.randbytes(64 * BATCH), 64, "P1", goal_many),
        many(generator.randbytes(64 * SMALL_BATCH), 64, "P1-1MiB", None),
        one(generator.randbytes(1 << 20), "P2", "CRC32C of 1 MiB", goal_one),
        framing_an_arena(generator.randbytes(100 * RECORDS), 100),
        framing_a_list(generator.randbytes(100 * RECORDS), 100),
        decoding(generator.randbytes(100 * RECORDS), 100),
        one(generator.randbytes(64), "P2-64", "CRC32C of one record of 64 bytes", None),
    ]


def cut(arena: bytes, size: int) -> list[bytes]:
    return [arena[at : at + size] for at in range(0, len(arena), size)]


def contest(name, what, unit, ours, peer_name, peer, goal, profile=None) -> Contest:
    return Contest(
        name, what, unit, Contestant("kernels", ours), [Contestant(peer_name, peer)], goal, profile
    )


def many(arena: bytes, size: int, name: str, goal: float | None) -> Contest:
    offsets = np.arange(0, len(arena) + 1, size)
    pieces = cut(arena, size)
    amount = len(pieces) / MEGA
    value = google_crc32c.value
    assert crc32c.crc32c_many(arena, offsets).tolist() == [value(piece) for piece in pieces]
    return contest(
        name,
        f"CRC32C of a batch of {len(pieces):,} records of {size} bytes",
        "M records/s",
        lambda: rate(amount, lambda: crc32c.crc32c_many(arena, offsets)),
        "loop over google-crc32c",
        lambda: rate(amount, lambda: [value(piece) for piece in pieces]),
        goal,
        lambda ours: cycles(ours, size),
    )


def cycles(ours: float, size: int) -> str:
    """Cycles a record, by a clock that is measured: a chain of dependent crc32 instructions."""
    frame = crc_ladder(sizes_bytes=(1 << 16,), batch_records=1)
    chain = frame[(frame["rung"] == rungs.INSTRUCTION) & (frame["item_bytes"] == 1 << 16)]
    if chain.empty:
        return f"{1000 / ours:,.2f} ns a record; this processor has no crc32 instruction"
    clock_ghz = chain["gb_per_s"].item() / INSTRUCTION_BYTES * INSTRUCTION_CYCLES
    taken = (
        f"{1000 * clock_ghz / ours:,.2f} cycles a record at {clock_ghz:.2f} GHz, and"
        f" {clock_ghz * at_hand_ns(size):.2f} for each more of a batch that the caches hold; the"
        f" crc32 instruction alone would need {size / INSTRUCTION_BYTES:g}"
    )
    if multiplied_bits() not in UNIT_CYCLES:
        return taken
    alone, together = UNIT_CYCLES[multiplied_bits()]
    return f"{taken}, the multiplier {alone}, both together {together:.3g}"


def at_hand_ns(size: int) -> float:
    """What one record more costs in a batch that fits into a second-level cache."""
    seconds = []
    for count in AT_HAND:
        arena, offsets = bytes(count * size), np.arange(0, count * size + 1, size)
        call = functools.partial(crc32c.crc32c_many, arena, offsets)
        seconds.append(min(timeit.repeat(call, time.thread_time, repeat=50, number=20)) / 20)
    return 1e9 * (seconds[1] - seconds[0]) / (AT_HAND[1] - AT_HAND[0])


def one(data: bytes, name: str, what: str, goal: float | None) -> Contest:
    assert crc32c.crc32c(data) == google_crc32c.value(data)
    calls = max(1, (1 << 16) // len(data))
    amount = calls * len(data) / GIGA

    def repeated(function: Callable[[bytes], int]) -> Callable[[], None]:
        def work() -> None:
            for _ in itertools.repeat(None, calls):
                function(data)

        return work

    return contest(
        name,
        what,
        "GB/s",
        lambda: rate(amount, repeated(crc32c.crc32c)),
        "google-crc32c",
        lambda: rate(amount, repeated(google_crc32c.value)),
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
