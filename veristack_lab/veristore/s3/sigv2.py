"""Presigned URLs of Signature Version 2, which boto3 makes by default.

Only in a URL, and only of objects: version 2 leaves most parameters of a query unsigned, so a
signed listing of one prefix could be turned into one of another. Such a parameter is refused.
Requests signed with version 2 in a header are refused as well: no current client sends them.

Source: Amazon S3, "Signing and Authenticating REST Requests" (Signature Version 2), query
string authentication. Pure, like `sigv4`.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping

from veristack_lab.veristore.s3.claims import SignableRequest
from veristack_lab.veristore.s3.errors import S3Error

MARK = "AWSAccessKeyId"
"""The parameter that makes a URL one of version 2."""
PARAMETERS = frozenset({MARK, "Expires", "Signature"})

_SIGNED = frozenset(
    {
        *("acl", "cors", "defaultObjectAcl", "delete", "lifecycle", "location", "logging"),
        *("notification", "object-lock", "partNumber", "policy", "replication", "requestPayment"),
        *("restore", "select", "select-type", "storageClass", "tagging", "torrent", "uploadId"),
        *("uploads", "versionId", "versioning", "versions", "website", "accelerate", "analytics"),
        *("inventory", "metrics"),
        *(
            f"response-{name}"
            for name in (
                *("cache-control", "content-disposition", "content-encoding"),
                *("content-language", "content-type", "expires"),
            )
        ),
    }
)
"""The parameters that are part of the signature."""
AS_HEADERS = ("content-type", "content-md5")
"""Headers that such a URL has as parameters, besides those of `x-amz-`."""


def verify_presigned(
    request: SignableRequest, access_key: str, secret_key: str, now_s: float
) -> None:
    """Check the signature of a URL.

    Args:
        request: its headers include those that the URL has as parameters.
        access_key, secret_key: this server's keys.
        now_s: the time, in seconds since 1970.

    Raises:
        S3Error: AccessDenied (malformed, expired, or a parameter is not signed),
            InvalidAccessKeyId or SignatureDoesNotMatch.
    """
    _require_object(request)
    pairs = request.query_pairs()
    query = dict(reversed(pairs))  # if a parameter is given twice, the first counts
    missing = PARAMETERS - set(query)
    if missing:
        raise S3Error("AccessDenied", f"the parameter {min(missing)} is missing")
    expires = query["Expires"]
    if not (expires.isascii() and expires.isdecimal()) or len(expires) > 12:
        raise S3Error("AccessDenied", "Expires is a time in seconds since 1970")
    if not _equal(query[MARK], access_key):
        raise S3Error("InvalidAccessKeyId", "the access key is not the one of this server")
    if not _equal(query["Signature"], _signature(request, pairs, expires, secret_key)):
        raise S3Error(
            "SignatureDoesNotMatch",
            "the signature is not the one that this request and this server's secret key give",
        )
    if now_s > int(expires):
        raise S3Error("AccessDenied", "Request has expired")
    _require_signed(query)


def _require_object(request: SignableRequest) -> None:
    if not request.path.removeprefix(b"/").partition(b"/")[2]:
        raise S3Error(
            "AccessDenied",
            "a URL of Signature Version 2 names one object; with boto3, sign this one with "
            "Config(signature_version='s3v4')",
        )


def _require_signed(query: Mapping[str, str]) -> None:
    unsigned = {
        name
        for name in query
        if name not in _SIGNED | PARAMETERS
        and name.lower() not in AS_HEADERS
        and not name.lower().startswith("x-amz-")
    } - {"x-id"}
    if unsigned:
        raise S3Error(
            "AccessDenied",
            f"Signature Version 2 does not sign the parameter {min(unsigned)!r:.60}; with boto3, "
            "sign this URL with Config(signature_version='s3v4')",
        )


def _signature(
    request: SignableRequest, pairs: list[tuple[str, str]], expires: str, secret_key: str
) -> str:
    headers = request.headers
    amz = sorted(name for name in headers if name.startswith("x-amz-"))
    lines = [
        request.method,
        headers.get("content-md5", "").strip(),
        headers.get("content-type", "").strip(),
        expires,
        *(f"{name}:{headers[name].strip()}" for name in amz),
        _resource(request, pairs),
    ]
    text = "\n".join(lines).encode(errors="surrogateescape")
    return base64.b64encode(hmac.digest(secret_key.encode(), text, "sha1")).decode()


def _resource(request: SignableRequest, pairs: list[tuple[str, str]]) -> str:
    """The path as sent, and the signed parameters in order, decoded."""
    given = {name: value for name, value in reversed(pairs) if name in _SIGNED}
    query = "&".join(f"{name}={given[name]}" if given[name] else name for name in sorted(given))
    path = request.path.decode(errors="surrogateescape")
    return f"{path}?{query}" if query else path


def _equal(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(
        one.encode(errors="surrogateescape"), other.encode(errors="surrogateescape")
    )
