"""What may become of one operation of the store."""

from __future__ import annotations


class PowerCut(BaseException):
    """The power goes. Not an Exception: no `except Exception` may live on after it."""


class Fault:
    """What becomes of one operation.

    Args:
        kind: "cut" (the power goes before it), "full" (no room, nor for what comes after it),
            "failed" (the caller cannot know whether it happened: it did not), "unsure" (it did),
            "interrupted" (Ctrl-C just before it) or "late" (Ctrl-C just after it).
        number: of the operation, counted from 0.
    """

    def __init__(self, kind, number):
        self.kind, self.number = kind, number
        self.happened = False

    def __str__(self):
        what = {
            "cut": "the power is cut before",
            "full": "there is no room for",
            "failed": "the disk fails, without any effect, in",
            "unsure": "the disk fails, after the effect, in",
            "interrupted": "Ctrl-C comes just before",
            "late": "Ctrl-C comes just after",
        }
        return f"{what[self.kind]} operation {self.number + 1}"


STRUCK = {
    "cut": ("the power", "is cut here"),
    "full": ("the disk", "is full"),
    "failed": ("the disk", "fails"),
    "interrupted": ("Ctrl-C", "comes here"),
}
"""Faults without an effect: whose they are, and what they do."""
