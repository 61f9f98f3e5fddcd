"""How many requests may be served at a time.

A limit on what runs, checked when a request arrives: below it the request starts, at it the
request is rejected at once and told when to come back. Nothing is queued here. The limit can
be changed while requests run; a lower one takes effect as running ones end.
"""

from __future__ import annotations

import math

from veristack_lab.errors import AdmissionRejected, InvalidInput
from veristack_lab.runtime.counting import counted

SMOOTHING = 0.2
"""Weight of the newest service time in the smoothed one."""


class MaxActive:
    """The controller. Not thread-safe: its owner is one thread (an event loop)."""

    def __init__(self, limit: int) -> None:
        self.active = 0
        self.rejected = 0
        self.admitted = 0
        self._service_s = 0.0
        self.limit = limit

    def __repr__(self) -> str:
        return f"<MaxActive {self.active}/{self.limit}>"

    @property
    def limit(self) -> int:
        """How many requests may run; settable at any time."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        if limit < 1:
            raise InvalidInput(f"at least one request must be allowed, not {limit}")
        self._limit = limit

    @property
    def retry_after_s(self) -> int:
        """When a rejected request should come back: after about one service time."""
        return max(1, math.ceil(self._service_s))

    def enter(self) -> None:
        """Take one place.

        Raises:
            AdmissionRejected: all places are taken; only the count of rejections has changed.
        """
        if self.active >= self._limit:
            self.rejected += 1
            raise AdmissionRejected(
                f"server busy, please try again in {self.retry_after_s} s: "
                f"it serves {counted(self.active, 'request')} and may serve {self._limit} at once"
            )
        self.active += 1
        self.admitted += 1

    def leave(self, service_s: float) -> None:
        """Give the place back after `service_s` seconds of service.

        Raises:
            InvalidInput: no request is active.
        """
        if not self.active:
            raise InvalidInput("leave() without enter()")
        self.active -= 1
        if self._service_s == 0.0:
            self._service_s = service_s
        else:
            self._service_s += SMOOTHING * (service_s - self._service_s)
