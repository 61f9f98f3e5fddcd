"""The purpose of each field of a segment, in a sentence or two."""

from __future__ import annotations

WORDS = {
    "magic": "Says what kind of file this is. Another kind of file is refused, not misread.",
    "version": "Version of the format. A store refuses what is newer than itself.",
    "header length": "Where the first record begins.",
    "first LSN": "Log sequence number of the first record. A lost or doubled segment would show "
    "here, because it does not go on where the one before it ended.",
    "damaged from": "0, or the epoch from which on older segments were put aside as evidence of "
    "damage when this one was made.",
    "epoch": "Number of this segment, repeated in each of its records: bytes of an older file "
    "that stood in the same place on the disk cannot pass for records of this one.",
    "zero": "Always zero. Room for what a later version may need.",
    "crc32c": "Checksum of everything behind it in the record, the length included. Bytes that "
    "are not those that were written do not fit it.",
    "header crc32c": "Checksum of the header before it.",
    "length": "Bytes of payload: where the next record begins. It is believed only once the "
    "checksum fits.",
    "LSN": "Log sequence number: records count up by one, so a record that was lost, doubled or "
    "misplaced is noticed.",
    "type": "What the payload means. The highest bit, 0x80, says that this is the first record "
    "of its group: all before it was durable when it was written, which tells a torn tail from "
    "damage.",
    "key length": "Bytes of the key that follows. In a table of pairs: of every key, or 4294967295 "
    "if they differ.",
    "value length": "Bytes of the value that follows the key. In a table of pairs: of every value, "
    "or 4294967295 if they differ.",
    "count": "How many pairs the table holds.",
    "key lengths": "Bytes of each key, one after the other, because they differ.",
    "value lengths": "Bytes of each value, one after the other, because they differ.",
    "key": "The key, as it was given.",
    "value": "The value, as it was given; it reaches to the end of its change.",
    "operation": "What this change of the batch does. All changes of a record happen or none.",
    "payload": "What the record carries.",
    "torn tail": "What remains of a last write. No later group begins after it, so no client was "
    "ever told OK for it; opening the store cuts it off.",
    "reserved": "Zeros up to the end of the file: room for records to come, so that writing them "
    "makes the file no longer. Closing the store gives it back.",
    "damage": "Here a record is due and the bytes are not one, yet later records prove that it "
    "had been durable. What recovery does with it depends on its mode.",
}
"""Words by the name of a field. A name that is missing here is explained by `words_for`."""

STATUS_WORDS = {
    "whole": "whole: its checksum fits",
    "dead": "dead: its bytes do not fit its checksum",
    "behind": "whole, but behind damage: only skip-any-corrupted returns it",
    "cut": "lost with its group: nothing proves that it was ever durable",
}


def words_for(name: str) -> str:
    """The words of a field; of one unknown here, at least what kind of thing it is."""
    return WORDS.get(name, "A part of the payload.")
