"""Writes are acknowledged when they are in the page cache; every fifth one syncs.

The ancestor's SETBATCH 5 is fast because four of five writes get their OK before anything is on the
disk. Even a clean close loses them. An engine may offer that, but must call it by its name: here it
is `durability=Interval(writes=5)`, and its docstring says what may be lost. Under the name
"commit", the healthy engine says OK after the sync.
"""

from __future__ import annotations

from collections.abc import Sequence

from veristack_lab.museum.exhibit import Exhibit
from veristack_lab.museum.store import stages
from veristack_lab.museum.store.trials import PowerCuts
from veristack_lab.sim.store.engine import engine_of
from veristack_lab.veristore.kv import Store
from veristack_lab.veristore.wal.log import Log

_EVERY = 5


class _Log(Log):
    def append_group(
        self, types: Sequence[int], payloads: Sequence[bytes], *, sync: bool = True
    ) -> int:
        return super().append_group(types, payloads, sync=sync and self.unsynced + 1 >= _EVERY)


class _Store(Store):
    log_type = _Log


EXHIBIT = Exhibit(
    __name__,
    title="OK is said before the sync",
    promise="acknowledged-present",
    source="ancestor, V2 (its SETBATCH 5)",
    seam="Log.append_group",
    trial=PowerCuts(stages.journal, engine_of(store_type=_Store), seed=1, samples=60),
)
