"""A store whose OK means durable, and an object store on top of it.

    import veristack_lab.veristore as veristore

    with veristore.open("folder") as store:
        store.put(b"key", b"value")

Names are loaded when first used, so that importing the package stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from veristack_lab.runtime.lazily import lazy_names

if TYPE_CHECKING:
    from veristack_lab.veristore import s3
    from veristack_lab.veristore.commit.durability import Interval
    from veristack_lab.veristore.commit.handles import CommitHandle
    from veristack_lab.veristore.kv import Store
    from veristack_lab.veristore.kv import open_store as open  # noqa: A004 as gzip.open is
    from veristack_lab.veristore.memtable.views import View
    from veristack_lab.veristore.objects.reader import ObjectReader
    from veristack_lab.veristore.objects.remote import RemoteObjectStore
    from veristack_lab.veristore.objects.store import ObjectStore
    from veristack_lab.veristore.objects.types import (
        ObjectInfo,
        Objects,
        Page,
        PartInfo,
        UploadInfo,
    )
    from veristack_lab.veristore.recovery.report import RecoverReport, recover_report
    from veristack_lab.veristore.status import Recovery, StoreStats
    from veristack_lab.veristore.wal.mutations import Batch

__all__ = [
    "Batch",
    "CommitHandle",
    "Interval",
    "ObjectInfo",
    "ObjectReader",
    "ObjectStore",
    "Objects",
    "Page",
    "PartInfo",
    "RecoverReport",
    "Recovery",
    "RemoteObjectStore",
    "Store",
    "StoreStats",
    "UploadInfo",
    "View",
    "open",
    "recover_report",
    "s3",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Batch": "wal.mutations",
        "CommitHandle": "commit.handles",
        "Interval": "commit.durability",
        "ObjectInfo": "objects.types",
        "ObjectReader": "objects.reader",
        "ObjectStore": "objects.store",
        "Objects": "objects.types",
        "Page": "objects.types",
        "PartInfo": "objects.types",
        "RecoverReport": "recovery.report",
        "Recovery": "status",
        "RemoteObjectStore": "objects.remote",
        "Store": "kv",
        "StoreStats": "status",
        "UploadInfo": "objects.types",
        "View": "memtable.views",
        "open": "kv:open_store",
        "recover_report": "recovery.report",
        "s3": "s3:",
    },
)
