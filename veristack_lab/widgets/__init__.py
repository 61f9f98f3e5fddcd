"""Live views: fed by snapshots, sending commands.

Every view works in three places alike: in JupyterLab with a mouse or a keyboard, in a script
or a test through `send` and `wait_for`, and as one stable line of text where nothing is drawn.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from veristack_lab.widgets.counters import Counters, Tally
from veristack_lab.widgets.targets import Target, from_child, from_llm

if TYPE_CHECKING:
    from veristack_lab.widgets.crash_explorer import CrashExplorer
    from veristack_lab.widgets.kill_switch import KillSwitch
    from veristack_lab.widgets.wal_microscope import WalMicroscope

__all__ = [
    "Counters",
    "CrashExplorer",
    "KillSwitch",
    "Tally",
    "Target",
    "WalMicroscope",
    "from_child",
    "from_llm",
]

_HOMES = {
    "CrashExplorer": "crash_explorer",
    "KillSwitch": "kill_switch",
    "WalMicroscope": "wal_microscope",
}


def __getattr__(name: str) -> object:
    # anywidget takes a third of a second to import: load it only to draw a view.
    if name in _HOMES:
        return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
