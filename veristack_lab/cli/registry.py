"""The commands and groups of `veristack`: each is named after its module in this package.

A module of `COMMANDS` has a function `command`; a module of `GROUPS` has an `app` of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer

COMMANDS = ("tour", "doctor", "warm", "bench", "crash-sweep", "book")
GROUPS = (
    "store",
    "s3",
    "gateway",
    "jobs",
    "ingest",
    "backends",
    "museum",
    "sim",
    "labs",
    "notebooks",
)


def add_all(app: typer.Typer) -> None:
    """Add every command and group, in this order."""
    for name in COMMANDS:
        app.command(name)(_module(name)["command"])
    for name in GROUPS:
        app.add_typer(_module(name)["app"], name=name)


def _module(name: str) -> dict[str, Any]:
    return vars(import_module(f"{__package__}.{name.replace('-', '_')}"))
