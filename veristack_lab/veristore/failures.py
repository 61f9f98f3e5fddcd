"""The lab's errors for failures of a disk."""

from __future__ import annotations

import errno

from veristack_lab.errors import DiskFull, StoreError, StoreFailed

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


def is_out_of_room(cause: OSError) -> bool:
    """Whether the disk, or the user's share of it, is full."""
    return cause.errno in _NO_ROOM


def explain(cause: OSError) -> StoreError:
    """The lab's error for a failure of the disk."""
    if is_out_of_room(cause):
        return DiskFull(
            f"the disk has no room ({cause}); this write is not acknowledged, and nothing "
            "acknowledged is lost. Free some space, then close and reopen the store"
        )
    return StoreFailed(
        f"the disk failed ({cause}); this write is not acknowledged, and no more are taken. "
        "Reads still answer. Find out what is wrong with it, then close and reopen the store"
    )


def copy(error: StoreError) -> StoreError:
    """A fresh instance: each thread gets a traceback of its own."""
    return type(error)(str(error))
