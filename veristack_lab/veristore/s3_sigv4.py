"""Signature Version 4, verified (S3 API Reference, "Authenticating Requests (AWS SigV4)").

Pure: a request's facts, the credentials and the time go in; out comes what the client proved,
or an `S3Error` with S3's code. Any region is taken: a server on loopback has none.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, unquote_to_bytes

from veristack_lab.veristore.s3_errors import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
MAX_SKEW_S = 15 * 60
MAX_EXPIRES_S = 7 * 24 * 3600
EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()

_FIELDS = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*")
_TIME_FORMAT = "%Y%m%dT%H%M%SZ"
_TIME = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


@dataclass(frozen=True)
class Credentials:
    """The one pair of keys that a server knows."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True)
class SignableRequest:
    """What of a request is signed."""

    method: str
    path: bytes
    """As sent, percent-encoded, without the query."""
    query: bytes
    """As sent, without the question mark."""
    headers: Mapping[str, str]
    """Names in lower case; values of equal names joined by commas."""

    def query_pairs(self) -> list[tuple[str, str]]:
        """Names and values of the query, decoded; bytes that are not UTF-8 as surrogates."""
        pairs = []
        for part in self.query.replace(b"+", b" ").split(b"&"):
            if part:
                name, _, value = part.partition(b"=")
                pairs.append((_decoded(name), _decoded(value)))
        return pairs


@dataclass(frozen=True)
class Scope:
    """When and for what a signing key is good."""

    timestamp: str
    """YYYYMMDDTHHMMSSZ."""
    region: str
    service: str

    @property
    def text(self) -> str:
        """As it stands in the string to sign."""
        return f"{self.timestamp[:8]}/{self.region}/{self.service}/aws4_request"

    def key(self, secret: str) -> bytes:
        """The signing key."""
        key = f"AWS4{secret}".encode()
        for part in (self.timestamp[:8], self.region, self.service, "aws4_request"):
            key = _hmac(key, part)
        return key


@dataclass(frozen=True)
class Signed:
    """A request whose signature was right."""

    signature: str
    scope: Scope
    key: bytes = field(repr=False)

    def of_chunk(self, previous: str, sha256: str) -> str:
        """The signature of one chunk of a body, after that of the chunk (or request) before."""
        lines = (f"{ALGORITHM}-PAYLOAD", self.scope.timestamp, self.scope.text, previous)
        return _hmac(self.key, "\n".join((*lines, EMPTY_SHA256, sha256))).hex()

    def of_trailer(self, previous: str, sha256: str) -> str:
        """The signature of the trailing headers, after that of the last chunk."""
        lines = (f"{ALGORITHM}-TRAILER", self.scope.timestamp, self.scope.text, previous)
        return _hmac(self.key, "\n".join((*lines, sha256))).hex()


@dataclass(frozen=True)
class _Claim:
    """What a request says about its signature."""

    access_key: str
    scope: Scope
    signed_headers: Sequence[str]
    signature: str
    payload: str
    expires_s: int | None = None


def verify(request: SignableRequest, credentials: Credentials, now_s: float) -> Signed:
    """Check a request's signature, in its header or its query.

    Raises:
        S3Error: AccessDenied (not signed, or expired), InvalidAccessKeyId,
            RequestTimeTooSkewed, SignatureDoesNotMatch, or that the claim is malformed.
    """
    query = request.query_pairs()
    claim = _claim(request, dict(query))
    if not _equal(claim.access_key, credentials.access_key):
        raise S3Error("InvalidAccessKeyId", "the access key is not the one of this server")
    _check_time(claim, now_s)
    _check_signed_headers(request, claim)
    key = claim.scope.key(credentials.secret_key)
    expected = _hmac(key, _string_to_sign(request, query, claim)).hex()
    if not _equal(claim.signature, expected):
        raise S3Error(
            "SignatureDoesNotMatch",
            "the signature is not the one that this request and this server's secret key give",
        )
    return Signed(expected, claim.scope, key)


def is_presigned(query: Mapping[str, str]) -> bool:
    """Whether the signature is in the query."""
    return "X-Amz-Algorithm" in query


# ------------------------------------------------------------------------ claims


