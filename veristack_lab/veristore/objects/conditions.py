"""Conditions on the object that a write would replace or remove (RFC 9110, section 13.1)."""

from __future__ import annotations

from dataclasses import dataclass

from veristack_lab.errors import InvalidInput, ObjectNotFound, PreconditionFailed
from veristack_lab.veristore.objects.types import ObjectInfo

ANY = "*"


@dataclass(frozen=True)
class Condition:
    """What must hold when a write commits.

    Attributes:
        if_none_match: there must be no object.
        if_match: the object must have this ETag; "*" for any. As in S3, a missing object is
            `ObjectNotFound` then, not a failed condition.
    """

    if_none_match: bool = False
    if_match: str | None = None

    def __post_init__(self) -> None:
        if self.if_none_match and self.if_match is not None:
            raise InvalidInput("if_none_match and if_match contradict each other; give one")

    def __bool__(self) -> bool:
        return self.if_none_match or self.if_match is not None

    def check(self, bucket: str, key: str, found: ObjectInfo | None) -> None:
        """Check the condition against the present object.

        Raises:
            PreconditionFailed: an object exists and should not, or has another ETag.
            ObjectNotFound: an object should exist and does not.
        """
        if self.if_none_match and found is not None:
            raise PreconditionFailed(
                f"{bucket}/{key} is there already, with ETag {found.etag}; nothing was changed"
            )
        if self.if_match is None:
            return
        if found is None:
            raise ObjectNotFound(f"there is no object {key!r} in bucket {bucket!r} to match")
        if self.if_match not in (ANY, found.etag):
            raise PreconditionFailed(
                f"{bucket}/{key} has ETag {found.etag}, not {self.if_match:.80}; nothing was "
                "changed"
            )


ALWAYS = Condition()
