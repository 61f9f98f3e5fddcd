"""Laws of the pure parts of the S3 face."""

from __future__ import annotations

import hashlib
import zlib
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from veristack_lab.veristore.s3.body import BodyDecoder
from veristack_lab.veristore.s3.checksums import header_value
from veristack_lab.veristore.s3.chunked import ChunkedDecoder
from veristack_lab.veristore.s3.claims import Scope
from veristack_lab.veristore.s3.conditions import Verdict, judge_read
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.headers import http_date
from veristack_lab.veristore.s3.range import parse_range
from veristack_lab.veristore.s3.sigv4 import Signed
from veristack_lab.veristore.s3.xml import document, parse

SIGNED = Signed("0" * 64, Scope("20130524T000000Z", "us-east-1", "s3"), b"k" * 32)
CHUNKS = st.lists(st.binary(min_size=1, max_size=30), max_size=5)


def encoded(chunks: list[bytes], *, is_signed: bool, trailer: dict[str, str] | None) -> bytes:
    """What a client sends: written here a second time, from the reference."""
    wire, previous = b"", SIGNED.signature
    for chunk in [*chunks, b""]:
        head = b"%x" % len(chunk)
        if is_signed:
            previous = SIGNED.of_chunk(previous, hashlib.sha256(chunk).hexdigest())
            head += b";chunk-signature=" + previous.encode()
        wire += head + b"\r\n" + (chunk + b"\r\n" if chunk else b"")
    if trailer:
        lines = "".join(f"{name}:{value}\n" for name, value in trailer.items())
        wire += lines.replace("\n", "\r\n").encode()
        if is_signed:
            digest = hashlib.sha256(lines.encode()).hexdigest()
            wire += f"x-amz-trailer-signature:{SIGNED.of_trailer(previous, digest)}\r\n".encode()
    return wire + b"\r\n"


def cut(wire: bytes, places: list[int]) -> list[bytes]:
    ends = sorted(place % (len(wire) + 1) for place in places)
    return [wire[a:b] for a, b in zip([0, *ends], [*ends, len(wire)], strict=True)]


@given(
    chunks=CHUNKS,
    is_signed=st.booleans(),
    trailer=st.none() | st.just({"x-amz-checksum-crc32": "AAAAAA=="}),
    places=st.lists(st.integers(0, 10_000), max_size=12),
)
def test_chunks_may_arrive_cut_anywhere(
    chunks: list[bytes], is_signed: bool, trailer: dict[str, str] | None, places: list[int]
) -> None:
    wire = encoded(chunks, is_signed=is_signed, trailer=trailer)
    decoder = ChunkedDecoder(is_signed=is_signed, has_trailer=trailer is not None, signed=SIGNED)
    content = b"".join(b"".join(decoder.feed(piece)) for piece in cut(wire, places))
    decoder.finish()
    assert content == b"".join(chunks)
    assert decoder.trailers == (trailer or {})


@given(chunks=CHUNKS, is_signed=st.booleans(), data=st.data())
def test_less_than_all_chunks_is_refused(
    chunks: list[bytes], is_signed: bool, data: st.DataObject
) -> None:
    wire = encoded(chunks, is_signed=is_signed, trailer=None)
    end = data.draw(st.integers(0, len(wire) - 1))
    decoder = ChunkedDecoder(is_signed=is_signed, has_trailer=False, signed=SIGNED)
    assert b"".join(chunks).startswith(b"".join(decoder.feed(wire[:end])))
    with pytest.raises(S3Error, match="middle"):
        decoder.finish()


@given(
    chunks=CHUNKS.filter(bool),
    is_trailed=st.booleans(),
    place=st.integers(0),
    bit=st.integers(0, 7),
)
def test_no_changed_bit_passes_a_signature(
    chunks: list[bytes], is_trailed: bool, place: int, bit: int
) -> None:
    trailer = {"x-amz-checksum-crc32": "AAAAAA=="} if is_trailed else None
    wire = bytearray(encoded(chunks, is_signed=True, trailer=trailer))
    wire[place % len(wire)] ^= 1 << bit
    decoder = ChunkedDecoder(is_signed=True, has_trailer=is_trailed, signed=SIGNED)
    try:
        content = b"".join(decoder.feed(bytes(wire)))
        decoder.finish()
    except S3Error:
        return
    # what passes is another spelling of the same: a hexadecimal digit's case, a bare line feed
    assert content == b"".join(chunks)
    assert decoder.trailers == (trailer or {})


@given(st.binary(max_size=200), st.booleans(), st.booleans())
def test_noise_is_refused_in_s3s_words(noise: bytes, is_signed: bool, has_trailer: bool) -> None:
    decoder = ChunkedDecoder(is_signed=is_signed, has_trailer=has_trailer, signed=SIGNED)
    try:
        content = b"".join(decoder.feed(noise))
        decoder.finish()
    except S3Error:
        return
    assert len(content) < len(noise)


