"""The checksums of content that streams by.

MD5 and SHA-256 are always computed; further ones as a caller demands, by the names of
`ALGORITHMS`. MD5 alone is slower than a good disk, so the checksums of long content are
computed in threads of their own, one for each, beside the writing and above all the syncing.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Protocol, Self

from veristack_lab.errors import ChecksumMismatch, InvalidInput
from veristack_lab.kernels.crc32c import crc32c
from veristack_lab.kernels.crc64nvme import crc64nvme

Block = bytes | bytearray | memoryview

ASIDE_BYTES = 256 * 1024
"""Threads pay for content beyond this length."""
BEHIND_BYTES = 16 * 1024 * 1024
"""At most this far a checksum may lag behind: bounds the memory."""


class Hash(Protocol):
    """What `hashlib`'s objects do, and all that is needed here."""

    def update(self, data: Block, /) -> None:
        """Take more bytes in."""

    def digest(self) -> bytes:
        """The checksum of all bytes so far."""


class _Crc:
    """A CRC function of (data, value so far) in the shape of a hash."""

    def __init__(self, function: Callable[[Block, int], int], width_bytes: int) -> None:
        self._function = function
        self._width_bytes = width_bytes
        self._value = 0

    def update(self, data: Block, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width_bytes, "big")


ALGORITHMS: Mapping[str, Callable[[], Hash]] = {
    "md5": lambda: hashlib.md5(usedforsecurity=False),
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha256": hashlib.sha256,
    "crc32": lambda: _Crc(zlib.crc32, 4),
    "crc32c": lambda: _Crc(crc32c, 4),
    "crc64nvme": lambda: _Crc(crc64nvme, 8),
}
"""Name of each checksum and how to begin one. Digests are big-endian, as S3 writes them."""


class _Aside:
    """A hash that is computed in a thread of its own. For one writer."""

    def __init__(self, found: Hash, block_bytes: int) -> None:
        self._found = found
        self._blocks: queue.Queue[Block | None] = queue.Queue(BEHIND_BYTES // block_bytes + 1)
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="veristore-digest", daemon=True)
        self._thread.start()

    def update(self, data: Block, /) -> None:
        self._blocks.put(data)

    def digest(self) -> bytes:
        self.stop()
        if self._error is not None:
            raise self._error
        return self._found.digest()

    def stop(self) -> None:
        """Return when the thread has ended. Safe to call again."""
        if self._thread.is_alive():
            self._blocks.put(None)
            self._thread.join()

    def _run(self) -> None:
        while (block := self._blocks.get()) is not None:
            # after an error blocks are still taken, or the writer would wait for ever
            if self._error is None:
                try:
                    self._found.update(block)
                except Exception as error:  # noqa: BLE001 whatever it is, `digest` raises it
                    self._error = error


class Digests:
    """Checks content against what its sender says about it. A context manager.

    Blocks must not be changed after `update`: they may be looked at later.

    Args:
        expect: algorithm to lower-case hexadecimal. An empty value demands nothing, but has
            the checksum computed and kept. Values are looked at in `finish`, so a sender that
            knows them only at its end may fill them in while the content streams by.
        also: a further checksum to compute and keep; none if empty.

    Raises:
        InvalidInput: an unknown algorithm.
    """

    def __init__(self, expect: Mapping[str, str] | None = None, *, also: str = "") -> None:
        self._expect = expect or {}
        self._kept = dict.fromkeys([*self._expect, *([also] if also else [])])
        for name in self._kept:
            if name not in ALGORITHMS:
                raise InvalidInput(
                    f"{name!r:.40} is not a supported checksum; give one of "
                    f"{', '.join(sorted(ALGORITHMS))}"
                )
        names = {"md5": None, "sha256": None, **self._kept}
        self._hashes: dict[str, Hash] = {name: ALGORITHMS[name]() for name in names}
        self._aside: list[_Aside] = []
        self.size_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    def _stop(self) -> None:
        for aside in self._aside:
            aside.stop()

    def update(self, block: Block) -> None:
        """Take the next bytes in."""
        self.size_bytes += len(block)
        if self.size_bytes > ASIDE_BYTES and not self._aside:
            self._aside = [_Aside(found, len(block)) for found in self._hashes.values()]
            self._hashes = dict(zip(self._hashes, self._aside, strict=True))
        for found in self._hashes.values():
            found.update(block)

    def finish(self, what: str) -> None:
        """Compare with what was expected; `what` names the content in the error.

        Raises:
            ChecksumMismatch: a checksum differs.
        """
        self._stop()
        for name, wanted in self._expect.items():
            if wanted and wanted != self.hex(name):
                raise ChecksumMismatch(
                    f"{what} arrived with {name} {self.hex(name)}, and {wanted:.64} was "
                    "announced. Nothing was stored; send it again"
                )

    def hex(self, name: str) -> str:
        """A checksum of all bytes so far, in lower-case hexadecimal."""
        return self._hashes[name].digest().hex()

    @property
    def demanded(self) -> dict[str, str]:
        """The checksums that were asked for: algorithm to hexadecimal."""
        return {name: self.hex(name) for name in self._kept}


def composite(algorithm: str, parts: Sequence[str]) -> str:
    """The checksum over the parts' checksums, a dash, and their number, as S3 writes it."""
    found = ALGORITHMS[algorithm]()
    for part in parts:
        found.update(bytes.fromhex(part))
    return f"{found.digest().hex()}-{len(parts)}"
