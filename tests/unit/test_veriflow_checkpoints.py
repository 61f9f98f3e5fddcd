"""Checkpoints over the real object store, with the damage done to its objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest

import veristack_lab.veristore as veristore
from veristack_lab.errors import CheckpointCorrupt, InvalidInput
from veristack_lab.veriflow import checkpoints
from veristack_lab.veriflow.checkpoints import BUCKET, Saved
from veristack_lab.veristore import Objects

JOB = UUID(int=7)


@pytest.fixture
def objects(folder: Path) -> Iterator[Objects]:
    with veristore.open(folder / "store") as store:
        yield veristore.ObjectStore(store)


def arrays(step: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(step)
    return {"w": rng.normal(size=(3, 4)).astype(np.float32), "n": np.array([step], np.int64)}


def save(objects: Objects, step: int, epoch: int = 1) -> Saved:
    return checkpoints.save(
        objects, JOB, epoch=epoch, step=step, arrays=arrays(step), metadata={"step": step}
    )


def test_what_was_saved_comes_back_to_the_bit(objects: Objects) -> None:
    assert checkpoints.latest(objects, JOB) is None
    saved = save(objects, 5)
    found = checkpoints.latest(objects, JOB)
    assert found is not None
    assert found.saved == saved
    assert found.rejected == ()
    assert checkpoints.weights_sha256(found.arrays) == checkpoints.weights_sha256(arrays(5))
    assert all(array.flags.writeable and array.flags.aligned for array in found.arrays.values())


def test_the_newest_epoch_wins_over_a_higher_step(objects: Objects) -> None:
    save(objects, 900, epoch=1)
    save(objects, 10, epoch=2)
    save(objects, 9, epoch=2)
    found = checkpoints.latest(objects, JOB)
    assert found is not None
    assert (found.saved.epoch, found.saved.step) == (2, 10)


def test_only_what_counts_is_taken(objects: Objects) -> None:
    save(objects, 1)
    zombie = save(objects, 2)
    found = checkpoints.latest(objects, JOB, accept=lambda saved: saved.sha256 != zombie.sha256)
    assert found is not None
    assert found.saved.step == 1


def test_another_job_sees_nothing_of_it(objects: Objects) -> None:
    save(objects, 1)
    assert checkpoints.latest(objects, uuid4()) is None


@pytest.mark.parametrize("damage", ["bytes", "no bytes", "manifest", "moved", "version"])
def test_a_damaged_one_is_passed_over(objects: Objects, damage: str) -> None:
    save(objects, 1)
    newest = save(objects, 2)
    manifest = objects.get(BUCKET, newest.manifest_key)
    if damage == "bytes":
        data = bytearray(objects.get(BUCKET, newest.data_key))
        data[-1] ^= 1
        objects.put(BUCKET, newest.data_key, bytes(data))
    elif damage == "no bytes":
        objects.delete(BUCKET, newest.data_key)
    elif damage == "manifest":
        objects.put(BUCKET, newest.manifest_key, manifest[:20])
    elif damage == "moved":
        objects.put(BUCKET, newest.manifest_key.replace("0002.", "0003."), manifest)
        objects.delete(BUCKET, newest.data_key)
    else:
        objects.put(BUCKET, newest.manifest_key, manifest.replace(b'format": 1', b'format": 2'))
    found = checkpoints.latest(objects, JOB)
    assert found is not None
    assert found.saved.step == 1
    assert len(found.rejected) == (2 if damage == "moved" else 1)


def test_if_none_is_whole_that_is_said(objects: Objects) -> None:
    objects.delete(BUCKET, save(objects, 1).data_key)
    with pytest.raises(CheckpointCorrupt, match="no checkpoint of job"):
        checkpoints.latest(objects, JOB)


def test_arrays_without_a_manifest_were_never_saved(objects: Objects) -> None:
    save(objects, 1)
    cut_short = save(objects, 2)
    objects.delete(BUCKET, cut_short.manifest_key)
    found = checkpoints.latest(objects, JOB)
    assert found is not None
    assert found.saved.step == 1


def test_prune_keeps_the_newest_and_sweeps_what_a_crash_left(objects: Objects) -> None:
    orphan = save(objects, 1)
    objects.delete(BUCKET, orphan.manifest_key)
    for step in range(2, 7):
        save(objects, step)
    assert checkpoints.prune(objects, JOB, keep=3) == 5
    kept = [info.key for info in objects.list(BUCKET, f"{JOB}/")]
    steps = sorted({int(key.split("-")[-1].split(".")[0]) for key in kept})
    assert (steps, len(kept)) == ([4, 5, 6], 6)
    assert checkpoints.prune(objects, JOB, keep=3) == 0
    with pytest.raises(InvalidInput, match="at least 2"):
        checkpoints.prune(objects, JOB, keep=1)


def test_only_numbers_are_saved(objects: Objects) -> None:
    with pytest.raises(InvalidInput, match="only numbers"):
        checkpoints.save(objects, JOB, epoch=1, step=1, arrays={"o": np.array([None])})


def test_the_hash_sees_names_types_shapes_and_bits() -> None:
    base = {"a": np.zeros(4, np.float32)}
    others = [
        {"b": np.zeros(4, np.float32)},
        {"a": np.zeros(4, np.int32)},
        {"a": np.zeros((2, 2), np.float32)},
        {"a": np.array([0, 0, 0, -0.0], np.float32)},
    ]
    hashes = [checkpoints.weights_sha256(each) for each in (base, *others)]
    assert len(set(hashes)) == len(hashes)
