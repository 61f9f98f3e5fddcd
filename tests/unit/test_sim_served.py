"""The death of the process alone, and a power cut later: what was served in between stays."""

from __future__ import annotations

from pathlib import Path

import pytest

import veristack_lab.veristore as veristore
from veristack_lab import museum
from veristack_lab.errors import StoreFailed
from veristack_lab.sim import HEALTHY, SimClock, SimDisk, crash_sweep, engine_of, record
from veristack_lab.sim.store.probe import Prober
from veristack_lab.sim.store.workloads import named

STORE = Path("/never/made/store")


def test_every_crash_point_is_asked_once_and_the_healthy_engine_answers_for_it() -> None:
    frame = crash_sweep("checkpoints", exhaustive=True, limit=16)
    assert set(frame["violation"]) == {""}
    recording = record(named("puts"), HEALTHY)
    prober = Prober(HEALTHY, with_objects=False)
    served = [prober.served(recording.disk_at(n)) for n in range(len(recording.operations) + 1)]
    assert set(served) == {""}


def test_unsynced_records_are_found_to_be_served() -> None:
    exhibit = museum.find("tail-cut-unsynced")
    frame = crash_sweep("puts", exhaustive=True, engine=exhibit.trial.engine)
    broken = frame[frame["violation"] != ""]
    assert set(broken["promise"]) == {"served-is-durable"}
    assert set(broken["policy"]) <= {"kept", "sectors"}, "the record itself was there to be read"
    assert broken["violation"].str.contains("the process died, recovered, and after one more").all()
    assert set(broken["operation"].str.partition(" ")[0]) == {"fdatasync"}


def test_after_a_failed_sync_nothing_is_asked() -> None:
    disk = SimDisk()
    store = engine_of().open(disk, SimClock(), Path("/store"))
    disk.fail("sync-error", path="log-*")
    with pytest.raises(StoreFailed):
        store.put(b"k", b"v")
    assert Prober(HEALTHY, with_objects=False).served(disk) == ""


def test_the_name_of_the_folder_is_durable_before_a_write_is_acknowledged() -> None:
    """The process dies behind each operation of its first opening; the next one writes."""
    first = SimDisk()
    veristore.open(STORE, disk=first, checkpoint_bytes=None).close()
    for count in range(len(first.operations) + 1):
        disk = SimDisk()
        for operation in first.operations[:count]:
            disk.apply(operation)
        alive = disk.after_kill()
        store = veristore.open(STORE, disk=alive, checkpoint_bytes=None)
        store.put(b"key", b"value")
        for image in alive.images(64):
            again = veristore.open(STORE, disk=alive.image(image.choice), checkpoint_bytes=None)
            assert again.get(b"key") == b"value", (count, image)