@given(chunks=CHUNKS, places=st.lists(st.integers(0, 1000), max_size=4), spoil=st.booleans())
def test_a_body_is_held_to_its_trailer(chunks: list[bytes], places: list[int], spoil: bool) -> None:
    content = b"".join(chunks)
    digest = f"{zlib.crc32(content) ^ spoil:08x}"
    wire = encoded(chunks, is_signed=False, trailer={"x-amz-checksum-crc32": header_value(digest)})
    headers = {
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        "x-amz-decoded-content-length": str(len(content)),
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    decoder = BodyDecoder(headers, None)
    found = b"".join(b"".join(decoder.feed(piece)) for piece in cut(wire, places))
    decoder.finish()
    assert found == content
    assert decoder.expected == {"crc32": digest}  # what the store compares with


@given(content=st.binary(max_size=20), announced=st.integers(0, 20), is_hashed=st.booleans())
def test_a_body_is_held_to_its_length_and_hash(
    content: bytes, announced: int, is_hashed: bool
) -> None:
    headers = {"content-length": str(announced)}
    if is_hashed:
        headers["x-amz-content-sha256"] = hashlib.sha256(content).hexdigest()
    decoder = BodyDecoder(headers, None)

    def read() -> bytes:
        found = b"".join(decoder.feed(content))
        decoder.finish()
        return found

    if announced == len(content):
        assert read() == content
    else:
        with pytest.raises(S3Error, match="announced"):
            read()


@given(
    size=st.integers(0, 12),
    first=st.none() | st.integers(0, 15),
    last=st.none() | st.integers(0, 15),
)
def test_ranges_select_what_the_rfc_says(size: int, first: int | None, last: int | None) -> None:
    content = list(range(size))
    if first is None:
        wanted = content[-last:] if last else []
    else:
        wanted = [n for n in content if n >= first and (last is None or n <= last)]
    is_range = not (first is None and last is None)
    is_range &= first is None or last is None or first <= last
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if not is_range:
        assert parse_range(text, size) is None
    elif not wanted:
        with pytest.raises(S3Error, match="no byte"):
            parse_range(text, size)
    else:
        assert parse_range(text, size) == (wanted[0], wanted[-1] + 1)


@given(st.text(max_size=12))
def test_other_ranges_are_ignored(text: str) -> None:
    assume("-" not in text)
    assert parse_range(text, 10) is None
    assert parse_range(f"bytes={text}", 10) is None


DAY_MS = 24 * 3600 * 1000
DATES: st.SearchStrategy[Any] = st.none() | st.sampled_from((-1, 0, 1))
TAGS: st.SearchStrategy[Any] = st.none() | st.sampled_from(
    ('"e"', '"x"', "*", '"x", "e"', 'W/"e"', "e")
)


@given(match=TAGS, none_match=TAGS, modified=DATES, unmodified=DATES)
def test_conditions_in_the_order_of_the_rfc(
    match: str | None, none_match: str | None, modified: int | None, unmodified: int | None
) -> None:
    now_ms = 20_000 * DAY_MS + 999
    tags = {"if-match": match, "if-none-match": none_match}
    headers = {name: tag for name, tag in tags.items() if tag is not None}
    for name, days in (("if-modified-since", modified), ("if-unmodified-since", unmodified)):
        if days is not None:
            headers[name] = http_date(now_ms + days * DAY_MS)
    # the steps of RFC 9110, 13.2.2
    if match is None:
        fails = unmodified is not None and unmodified < 0
    else:
        fails = match not in ('"e"', "*", '"x", "e"', "e")
    if fails:
        wanted = Verdict.FAILED
    elif none_match is not None:
        wanted = Verdict.GO_ON if none_match == '"x"' else Verdict.NOT_MODIFIED
    elif modified is not None and modified >= 0:
        wanted = Verdict.NOT_MODIFIED
    else:
        wanted = Verdict.GO_ON
    assert judge_read(headers, "e", now_ms) is wanted


@given(st.text(max_size=30))
def test_text_goes_through_xml(text: str) -> None:
    found = parse(document("Error", [("Code", text)]), "Error").findtext("Code", "")
    assert len(found) == len(text)
    for there, back in zip(text, found, strict=True):
        assert back in (there, "\ufffd")
        if there.isprintable() or there in "\t\n\r":
            assert back == there


@given(st.binary(max_size=60))
def test_noise_is_no_document(noise: bytes) -> None:
    with pytest.raises(S3Error):
        parse(noise, "Delete")


def test_entities_are_not_expanded() -> None:
    bomb = b'<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><Delete>&b;</Delete>'
    for body in (bomb, b'<!DOCTYPE Delete SYSTEM "file:///etc/passwd"><Delete/>'):
        with pytest.raises(S3Error, match="document type"):
            parse(body, "Delete")
