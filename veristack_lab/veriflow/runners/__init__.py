"""Where runs execute: the protocol that a scheduler drives, and its implementations."""

from __future__ import annotations

from veristack_lab.veriflow.runners.local import LocalProcess
from veristack_lab.veriflow.runners.protocol import Exit, Runner

__all__ = ["Exit", "LocalProcess", "Runner"]
