"""What the checks of lab 02 know to be right: the golden log, the kernel, and a reader of logs."""

import json
import struct
from functools import lru_cache

from veristack_lab.kernels import records as kernel
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.labs import pictures
from veristack_lab.labs.checking import bad, show
from veristack_lab.runtime import paths

GOLDEN = paths.data_file("golden/records-v1.bin").read_bytes()
MEANING = json.loads(paths.data_file("golden/records-v1.json").read_text())
EPOCH, ROWS = MEANING["epoch"], MEANING["records"]
HEADER_BYTES = kernel.HEADER_BYTES
LONGEST = 1 << 20
PAYLOADS = [b"put a=1", b"", b"put b=22", b"delete a"]
KINDS = [1, 2, 1, 3]
SMALL = kernel.frame_records(PAYLOADS, KINDS, 10, 7)
"""Four records of epoch 7 from LSN 10 on."""
FIELDS = ("lsn", "epoch", "kind", "payload", "end")


def frames(payloads, first_lsn, epoch, kind=1):
    """The bytes of records, one after the other."""
    return kernel.frame_records(payloads, [kind] * len(payloads), first_lsn, epoch)


@lru_cache(maxsize=256)
def read(buffer, offset):
    """(lsn, epoch, kind, payload, end) of the record at an offset; None if there is none."""
    if len(buffer) - offset < HEADER_BYTES:
        return None
    crc, length, lsn, epoch, kind = struct.unpack_from("<IIQIB3x", buffer, offset)
    end = offset + HEADER_BYTES + length
    if length > LONGEST or end > len(buffer) or crc32c(buffer[offset + 4 : end]) != crc:
        return None
    return lsn, epoch, kind, buffer[offset + HEADER_BYTES : end], end


def recover(buffer, first_lsn=10, epoch=7):
    """The records that count, as `read` gives them, and where they end."""
    found, end = [], 0
    while (record := read(buffer, end)) and record[:2] == (first_lsn + len(found), epoch):
        found.append(record)
        end = record[4]
    return found, end


def payloads(content):
    """Payloads of the records that count in a file's content; None is a file that is not there."""
    return [record[3] for record in recover(content or b"")[0]]


def same_record(got, expected, picture=None):
    """The learner's record has these fields. Raises FirstBad about the last call."""
    for name, wanted in zip(FIELDS, expected, strict=True):
        if not hasattr(got, name):
            bad(f"a Record with the field {name}", show(got), picture=picture)
        found = getattr(got, name)
        if type(found) is not type(wanted) or found != wanted:
            bad(f"{name}={show(wanted)}", f"{name}={show(found)}", picture=picture)


def same_recovery(found, buffer, first_lsn=10, epoch=7):
    """The learner's (records, end) are those of this log. Raises FirstBad about the last call."""
    (got, got_end), (expected, end) = found, recover(buffer, first_lsn, epoch)
    picture = pictures.of_bytes("the log", buffer, [(end, end, "the end of what counts")])
    same_records(got, expected, picture)
    if got_end != end:
        bad(f"the end at {end}", show(got_end), picture=picture)


def same_records(got, expected, picture=None):
    """The learner's list of records holds these. Raises FirstBad about the last call."""
    if len(got) != len(expected):
        texts = [show([getattr(r, "payload", r) for r in got]), show([r[3] for r in expected])]
        bad(
            f"{len(expected)} records: {texts[1]}", f"{len(got)} records: {texts[0]}",
            picture=picture,
        )  # fmt: skip
    for record, wanted in zip(got, expected, strict=True):
        same_record(record, wanted, picture)
