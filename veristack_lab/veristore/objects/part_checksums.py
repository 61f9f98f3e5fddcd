"""The checksum of an object that was uploaded in parts, computed from those of its parts.

Two kinds (S3 User Guide, "Checking object integrity for multipart uploads"). COMPOSITE is the
checksum over the parts' checksums, with a dash and their number. FULL_OBJECT is the checksum of
the content itself: only a CRC can be had of it without reading the content once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from veristack_lab.errors import ChecksumMismatch, InvalidInput
from veristack_lab.kernels.crc_combine import CRC32, CRC32C, CRC64NVME, CrcField
from veristack_lab.veristore.objects.digests import ALGORITHMS, composite
from veristack_lab.veristore.objects.types import ObjectInfo, PartInfo, UploadInfo

COMPOSITE = "COMPOSITE"
FULL_OBJECT = "FULL_OBJECT"
FIELDS: Mapping[str, CrcField] = {"crc32": CRC32, "crc32c": CRC32C, "crc64nvme": CRC64NVME}
"""What can be combined."""
KINDS: Mapping[str, tuple[str, ...]] = {
    "crc32": (COMPOSITE, FULL_OBJECT),
    "crc32c": (COMPOSITE, FULL_OBJECT),
    "crc64nvme": (FULL_OBJECT,),
    "sha1": (COMPOSITE,),
    "sha256": (COMPOSITE,),
}
"""The kinds that S3 has of each algorithm, its default first."""


def check_choice(algorithm: str, kind: str) -> tuple[str, str]:
    """The algorithm and the kind of an upload's checksum, the kind's default filled in.

    Raises:
        InvalidInput: there is no such algorithm or kind, or no such kind of that algorithm.
    """
    if not algorithm:
        if kind:
            raise InvalidInput("a kind of checksum needs its algorithm; name that too")
        return "", ""
    if algorithm not in KINDS:
        raise InvalidInput(f"{algorithm!r:.40} is not a checksum of parts; give {', '.join(KINDS)}")
    found = kind or KINDS[algorithm][0]
    if found not in KINDS[algorithm]:
        raise InvalidInput(
            f"the {found:.20} checksum type cannot be used with the {algorithm} checksum "
            f"algorithm; it has {' and '.join(KINDS[algorithm])}"
        )
    return algorithm, found


def combined(algorithm: str, kind: str, parts: Sequence[PartInfo]) -> str:
    """The object's checksum from those of its parts, each of which has this one."""
    digests = [part.checksums[algorithm] for part in parts]
    if kind != FULL_OBJECT:
        return composite(algorithm, digests)
    sizes = [part.size_bytes for part in parts]
    crcs = (int(digest, 16) for digest in digests)
    found = FIELDS[algorithm].combine_all(zip(crcs, sizes, strict=True))
    return found.to_bytes(len(ALGORITHMS[algorithm]().digest()), "big").hex()


def checksums_of(algorithm: str, kind: str, parts: Sequence[PartInfo]) -> dict[str, str]:
    """What is known of the object that these parts become: the upload's checksum, and without
    one a composite of each that all parts have.

    Raises:
        InvalidInput: a part has not the checksum, which was named only at the completion.
    """
    if algorithm:
        for part in parts:
            if algorithm not in part.checksums:
                raise InvalidInput(
                    f"the {algorithm} of part {part.number} is not known; begin the upload with "
                    "this checksum algorithm"
                )
        return {algorithm: combined(algorithm, kind, parts)}
    shared = set(parts[0].checksums).intersection(*(part.checksums for part in parts))
    return {name: combined(name, COMPOSITE, parts) for name in sorted(shared - {"md5"})}


@dataclass(frozen=True)
class Demand:
    """What the sender of an object in parts announced for the whole of it."""

    checksums: Mapping[str, str]
    """Algorithm to hexadecimal; a composite one with or without its number of parts."""
    kind: str = ""
    """The kind of these checksums."""
    size_bytes: int | None = None

    def agreed(self, upload: UploadInfo) -> UploadInfo:
        """The upload with its checksum; of one without a checksum, with the announced one.

        Raises:
            InvalidInput: the upload has another algorithm, or another kind of checksum.
        """
        if len(self.checksums) > 1:
            raise InvalidInput("an object in parts has one checksum; announce only that")
        for name in self.checksums:
            if upload.checksum not in ("", name):
                raise InvalidInput(
                    f"this upload was begun with the checksum {upload.checksum}, not {name}"
                )
        if upload.checksum:
            if self.kind not in ("", upload.checksum_type):
                raise InvalidInput(
                    f"the checksum of this upload is {upload.checksum_type}, not {self.kind:.20}"
                )
            return upload
        algorithm, kind = check_choice(next(iter(self.checksums), ""), self.kind)
        return replace(upload, checksum=algorithm, checksum_type=kind)

    def check(self, info: ObjectInfo) -> None:
        """Hold the object to it.

        Raises:
            InvalidInput: the object has another size.
            ChecksumMismatch: it has another checksum.
        """
        what = f"{info.bucket}/{info.key}"
        if self.size_bytes not in (None, info.size_bytes):
            raise InvalidInput(
                f"the parts of {what} have {info.size_bytes:,} bytes together, and "
                f"{self.size_bytes:,} were announced"
            )
        for name, wanted in self.checksums.items():
            known = info.checksums.get(name, "unknown")
            if wanted not in (known, known.partition("-")[0]):
                raise ChecksumMismatch(
                    f"{what} has {name} {known}, and {wanted:.80} was announced. Nothing was "
                    "changed"
                )
