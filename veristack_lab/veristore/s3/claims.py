"""What a request says about its signature: parsed, not yet verified.

S3 API Reference, "Authenticating Requests (AWS Signature Version 4)".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from veristack_lab.veristore.s3.errors import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
MAX_EXPIRES_S = 7 * 24 * 3600

_FIELDS = re.compile(r"\s*(Credential|SignedHeaders|Signature)=([^,\s]+)\s*")
_TIME = re.compile(r"\d{8}T\d{6}Z", re.ASCII)


@dataclass(frozen=True)
class SignableRequest:
    """The signed facts of a request."""

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
    """The date and scope for which a signing key is valid."""

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
            key = hmac_sha256(key, part)
        return key


@dataclass(frozen=True)
class Claim:
    """What a request says about its signature."""

    access_key: str
    scope: Scope
    signed_headers: Sequence[str]
    signature: str
    payload: str
    expires_s: int | None = None


def claim_of(request: SignableRequest, query: Mapping[str, str]) -> Claim:
    """What a request claims, in its header or in its query.

    Raises:
        S3Error: it is not signed, or the claim is malformed.
    """
    header = request.headers.get("authorization")
    if header is not None:
        return _header_claim(header, request.headers)
    if "X-Amz-Algorithm" in query:
        return _query_claim(query)
    raise S3Error("AccessDenied", "this server asks for requests signed with Signature Version 4")


def _header_claim(header: str, headers: Mapping[str, str]) -> Claim:
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
    return Claim(
        *_credential(fields["Credential"], timestamp, "AuthorizationHeaderMalformed"),
        signed_headers=fields["SignedHeaders"].split(";"),
        signature=fields["Signature"],
        payload=payload,
    )


def _query_claim(query: Mapping[str, str]) -> Claim:
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
    return Claim(
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


def hmac_sha256(key: bytes, text: str) -> bytes:
    """HMAC of a text, whose surrogates stand for the bytes that were not UTF-8."""
    return hmac.digest(key, text.encode(errors="surrogateescape"), "sha256")


def _decoded(quoted: bytes) -> str:
    return unquote_to_bytes(quoted).decode(errors="surrogateescape")
