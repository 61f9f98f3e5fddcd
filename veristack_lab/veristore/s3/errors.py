"""S3's error codes (S3 API Reference, "List of error codes"), and the lab's errors in them."""

from __future__ import annotations

from collections.abc import Mapping

from veristack_lab import errors
from veristack_lab.errors import StoreError, VeriStackError

KIND_HEADER = "x-veristack-error"
"""Names the lab's error, which S3's codes do not tell apart, and which HEAD has no body for."""

_STATUS = {
    "AccessDenied": 403,
    "AuthorizationHeaderMalformed": 400,
    "AuthorizationQueryParametersError": 400,
    "BadDigest": 400,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "EntityTooLarge": 400,
    "EntityTooSmall": 400,
    "IncompleteBody": 400,
    "InsufficientStorage": 507,
    "InternalError": 500,
    "InvalidAccessKeyId": 403,
    "InvalidArgument": 400,
    "InvalidBucketName": 400,
    "InvalidChunkSizeError": 403,
    "InvalidDigest": 400,
    "InvalidPart": 400,
    "InvalidPartNumber": 416,
    "InvalidPartOrder": 400,
    "InvalidRange": 416,
    "InvalidRequest": 400,
    "InvalidURI": 400,
    "KeyTooLongError": 400,
    "MalformedTrailerError": 400,
    "MalformedXML": 400,
    "MetadataTooLarge": 400,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NoSuchBucket": 404,
    "NoSuchBucketPolicy": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchConfiguration": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NoSuchWebsiteConfiguration": 404,
    "NotImplemented": 501,
    "ObjectLockConfigurationNotFoundError": 404,
    "PreconditionFailed": 412,
    "ReplicationConfigurationNotFoundError": 404,
    "RequestHeaderSectionTooLarge": 400,
    "RequestTimeTooSkewed": 403,
    "ServerSideEncryptionConfigurationNotFoundError": 404,
    "ServiceUnavailable": 503,
    "SignatureDoesNotMatch": 403,
    "XAmzContentSHA256Mismatch": 400,
}

_KNOWN: tuple[tuple[type[VeriStackError], str], ...] = (
    (errors.BucketNotFound, "NoSuchBucket"),
    (errors.BucketNotEmpty, "BucketNotEmpty"),
    (errors.ObjectNotFound, "NoSuchKey"),
    (errors.PreconditionFailed, "PreconditionFailed"),
    (errors.RangeNotSatisfiable, "InvalidRange"),
    (errors.UploadNotFound, "NoSuchUpload"),
    (errors.InvalidPart, "InvalidPart"),
    (errors.InvalidPartOrder, "InvalidPartOrder"),
    (errors.PartTooSmall, "EntityTooSmall"),
    (errors.InvalidInput, "InvalidArgument"),
    (errors.ChecksumMismatch, "InternalError"),
    (errors.DiskFull, "InsufficientStorage"),
    (errors.StoreFailed, "ServiceUnavailable"),
    (errors.StoreClosed, "ServiceUnavailable"),
    (StoreError, "InternalError"),
    (VeriStackError, "InternalError"),
)


class S3Error(Exception):
    """A refusal in S3's words.

    Args:
        code: one of S3's codes; it decides the HTTP status.
        message: what happened and what to do.
        details: further elements of the XML answer.
        headers: headers of the answer.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.status = _STATUS[code]
        self.details = dict(details or {})
        self.headers = dict(headers or {})


def not_implemented(what: str) -> S3Error:
    """The refusal of a feature that S3 has and this server lacks, by its name."""
    return S3Error("NotImplemented", f"{what} is not implemented by this server")


def refusal_of(error: VeriStackError) -> S3Error:
    """An error of the lab in S3's words."""
    code = next(code for kind, code in _KNOWN if isinstance(error, kind))
    return S3Error(code, str(error), headers={KIND_HEADER: type(error).__name__})


def error_of(kind_name: str, code: str, message: str) -> VeriStackError:
    """The lab's error for what an answer of the HTTP face says."""
    if code == "BadDigest":
        return errors.ChecksumMismatch(message)
    kind = next((kind for kind, _ in _KNOWN if kind.__name__ == kind_name), None)
    return StoreError(f"{code}: {message}") if kind is None else kind(message)
