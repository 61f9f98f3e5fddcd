"""Live views: fed by snapshots, sending commands.

Every view works in three places alike: in JupyterLab with a mouse or a keyboard, in a script
or a test through `send` and `wait_for`, and as one stable line of text where nothing is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.widgets.counters import Counters, Tally
    from veristack_lab.widgets.crash_explorer import CrashExplorer
    from veristack_lab.widgets.kill_switch import KillSwitch
    from veristack_lab.widgets.outage_drill import ObjectStoreDrill
    from veristack_lab.widgets.targets import Target, from_child, from_llm
    from veristack_lab.widgets.wal_microscope import WalMicroscope

__all__ = [
    "Counters",
    "CrashExplorer",
    "KillSwitch",
    "ObjectStoreDrill",
    "Tally",
    "Target",
    "WalMicroscope",
    "from_child",
    "from_llm",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Counters": "counters",
        "CrashExplorer": "crash_explorer",
        "KillSwitch": "kill_switch",
        "ObjectStoreDrill": "outage_drill",
        "Tally": "counters",
        "Target": "targets",
        "WalMicroscope": "wal_microscope",
        "from_child": "targets",
        "from_llm": "targets",
    },
)
