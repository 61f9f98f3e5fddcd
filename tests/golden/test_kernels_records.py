"""The record format as it was first released. A change of these bytes needs a new version."""

from __future__ import annotations

import json

import numpy as np

from tests.kernel_paths import both_paths, running
from veristack_lab.kernels import records
from veristack_lab.runtime import paths

STORED = paths.data_file("golden/records-v1.bin").read_bytes()
MEANING = json.loads(paths.data_file("golden/records-v1.json").read_text())
ROWS = MEANING["records"]


@both_paths
def test_released_records_are_still_read(path: str) -> None:
    first, epoch = MEANING["first_lsn"], MEANING["epoch"]
    with running(path):
        decoded = records.decode_records(STORED, 0, first, epoch, 1 << 20)
    assert (decoded.end_offset, decoded.stop) == (len(STORED), records.Stop.END)
    assert decoded.types.tolist() == [row["type"] for row in ROWS]
    assert (decoded.payload_offsets - records.HEADER_BYTES).tolist() == [r["offset"] for r in ROWS]
    spans = np.stack([decoded.payload_offsets, decoded.payload_lengths], axis=1).tolist()
    assert [STORED[at : at + size].hex() for at, size in spans] == [r["payload_hex"] for r in ROWS]


@both_paths
def test_records_are_still_written_like_that(path: str) -> None:
    payloads = [bytes.fromhex(row["payload_hex"]) for row in ROWS]
    types = [row["type"] for row in ROWS]
    with running(path):
        framed = records.frame_records(payloads, types, MEANING["first_lsn"], MEANING["epoch"])
    assert framed == STORED
