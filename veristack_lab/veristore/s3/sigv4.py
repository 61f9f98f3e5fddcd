"""Signature Version 4, verified (S3 API Reference, "Authenticating Requests (AWS SigV4)").

Pure: a request's facts, the credentials and the time go in; out comes what the client proved,
or an `S3Error` with S3's code. Any region is taken: a server on loopback has none.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from veristack_lab.veristore.s3.claims import (
    ALGORITHM,
    Claim,
    Scope,
    SignableRequest,
    claim_of,
    hmac_sha256,
)
from veristack_lab.veristore.s3.errors import S3Error

MAX_SKEW_S = 15 * 60
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

_TIME_FORMAT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True)
class Credentials:
    """The one pair of keys that a server knows."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class Signed:
    """A request whose signature was right."""

    signature: str
    scope: Scope
    key: bytes = field(repr=False)

    def of_chunk(self, previous: str, sha256: str) -> str:
        """The signature of one chunk of a body, after that of the chunk (or request) before."""
        lines = (f"{ALGORITHM}-PAYLOAD", self.scope.timestamp, self.scope.text, previous)
        return hmac_sha256(self.key, "\n".join((*lines, EMPTY_SHA256, sha256))).hex()

    def of_trailer(self, previous: str, sha256: str) -> str:
        """The signature of the trailing headers, after that of the last chunk."""
        lines = (f"{ALGORITHM}-TRAILER", self.scope.timestamp, self.scope.text, previous)
        return hmac_sha256(self.key, "\n".join((*lines, sha256))).hex()


def verify(request: SignableRequest, credentials: Credentials, now_s: float) -> Signed:
    """Check a request's signature, in its header or its query.

    Raises:
        S3Error: AccessDenied (not signed, or expired), InvalidAccessKeyId,
            RequestTimeTooSkewed, SignatureDoesNotMatch, or that the claim is malformed.
    """
    query = request.query_pairs()
    claim = claim_of(request, dict(query))
    if not _equal(claim.access_key, credentials.access_key):
        raise S3Error("InvalidAccessKeyId", "the access key is not the one of this server")
    _check_time(claim, now_s)
    _check_signed_headers(request, claim)
    key = claim.scope.key(credentials.secret_key)
    expected = hmac_sha256(key, _string_to_sign(request, query, claim)).hex()
    if not _equal(claim.signature, expected):
        raise S3Error(
            "SignatureDoesNotMatch",
            "the signature is not the one that this request and this server's secret key give",
        )
    return Signed(expected, claim.scope, key)


# ------------------------------------------------------------------------ checks


def _check_time(claim: Claim, now_s: float) -> None:
    try:
        signed_s = calendar.timegm(time.strptime(claim.scope.timestamp, _TIME_FORMAT))
    except ValueError:
        raise S3Error("AccessDenied", "X-Amz-Date is not a valid timestamp") from None
    is_early = signed_s > now_s + MAX_SKEW_S
    is_late = claim.expires_s is None and signed_s < now_s - MAX_SKEW_S
    if is_early or is_late:
        raise S3Error(
            "RequestTimeTooSkewed",
            "the time of the request and the server's are more than 15 minutes apart",
            details={
                "RequestTime": claim.scope.timestamp,
                "ServerTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_s)),
                "MaxAllowedSkewMilliseconds": str(MAX_SKEW_S * 1000),
            },
        )
    if claim.expires_s is not None and now_s > signed_s + claim.expires_s:
        raise S3Error("AccessDenied", "Request has expired")


def _check_signed_headers(request: SignableRequest, claim: Claim) -> None:
    """Headers that steer the request must be signed, or an attacker in between could change
    them."""
    needed = {"host", *(name for name in request.headers if name.startswith("x-amz-"))}
    if claim.expires_s is not None:
        needed.discard("x-amz-content-sha256")
    unsigned = needed - set(claim.signed_headers)
    if unsigned:
        raise S3Error(
            "AccessDenied",
            "there were headers present in the request which were not signed",
            details={"HeadersNotSigned": ", ".join(sorted(unsigned))},
        )


# ------------------------------------------------------------------------ canonical form


def _string_to_sign(
    request: SignableRequest, query: Sequence[tuple[str, str]], claim: Claim
) -> str:
    canonical = "\n".join(
        (
            request.method,
            quote(unquote_to_bytes(request.path), safe="/"),
            _canonical_query(query),
            *(
                f"{name}:{' '.join(request.headers.get(name, '').split())}"
                for name in claim.signed_headers
            ),
            "",
            ";".join(claim.signed_headers),
            claim.payload,
        )
    )
    digest = hashlib.sha256(canonical.encode(errors="surrogateescape")).hexdigest()
    return "\n".join((ALGORITHM, claim.scope.timestamp, claim.scope.text, digest))


def _canonical_query(query: Sequence[tuple[str, str]]) -> str:
    encoded = sorted(
        (_encoded(name), _encoded(value)) for name, value in query if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encoded(text: str) -> str:
    return quote(text.encode(errors="surrogateescape"), safe="")


def _equal(one: str, other: str) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(
        one.encode(errors="surrogateescape"), other.encode(errors="surrogateescape")
    )
