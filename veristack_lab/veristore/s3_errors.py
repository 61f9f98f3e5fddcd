"""Errors of the lab as S3 names them, and back (S3 API Reference, "Error responses")."""

from __future__ import annotations

from veristack_lab.errors import (
    BucketNotFound,
    ChecksumMismatch,
    DiskFull,
    InvalidInput,
    ObjectNotFound,
    StoreClosed,
    StoreError,
    StoreFailed,
    VeriStackError,
)

KIND_HEADER = "x-veristack-error"
"""Names the lab's error, which S3's codes do not tell apart, and which HEAD has no body for."""

_KNOWN: tuple[tuple[type[VeriStackError], str, int], ...] = (
    (BucketNotFound, "NoSuchBucket", 404),
    (ObjectNotFound, "NoSuchKey", 404),
    (InvalidInput, "InvalidArgument", 400),
    (ChecksumMismatch, "InternalError", 500),
    (DiskFull, "InsufficientStorage", 507),
    (StoreFailed, "ServiceUnavailable", 503),
    (StoreClosed, "ServiceUnavailable", 503),
    (StoreError, "InternalError", 500),
    (VeriStackError, "InternalError", 500),
)
_BY_NAME = {kind.__name__: kind for kind, _, _ in _KNOWN}


class S3Error(Exception):
    """A refusal that only the HTTP face knows of."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def code_of(error: VeriStackError) -> tuple[str, int]:
    """S3's code and the HTTP status for an error."""
    return next((code, status) for kind, code, status in _KNOWN if isinstance(error, kind))


def error_of(kind_name: str, code: str, message: str) -> VeriStackError:
    """The lab's error for what an answer of the HTTP face says."""
    if code == "BadDigest":
        return ChecksumMismatch(message)
    kind = _BY_NAME.get(kind_name)
    return StoreError(f"{code}: {message}") if kind is None else kind(message)
