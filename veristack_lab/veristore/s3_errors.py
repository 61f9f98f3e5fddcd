"""Errors of the lab as S3 names them, and back (S3 API Reference, "Error responses")."""

from __future__ import annotations

from collections.abc import Iterator

from veristack_lab.errors import (
    BucketNotFound,
    ChecksumMismatch,
    DiskFull,
    InvalidInput,
    ObjectNotFound,
    StoreError,
    VeriStackError,
)

CODE_HEADER = "x-veristack-error"
"""Repeats the code where S3 gives none: in answers to HEAD, which have no body."""

_KNOWN: tuple[tuple[type[VeriStackError], str, int], ...] = (
    (BucketNotFound, "NoSuchBucket", 404),
    (ObjectNotFound, "NoSuchKey", 404),
    (InvalidInput, "InvalidArgument", 400),
    (ChecksumMismatch, "InternalError", 500),
    (DiskFull, "InsufficientStorage", 507),
    (StoreError, "ServiceUnavailable", 503),
)


class S3Error(Exception):
    """A refusal that only the HTTP face knows of."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def code_of(error: VeriStackError) -> tuple[str, int]:
    """S3's code and the HTTP status for an error."""
    return next(((code, status) for kind, code, status in _KNOWN if isinstance(error, kind)))


def error_of(code: str, message: str) -> VeriStackError:
    """The lab's error for a code of S3."""
    kinds: Iterator[type[VeriStackError]] = (kind for kind, known, _ in _KNOWN if known == code)
    if code == "BadDigest":
        return ChecksumMismatch(message)
    kind = next(kinds, StoreError)
    return kind(message if kind is not StoreError else f"{code}: {message}")
