"""A store whose OK means durable, and an object store on top of it.

    import veristack_lab.veristore as veristore

    with veristore.open("folder") as store:
        store.put(b"key", b"value")

Names are loaded when first used, so that importing the package stays cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

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

_HOMES = {
    "Batch": ("wal.mutations", "Batch"),
    "CommitHandle": ("commit.handles", "CommitHandle"),
    "Interval": ("commit.durability", "Interval"),
    "ObjectInfo": ("objects.types", "ObjectInfo"),
    "ObjectReader": ("objects.reader", "ObjectReader"),
    "ObjectStore": ("objects.store", "ObjectStore"),
    "Objects": ("objects.types", "Objects"),
    "RecoverReport": ("recovery.report", "RecoverReport"),
    "Page": ("objects.types", "Page"),
    "PartInfo": ("objects.types", "PartInfo"),
    "Recovery": ("status", "Recovery"),
    "RemoteObjectStore": ("objects.remote", "RemoteObjectStore"),
    "Store": ("kv", "Store"),
    "StoreStats": ("status", "StoreStats"),
    "UploadInfo": ("objects.types", "UploadInfo"),
    "View": ("memtable.views", "View"),
    "open": ("kv", "open_store"),
    "recover_report": ("recovery.report", "recover_report"),
}


def __getattr__(name: str) -> object:
    if name == "s3":
        return importlib.import_module("veristack_lab.veristore.s3")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(f"veristack_lab.veristore.{module}"), attribute)


def __dir__() -> list[str]:
    return sorted(__all__)
