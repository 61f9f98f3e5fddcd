"""What a job is: the document a client submits, checked before anything is stored."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from veristack_lab.errors import InvalidInput

MAX_BODY_BYTES = 256 * 1024
MAX_KEY_LENGTH = 200
ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class JobSpec(BaseModel):
    """One training job, as a client describes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: Name = Field(description="What to call the job; need not be unique.")
    workload: Name = Field(description="Which registered workload to run.")
    parameters: dict[str, JsonValue] = Field(
        default_factory=dict, description="Parameters of the workload."
    )
    seed: int = Field(0, ge=0, lt=2**63, description="Decides everything random in the job.")
    max_attempts: int = Field(3, ge=1, le=20, description="Most runs before the job fails.")
    priority: int = Field(
        0, ge=-100, le=100, description="Each point is worth a minute of waiting in the queue."
    )
    timeout_s: float | None = Field(
        None, gt=0, le=7 * 86400, description="A run that takes longer is killed and has failed."
    )
    retry_base_s: float = Field(
        2.0, ge=0.05, le=60, description="Pause after the first failed run; then it doubles."
    )

    @classmethod
    def parse(cls, data: Mapping[str, Any] | JobSpec) -> Self:
        """Check a document and make a spec of it.

        Raises:
            InvalidInput: naming every field that is wrong, and why.
        """
        if isinstance(data, cls):
            return data
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InvalidInput(f"not a job: {explain(error)}") from error


def explain(error: ValidationError) -> str:
    """All complaints of pydantic in one line."""
    return "; ".join(
        f"{'.'.join(str(part) for part in each['loc']) or 'body'}: {each['msg']}"
        for each in error.errors()
    )


def canonical_json(value: object) -> bytes:
    """One byte string for equal JSON values: sorted keys, no spaces, UTF-8.

    Raises:
        InvalidInput: the value holds NaN, an infinity, a lone surrogate or U+0000, which
            JSON or Postgres cannot keep.
    """
    try:
        text = json.dumps(
            value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        encoded = text.encode()
    except ValueError as error:
        raise InvalidInput(f"the document is not plain JSON: {error}") from error
    if ESCAPED_NUL.search(text):
        raise InvalidInput("the document holds U+0000, which the database cannot keep; remove it")
    return encoded


def body_sha256(spec: JobSpec) -> bytes:
    """Hash of what the client sent, by which a repeated submission is known.

    Fields the client left out do not take part, so that a default changed by an upgrade does
    not make a repeated submission look like another job.

    Raises:
        InvalidInput: the document cannot be kept, or is longer than 256 KiB.
    """
    body = canonical_json(spec.model_dump(mode="json", exclude_unset=True))
    if len(body) > MAX_BODY_BYTES:
        raise InvalidInput(f"the job is {len(body):,} bytes long; at most {MAX_BODY_BYTES:,}")
    return hashlib.sha256(body).digest()


def checked_key(key: str | None) -> str | None:
    """The Idempotency-Key, checked.

    Raises:
        InvalidInput: it is empty, too long, or holds characters that do not print.
    """
    if key is None:
        return None
    if not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise InvalidInput(
            f"an Idempotency-Key is 1 to {MAX_KEY_LENGTH} printable characters; use a UUID"
        )
    return key