def _claim(request: SignableRequest, query: Mapping[str, str]) -> _Claim:
    header = request.headers.get("authorization")
    if header is not None:
        return _header_claim(header, request.headers)
    if is_presigned(query):
        return _query_claim(query)
    if "AWSAccessKeyId" in query:
        raise S3Error(
            "InvalidRequest",
            "this URL is signed with Signature Version 2; with boto3, sign URLs with "
            "Config(signature_version='s3v4')",
        )
    raise S3Error("AccessDenied", "this server asks for requests signed with Signature Version 4")


def _header_claim(header: str, headers: Mapping[str, str]) -> _Claim:
    algorithm, _, rest = header.partition(" ")
    if algorithm != ALGORITHM:
        raise S3Error("InvalidRequest", f"requests are signed with {ALGORITHM}, nothing else")
    found = [match for match in map(_FIELDS.fullmatch, rest.split(",")) if match]
    fields: dict[str, str] = {match[1]: match[2] for match in found}
    if len(fields) != 3:
        raise S3Error(
            "AuthorizationHeaderMalformed", "give Credential, SignedHeaders and Signature"
        )
    payload = headers.get("x-amz-content-sha256")
    if payload is None:
        raise S3Error("InvalidRequest", "the header x-amz-content-sha256 is missing")
    timestamp = headers.get("x-amz-date", "")
    return _Claim(
        *_credential(fields["Credential"], timestamp, "AuthorizationHeaderMalformed"),
        signed_headers=fields["SignedHeaders"].split(";"),
        signature=fields["Signature"],
        payload=payload,
    )


def _query_claim(query: Mapping[str, str]) -> _Claim:
    names = ("Algorithm", "Credential", "SignedHeaders", "Signature", "Date", "Expires")
    missing = [name for name in names if f"X-Amz-{name}" not in query]
    if missing:
        raise S3Error("AuthorizationQueryParametersError", f"X-Amz-{missing[0]} is missing")
    algorithm, credential, headers, signature, date, expires = (
        query[f"X-Amz-{name}"] for name in names
    )
    if algorithm != ALGORITHM:
        raise S3Error("AuthorizationQueryParametersError", f"X-Amz-Algorithm is {ALGORITHM}")
    if not expires.isdecimal() or not expires.isascii() or len(expires) > 9:
        raise S3Error("AuthorizationQueryParametersError", "X-Amz-Expires is a number of seconds")
    if int(expires) > MAX_EXPIRES_S:
        raise S3Error("AuthorizationQueryParametersError", "X-Amz-Expires is at most a week")
    return _Claim(
        *_credential(credential, date, "AuthorizationQueryParametersError"),
        signed_headers=headers.split(";"),
        signature=signature,
        payload=UNSIGNED_PAYLOAD,
        expires_s=int(expires),
    )


def _credential(credential: str, timestamp: str, code: str) -> tuple[str, Scope]:
    """The access key (which may have slashes in it) and the scope."""
    parts = credential.rsplit("/", 4)
    if len(parts) != 5 or parts[4] != "aws4_request" or parts[3] != "s3":
        raise S3Error(code, "a credential is ACCESS-KEY/DATE/REGION/s3/aws4_request")
    if not _TIME.fullmatch(timestamp):
        raise S3Error("AccessDenied", "a signed request has an X-Amz-Date as YYYYMMDDTHHMMSSZ")
    if timestamp[:8] != parts[1]:
        raise S3Error(code, "the credential's date is not that of X-Amz-Date")
    return parts[0], Scope(timestamp, parts[2], parts[3])


# ------------------------------------------------------------------------ checks


def _check_time(claim: _Claim, now_s: float) -> None:
    try:
        signed_s = calendar.timegm(time.strptime(claim.scope.timestamp, _TIME_FORMAT))
    except ValueError:
        raise S3Error("AccessDenied", "X-Amz-Date is no point in time") from None
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


def _check_signed_headers(request: SignableRequest, claim: _Claim) -> None:
    """What steers the request must be signed, or somebody on the way could change it."""
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
    request: SignableRequest, query: Sequence[tuple[str, str]], claim: _Claim
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


def _decoded(quoted: bytes) -> str:
    return unquote_to_bytes(quoted).decode(errors="surrogateescape")


def _encoded(text: str) -> str:
    return quote(text.encode(errors="surrogateescape"), safe="")


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(errors="surrogateescape"), "sha256")


def _equal(one: str, other: str) -> bool:
    """Compare in a time that says nothing about where they differ."""
    return hmac.compare_digest(
        one.encode(errors="surrogateescape"), other.encode(errors="surrogateescape")
    )
