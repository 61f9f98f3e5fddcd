"""Whether a failed document is tried again, and when: a pure decision."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from veristack_lab.runtime.backoff import Backoff
from veristack_lab.smartsearch.settings import RetryPolicy


class Cause(StrEnum):
    """Why an attempt failed."""

    REFUSED = "refused"
    """This text cannot be embedded."""
    OUTAGE = "outage"
    """A server or the worker itself was unavailable; the text may be fine."""


@dataclass(frozen=True)
class Retry:
    """Try again after a pause."""

    delay_s: float


@dataclass(frozen=True)
class GiveUp:
    """No more attempts: FAILED and one dead letter."""


def decide(cause: Cause, attempts: int, refusals: int, policy: RetryPolicy) -> Retry | GiveUp:
    """What follows a failed attempt.

    Args:
        cause: why it failed.
        attempts: attempts so far, this one included.
        refusals: refusals so far, this one included if it was one.
        policy: the bounds.
    """
    if attempts >= policy.max_attempts:
        return GiveUp()
    if cause is Cause.REFUSED and refusals >= policy.max_refusals:
        return GiveUp()
    return Retry(Backoff(policy.retry_base_s, policy.retry_max_s).ceiling_s(attempts))
