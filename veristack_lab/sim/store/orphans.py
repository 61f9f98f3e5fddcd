"""Comparing what an object store holds with what a user can see of it."""

from __future__ import annotations

from collections import Counter

from veristack_lab.kernels.records import HEADER_BYTES as RECORD_HEADER_BYTES
from veristack_lab.runtime.counting import counted
from veristack_lab.sim.store.engine import CHUNK_BYTES, STORE_PATH
from veristack_lab.sim.store.session import Session, State
from veristack_lab.veristore.objects.blobs import FOLDER_NAME, HEADER_BYTES
from veristack_lab.veristore.objects.records import META, PART, REFERENCE, UPLOAD


def orphans(state: State, session: Session) -> str:
    """What the object store holds beyond what a user can see, in words; empty if nothing.

    Args:
        state: what a user sees.
        session: an open store that has collected garbage already.
    """
    if not session.with_objects:
        return ""
    found = session.objects.collect_garbage()
    if found:
        return f"the collection at opening left {counted(found, 'content')} that a second one found"
    kinds = Counter(item[0] for item in state)
    for prefix, kind in ((UPLOAD, "upload"), (PART, "part"), (META, "object")):
        records = sum(1 for _ in session.store.scan(prefix))
        if records != kinds[kind]:
            return f"of {kind} records there are {records}, for {counted(kinds[kind], kind)}"
    return _orphaned_content(state, session)


def _orphaned_content(state: State, session: Session) -> str:
    """Compare content files with their references, and with the contents by length."""
    files = session.disk.folder_sizes(STORE_PATH / FOLDER_NAME)
    references = sum(1 for _ in session.store.scan(REFERENCE))
    if len(files) != references:
        return f"{counted(len(files), 'content file')}, and {counted(references, 'reference')}"
    held = sum(_content_bytes(size) for size in files)
    wanted = sum(
        int(value.partition(b"/")[0]) if item[0] == "part" else len(value)
        for item, value in state.items()
        if item[0] in ("object", "part")
    )
    return f"{held - wanted} bytes belong to no object" if held > wanted else ""


def _content_bytes(file_bytes: int) -> int:
    """What a content file of this length holds, without its header and those of its chunks."""
    framed = file_bytes - HEADER_BYTES
    return framed - -(-framed // (CHUNK_BYTES + RECORD_HEADER_BYTES)) * RECORD_HEADER_BYTES
