"""The `x-amz-*` request headers of S3, in one table: what each one means to this server.

S3 ignores headers that it does not know, and so does this server. A header that asks for
something that this server does not do is refused by its name, or a client would believe that
its object is encrypted, locked or tagged. Some of these have values that change nothing, such
as the storage class that every object has; those are taken.

Source: S3 API Reference, the request parameters of all operations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType

from veristack_lab.veristore.s3.errors import not_implemented

_NEVER: frozenset[str] = frozenset()

REFUSED: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        # access: an object belongs to its owner alone, and there is one owner
        "x-amz-acl": frozenset({"private", "bucket-owner-read", "bucket-owner-full-control"}),
        "x-amz-grant-": _NEVER,
        "x-amz-object-ownership": frozenset({"BucketOwnerEnforced"}),
        # encryption
        "x-amz-server-side-encryption": _NEVER,
        "x-amz-server-side-encryption-bucket-key-enabled": frozenset({"false"}),
        "x-amz-copy-source-server-side-encryption": _NEVER,
        # locks
        "x-amz-object-lock-": _NEVER,
        "x-amz-object-lock-legal-hold": frozenset({"OFF"}),
        "x-amz-object-lock-event-hold": frozenset({"OFF"}),
        "x-amz-bucket-object-lock-enabled": frozenset({"false"}),
        # what would be kept with an object and given back
        "x-amz-storage-class": frozenset({"STANDARD"}),
        "x-amz-tagging": frozenset({""}),
        "x-amz-tagging-directive": frozenset({"COPY", "REPLACE"}),
        "x-amz-object-annotation-directive": frozenset({"COPY", "REPLACE", "EXCLUDE"}),
        "x-amz-website-redirect-location": _NEVER,
        # conditions and operations of directory buckets
        "x-amz-if-match-": _NEVER,
        "x-amz-object-if-match": _NEVER,
        "x-amz-rename-source": _NEVER,
        "x-amz-write-offset-bytes": _NEVER,
        "x-amz-bucket-namespace": frozenset({"global"}),
        "x-amz-create-session-mode": _NEVER,
        # Object Lambda
        "x-amz-fwd-": _NEVER,
        "x-amz-request-route": _NEVER,
        "x-amz-request-token": _NEVER,
    }
)
"""What is refused, with the values that are taken because they change nothing.

A name that ends in a dash, and those of encryption and renaming, stand for all names that begin
with them. The longest name that fits decides.
"""
_PREFIXES = (
    *(name for name in REFUSED if name.endswith("-")),
    "x-amz-server-side-encryption",
    "x-amz-copy-source-server-side-encryption",
    "x-amz-rename-source",
)

USED = frozenset(
    f"x-amz-{name}"
    for name in (
        *("content-sha256", "date", "decoded-content-length", "trailer"),
        *("checksum-algorithm", "checksum-mode", "checksum-type", "mp-object-size"),
        *("checksum-crc32", "checksum-crc32c", "checksum-crc64nvme"),
        *("checksum-sha1", "checksum-sha256"),
        *("copy-source", "copy-source-range"),
        *("copy-source-if-match", "copy-source-if-none-match"),
        *("copy-source-if-modified-since", "copy-source-if-unmodified-since"),
        *("metadata-directive", "object-attributes", "max-parts", "part-number-marker"),
    )
)
"""What operations read, besides `x-amz-meta-*`. A checksum of another algorithm is refused
where it is read."""

IGNORED: Mapping[str, str] = MappingProxyType(
    {
        "x-amz-api-version": "there is one version of the interface",
        "x-amz-user-agent": "a browser's name for its program",
        "x-amz-sdk-checksum-algorithm": "the checksum itself comes in another header",
        "x-amz-security-token": "the keys are the server's own, and live as long as it does",
        "x-amz-s3session-token": "as above",
        "x-amz-expected-bucket-owner": "there are no accounts, and one owner",
        "x-amz-source-expected-bucket-owner": "as above",
        "x-amz-request-payer": "no client is billed",
        "x-amz-te": "a hint to old servers",
        "x-amz-mfa": "only deleting versions asks for it",
        "x-amz-bypass-governance-retention": "there are no locks to bypass",
        "x-amz-bucket-object-lock-token": "as above",
        "x-amz-optional-object-attributes": "no object is ever being restored",
        "x-amz-client-token": "used only by operations that are refused by name",
        "x-amz-confirm-remove-self-bucket-access": "as above",
        "x-amz-skip-destination-validation": "as above",
        "x-amz-transition-default-minimum-object-size": "as above",
    }
)
"""S3's headers that change nothing here, with the reason. Unknown ones are ignored as well."""


_OF_THE_SIGNATURE = frozenset(
    f"x-amz-{name}"
    for name in ("algorithm", "credential", "date", "expires", "signedheaders", "signature")
)


def lifted(query: Mapping[str, str], also: Collection[str] = ()) -> dict[str, str]:
    """The headers that a presigned URL has as parameters, names in lower case.

    Args:
        query: parameters by name.
        also: further parameters that are headers.
    """
    found = {name.lower(): value for name, value in query.items()}
    return {
        name: value
        for name, value in found.items()
        if (name.startswith("x-amz-") and name not in _OF_THE_SIGNATURE) or name in also
    }


def refuse_unserved(headers: Mapping[str, str]) -> None:
    """Refuse headers that S3 obeys and this server does not.

    Args:
        headers: names in lower case.

    Raises:
        S3Error: NotImplemented, with the header's name.
    """
    for name, value in headers.items():
        if not name.startswith("x-amz-"):
            continue
        rule = _rule(name)
        if rule is None or value in REFUSED[rule]:
            continue
        values = " or ".join(sorted(filter(None, REFUSED[rule])))
        raise not_implemented(f"the header {name:.80}{' other than ' + values if values else ''}")


def _rule(name: str) -> str | None:
    """The line of the table for a header, or None."""
    if name in REFUSED:
        return name
    fitting = [prefix for prefix in _PREFIXES if name.startswith(prefix)]
    return max(fitting, key=len, default=None)
