"""Pages of a listing, with prefix and delimiter (S3 API Reference, ListObjectsV2).

The entries of a listing are the keys and, where a delimiter follows the prefix, the common
prefixes that stand for all keys that begin with them; all are in the byte order of UTF-8. A
page holds the first entries after `start_after`. The next entry is found by seeking in the
ordered store: keys under a common prefix are jumped over, whatever their number. So a page
costs what it shows, and keys that exist throughout are listed exactly once however many others
come and go between two pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from veristack_lab.errors import InvalidInput
from veristack_lab.veristore.objects.records import decode_info
from veristack_lab.veristore.objects.types import MAX_PAGE, ObjectInfo, Page, prefix_bytes, utf8

Scan = Callable[[bytes, bytes, int], Iterator[tuple[bytes, bytes]]]
"""Pairs with a prefix, from a key on, at most `limit`."""

_FIRST_FETCH = 4


@dataclass(frozen=True)
class PageRequest:
    """What to list."""

    prefix: bytes
    delimiter: bytes
    start_after: bytes
    max_keys: int


def page_request(prefix: str, delimiter: str, start_after: str, max_keys: int) -> PageRequest:
    """Check what was asked for.

    Raises:
        InvalidInput: a text is not Unicode, or `max_keys` is negative.
    """
    if max_keys < 0:
        raise InvalidInput(f"max_keys is {max_keys}; give 0 to {MAX_PAGE}")
    return PageRequest(
        prefix_bytes(prefix),
        utf8(delimiter, "delimiter"),
        utf8(start_after, "key to start after"),
        min(max_keys, MAX_PAGE),
    )


def list_page(scan: Scan, family: bytes, request: PageRequest) -> Page:
    """One page.

    Args:
        scan: reads the store.
        family: what the keys of all metadata records of the bucket begin with.
        request: what to list.
    """
    objects: list[ObjectInfo] = []
    prefixes: list[str] = []
    last = b""
    is_truncated = False
    for entry, record in _entries(scan, family, request):
        if len(objects) + len(prefixes) == request.max_keys:
            is_truncated = request.max_keys > 0
            break
        if record is None:
            prefixes.append(entry.decode())
        else:
            objects.append(decode_info(record))
        last = entry
    after = last.decode() if is_truncated else None
    return Page(tuple(objects), tuple(prefixes), after, is_truncated)


def _entries(
    scan: Scan, family: bytes, request: PageRequest
) -> Iterator[tuple[bytes, bytes | None]]:
    """Keys with their records, and common prefixes with None, in order, from the start on."""
    within = family + request.prefix
    cursor = family + _first_candidate(request)
    fetch = _FIRST_FETCH if request.delimiter else request.max_keys + 1
    while True:
        jump = b""
        count = 0
        for stored_key, record in scan(within, cursor, fetch):
            key = stored_key[len(family) :]
            folder = _common_prefix(key, request)
            if folder:
                yield folder, None
                jump = _after_all(family + folder)
                break
            yield key, record
            count += 1
            cursor = stored_key + b"\x00"
        if jump:
            cursor, fetch = jump, _FIRST_FETCH
        elif count < fetch:
            return
        else:
            # where no folder is met, fewer and larger steps
            fetch = min(2 * fetch, request.max_keys + 1)


def _first_candidate(request: PageRequest) -> bytes:
    if not request.start_after:
        return b""
    # An entry not above `start_after` is over, and with a common prefix all that it stands for.
    folder = _common_prefix(request.start_after, request)
    return _after_all(folder) if folder else request.start_after + b"\x00"


def _common_prefix(key: bytes, request: PageRequest) -> bytes:
    """The common prefix that stands for the key; empty if it stands for itself."""
    if not request.delimiter or not key.startswith(request.prefix):
        return b""
    at = key.find(request.delimiter, len(request.prefix))
    return b"" if at < 0 else key[: at + len(request.delimiter)]


def _after_all(prefix: bytes) -> bytes:
    """The least key above all that begin with the prefix. UTF-8 has no byte 0xFF to carry."""
    return prefix[:-1] + bytes([prefix[-1] + 1])
