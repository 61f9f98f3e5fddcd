"""Which part of an object a read asks for with `partNumber`."""

from __future__ import annotations

from veristack_lab.veristore.objects.types import MAX_PARTS, ObjectInfo
from veristack_lab.veristore.s3.errors import S3Error
from veristack_lab.veristore.s3.request import S3Request


def selected_part(request: S3Request) -> int | None:
    """The number of the part that is asked for, or None.

    Raises:
        S3Error: InvalidArgument (not a number of a part) or InvalidRequest (a range as well).
    """
    text = request.query.get("partNumber")
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 5 and 1 <= int(text) <= MAX_PARTS):
        raise S3Error("InvalidArgument", f"partNumber is 1 to {MAX_PARTS}, not {text!r:.20}")
    if "range" in request.headers:
        raise S3Error("InvalidRequest", "give a Range or a partNumber, not both")
    return int(text)


def part_span(number: int, info: ObjectInfo, sizes: tuple[int, ...]) -> tuple[int, int] | None:
    """The bytes of a part: the first, and the one after the last. None for an object of no
    bytes, which is read as a whole.

    Args:
        number: from 1 on.
        info: the object.
        sizes: sizes of its parts; empty if it was not uploaded in parts: then part 1 is the whole
            object.

    Raises:
        S3Error: InvalidPartNumber (416), if it has fewer parts.
    """
    parts = sizes or (info.size_bytes,)
    if number > len(parts):
        raise S3Error(
            "InvalidPartNumber",
            "the requested part number is not satisfiable",
            details={"PartNumberRequested": str(number), "ActualPartCount": str(len(parts))},
        )
    start = sum(parts[: number - 1])
    return (start, start + parts[number - 1]) if info.size_bytes else None
