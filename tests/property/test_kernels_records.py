from __future__ import annotations

from itertools import accumulate

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.kernel_paths import both_paths, needs_jit, running
from veristack_lab.errors import InvalidInput
from veristack_lab.kernels import records
from veristack_lab.kernels.records import HEADER_BYTES, Decoded, Stop

LSN, EPOCH, MAX = 41, 7, 5000
RECORDS = st.lists(st.tuples(st.binary(max_size=300), st.integers(0, 255)), max_size=12)
NUMBERS = st.tuples(st.integers(0, records.MAX_LSN - 20), st.integers(0, records.MAX_EPOCH))
Written = list[tuple[bytes, int]]


def frame(written: Written, lsn: int = LSN, epoch: int = EPOCH) -> bytes:
    return records.frame_records([p for p, _ in written], [k for _, k in written], lsn, epoch)


def read(buffer: bytes, offset: int = 0, lsn: int = LSN, epoch: int = EPOCH) -> Decoded:
    return records.decode_records(buffer, offset, lsn, epoch, MAX)


def contents(buffer: bytes, decoded: Decoded) -> Written:
    rows = zip(decoded.payload_offsets, decoded.payload_lengths, decoded.types, strict=True)
    return [(bytes(buffer[start : start + length]), int(kind)) for start, length, kind in rows]


def ends(written: Written) -> list[int]:
    """Where each record ends, 0 for none at all first."""
    return list(accumulate((HEADER_BYTES + len(p) for p, _ in written), initial=0))


@both_paths
@given(written=RECORDS, numbers=NUMBERS, before=st.binary(max_size=40))
def test_what_was_framed_is_read_back(path, written, numbers, before) -> None:
    with running(path):
        buffer = before + frame(written, *numbers)
        decoded = read(buffer, len(before), *numbers)
    assert contents(buffer, decoded) == written
    assert (decoded.end_offset, decoded.stop) == (len(buffer), Stop.END)


@needs_jit
@given(written=RECORDS, numbers=NUMBERS)
def test_machine_code_and_twin_write_the_same_bytes(written, numbers) -> None:
    with running("python"):
        expected = frame(written, *numbers)
    with running("machine code"):
        assert frame(written, *numbers) == expected


@both_paths
@pytest.mark.parametrize("size", [0, 1, 3, 4, 7, 8, 4095, 4096, 4097, 3 * 4096 + 9, 100_003])
def test_every_length_class_survives(path: str, size: int) -> None:
    payload = np.random.default_rng(size).bytes(size)
    with running(path):
        buffer = records.frame_records([payload, b"x"], [1, 2], LSN, EPOCH)
        decoded = records.decode_records(buffer, 0, LSN, EPOCH, size + 1)
        assert buffer.startswith(records.frame_records([payload], [1], LSN, EPOCH))
    assert contents(buffer, decoded) == [(payload, 1), (b"x", 2)]


@both_paths
@given(written=RECORDS, skipped=st.integers(0, 12))
def test_an_arena_is_framed_like_a_list(path, written, skipped) -> None:
    arena = b"".join(p for p, _ in written)
    offsets = list(accumulate((len(p) for p, _ in written), initial=0))[skipped:] or [0]
    chosen = written[skipped:]
    with running(path):
        framed = records.frame_arena(arena, offsets, [k for _, k in chosen], LSN, EPOCH)
    assert framed.tobytes() == frame(chosen)
    assert framed.flags.writeable


@both_paths
@given(written=RECORDS, data=st.data())
def test_a_torn_tail_keeps_whole_records(path, written, data) -> None:
    buffer = frame(written)
    cut = data.draw(st.integers(0, len(buffer)))
    with running(path):
        decoded = read(buffer[:cut])
    whole = sum(end <= cut for end in ends(written)[1:])
    assert contents(buffer, decoded) == written[:whole]
    assert decoded.end_offset == ends(written)[whole]
    assert decoded.stop == (Stop.END if cut == decoded.end_offset else Stop.SHORT)


@both_paths
@given(written=RECORDS.filter(bool), data=st.data())
def test_a_flipped_bit_ends_the_log_there(path, written, data) -> None:
    buffer = bytearray(frame(written))
    bit = data.draw(st.integers(0, 8 * len(buffer) - 1))
    buffer[bit // 8] ^= 1 << bit % 8
    hit = sum(end <= bit // 8 for end in ends(written)[1:])
    with running(path):
        decoded = read(bytes(buffer))
    assert contents(bytes(buffer), decoded) == written[:hit]
    assert decoded.end_offset == ends(written)[hit]
    assert decoded.stop in (Stop.BAD_CRC, Stop.BAD_LENGTH, Stop.SHORT)


@needs_jit
@given(garbage=st.binary(max_size=400), written=RECORDS, at=st.integers(0, 60))
def test_both_paths_judge_garbage_alike(garbage, written, at) -> None:
    buffer = frame(written) + garbage
    offset = min(at, len(buffer))
    seen = []
    for path in ("python", "machine code"):
        with running(path):
            decoded = read(buffer, offset)
        seen.append((contents(buffer, decoded), decoded.end_offset, decoded.stop))
    assert seen[0] == seen[1]


@both_paths
@given(garbage=st.binary(max_size=300))
def test_garbage_is_never_a_record(path, garbage) -> None:
    with running(path):
        decoded = read(garbage)
    assert len(decoded) == 0
    assert decoded.end_offset == 0
    assert (decoded.stop == Stop.END) == (not garbage)


@both_paths
@pytest.mark.parametrize("length", [301, 5000, 5001, 0xFFFFFFFF])
def test_a_length_is_not_believed(path: str, length: int) -> None:
    buffer = bytearray(frame([(b"payload", 1)]))
    buffer[4:8] = length.to_bytes(4, "little")
    with running(path):
        assert read(bytes(buffer)).stop == (Stop.BAD_LENGTH if length > MAX else Stop.SHORT)


@both_paths
def test_records_of_another_place_or_life_are_told_apart(path: str) -> None:
    good = frame([(b"a", 1)])
    with running(path):
        later = read(good + frame([(b"b", 1)], LSN + 2))
        ghost = read(good + frame([(b"b", 1)], LSN + 1, EPOCH - 1))
        other = read(good + frame([(b"b", 1)], LSN + 2, EPOCH - 1))
    assert (later.stop, ghost.stop, other.stop) == (
        Stop.WRONG_LSN,
        Stop.WRONG_EPOCH,
        Stop.WRONG_EPOCH,
    )
    assert later.end_offset == ghost.end_offset == len(good)


@both_paths
def test_zeroes_behind_the_log_are_not_records(path: str) -> None:
    good = frame([(b"a", 1)])
    with running(path):
        assert read(good + bytes(4096)).stop == Stop.BAD_CRC


@needs_jit
def test_more_records_than_one_call_returns() -> None:
    count = records.DECODE_CHUNK + 5
    with running("machine code"):
        framed = records.frame_arena(b"", np.zeros(count + 1, np.int64), [3] * count, 1, 1)
        decoded = records.decode_records(framed, 0, 1, 1, 0)
    assert (len(decoded), decoded.stop) == (count, Stop.END)
    assert decoded.payload_offsets[-1] == decoded.end_offset == HEADER_BYTES * count


@both_paths
@pytest.mark.parametrize(
    ("payloads", "types", "lsn", "epoch", "words"),
    [
        ([b"a"], [], 1, 1, "as many types"),
        ([b"a"], [256], 1, 1, "from 0 to 255"),
        ([b"a"], [-1], 1, 1, "from 0 to 255"),
        ([b"a"], [1], -1, 1, "LSN -1"),
        ([b"a"], [1], 1 << 63, 1, "LSN"),
        ([b"a"], [1], 1, 1 << 32, "epoch"),
    ],
)
def test_what_does_not_fit_is_refused(path, payloads, types, lsn, epoch, words) -> None:
    with running(path), pytest.raises(InvalidInput, match=words):
        records.frame_records(payloads, types, lsn, epoch)


@both_paths
@pytest.mark.parametrize("offsets", [[0, 5], [3, 1], [-2, 1], [2, 9], [0, 1 << 62]])
def test_an_arena_is_not_left(path: str, offsets: list[int]) -> None:
    with running(path), pytest.raises(InvalidInput, match="not a stretch"):
        records.frame_arena(b"abcd", offsets, [1], 1, 1)


@both_paths
@pytest.mark.parametrize(("offset", "longest"), [(-1, 9), (5, 9), (0, -1), (0, 1 << 32)])
def test_decoding_from_nowhere_is_refused(path: str, offset: int, longest: int) -> None:
    with running(path), pytest.raises(InvalidInput, match=r"offset|max_length"):
        records.decode_records(b"abcd", offset, 1, 1, longest)


def test_the_result_is_shown_short() -> None:
    assert repr(read(frame([(b"a", 1)]))) == "<Decoded 1 records, end 25, stop END>"


def first_whole(buffer: bytes, start: int, due: int, types: set[int]) -> int | None:
    """What `find_record` has to find, one offset at a time."""
    for offset in range(start, len(buffer) - HEADER_BYTES + 1):
        lsn = int.from_bytes(buffer[offset + 8 : offset + 16], "little")
        kind = buffer[offset + 20]
        if due <= lsn < records.MAX_LSN and kind in types and read(buffer, offset, lsn).types.size:
            return offset
    return None


@both_paths
@given(
    pieces=st.lists(st.one_of(RECORDS, st.binary(max_size=40)), max_size=4),
    start=st.integers(0, 100),
    due=st.integers(LSN - 2, LSN + 5),
    types=st.sets(st.integers(0, 255), min_size=1),
    epoch=st.sampled_from([EPOCH, EPOCH, 1]),
)
def test_the_first_whole_record_is_found_among_anything(
    path, pieces, start, due, types, epoch
) -> None:
    buffer = b"".join(
        piece if isinstance(piece, bytes) else frame(piece, epoch=epoch) for piece in pieces
    )
    with running(path):
        found = records.find_record(buffer, start, due, EPOCH, MAX, types)
        assert found == first_whole(buffer, start, due, types)


@both_paths
def test_a_record_is_found_where_patterns_overlap(path: str) -> None:
    """Epoch 1 and type 1 look alike: the search must not step over the one for the other."""
    with running(path):
        for lead in range(30):
            buffer = (b"\1\0\0\0" * 8)[:lead] + frame([(b"x", 1)], lsn=1, epoch=1)
            assert records.find_record(buffer, 0, 1, 1, MAX, [1]) == lead


@both_paths
def test_finding_what_does_not_fit_is_refused(path: str) -> None:
    with running(path):
        for start, longest, types in ((-1, 1, [1]), (0, -1, [1]), (0, 1, []), (0, 1, [256])):
            with pytest.raises(InvalidInput):
                records.find_record(bytes(100), start, 1, 1, longest, types)
        assert records.find_record(b"", 5, 1, 1, 1, [1]) is None
