"""Checkpoints of training runs in an object store: arrays, their hash, and a manifest.

Commit point of `save`: the put of the manifest object. Before it, a reader finds the previous
checkpoint; after it, this one. The arrays are put first, under a key that only the manifest
names, so a crash in between leaves bytes that no reader uses and that `prune` removes.

Whether a checkpoint counts for its job is another question: a run that lost its lease can
still write objects. The job database says which ones were recorded under the lease, and
`latest` takes only those when told so by `accept`.

Arrays are stored as safetensors, which is a JSON header and raw little-endian numbers: no code
can hide in it, as it can in a pickle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import numpy as np
from safetensors import SafetensorError
from safetensors import numpy as safetensors

from veristack_lab.errors import CheckpointCorrupt, InvalidInput, StoreError

if TYPE_CHECKING:
    from veristack_lab.veristore import Objects

BUCKET = "veriflow"
FORMAT = 1

Arrays = Mapping[str, "np.ndarray[Any, Any]"]


@dataclass(frozen=True)
class Saved:
    """Where a checkpoint is and what its bytes hash to."""

    job_id: UUID
    epoch: int
    step: int
    sha256: str
    size_bytes: int
    manifest_key: str
    data_key: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint whose bytes were verified."""

    saved: Saved
    arrays: Arrays
    rejected: tuple[str, ...] = ()
    """Newer checkpoints that could not be used, and why."""

    def __repr__(self) -> str:
        return f"<Checkpoint epoch={self.saved.epoch} step={self.saved.step}>"


def weights_sha256(arrays: Arrays) -> str:
    """One hash over names, types, shapes and every bit of the arrays."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def save(
    objects: Objects,
    job_id: UUID,
    *,
    epoch: int,
    step: int,
    arrays: Arrays,
    metadata: Mapping[str, Any] | None = None,
) -> Saved:
    """Store the arrays of one step.

    Args:
        epoch: fencing token of the run; with the step it names the checkpoint.
        metadata: small plain JSON to keep beside the arrays.

    Raises:
        InvalidInput: an array has a type that raw numbers cannot hold.
        StoreError: the object store refused.
    """
    for name, array in arrays.items():
        if array.dtype.kind not in "biuf":
            raise InvalidInput(f"array {name!r} is of type {array.dtype}; only numbers are saved")
    data = safetensors.save({name: np.ascontiguousarray(each) for name, each in arrays.items()})
    stem = f"{job_id}/{epoch:06d}-{step:010d}"
    saved = Saved(
        job_id=job_id,
        epoch=epoch,
        step=step,
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        manifest_key=f"{stem}.json",
        data_key=f"{stem}.safetensors",
        metadata=dict(metadata or {}),
    )
    objects.create_bucket(BUCKET)
    objects.put(BUCKET, saved.data_key, data)
    objects.put(BUCKET, saved.manifest_key, _manifest(saved), content_type="application/json")
    return saved


def latest(
    objects: Objects,
    job_id: UUID,
    *,
    accept: Callable[[Saved], bool] | None = None,
) -> Checkpoint | None:
    """The newest checkpoint that is whole: by epoch, then by step.

    One whose manifest or bytes are damaged is passed over for the one before it, and named in
    `Checkpoint.rejected`.

    Args:
        accept: decides whether a checkpoint counts; by default all do.

    Returns:
        None if there has never been one that counts.

    Raises:
        CheckpointCorrupt: there are some that count, but none of them is whole.
    """
    objects.create_bucket(BUCKET)
    keys = sorted(info.key for info in objects.list(BUCKET, f"{job_id}/"))
    rejected: list[str] = []
    for key in reversed([key for key in keys if key.endswith(".json")]):
        try:
            saved = _read_manifest(objects, job_id, key)
            if accept is None or accept(saved):
                return Checkpoint(saved, _read_arrays(objects, saved), tuple(rejected))
        except (CheckpointCorrupt, StoreError) as error:
            rejected.append(f"{key}: {error}")
    if rejected:
        raise CheckpointCorrupt(f"no checkpoint of job {job_id} is whole: {'; '.join(rejected)}")
    return None


def prune(objects: Objects, job_id: UUID, *, keep: int) -> int:
    """Remove all but the newest checkpoints of a job. Returns how many objects were removed.

    A manifest goes before its arrays, so no reader ever finds a manifest without them.

    Args:
        keep: how many to keep; at least 2, or a damaged one would have nothing to fall back to.

    Raises:
        InvalidInput: `keep` is less than 2.
    """
    if keep < 2:
        raise InvalidInput(f"keep is {keep}; keep at least 2, so that one can stand in for another")
    keys = {info.key for info in objects.list(BUCKET, f"{job_id}/")}
    stems = sorted(key.removesuffix(".json") for key in keys if key.endswith(".json"))
    if len(stems) <= keep:
        return 0
    oldest_kept = stems[-keep]
    doomed = [key for key in keys if key.split(".")[0] < oldest_kept]
    for key in sorted(doomed, key=lambda key: (not key.endswith(".json"), key)):
        objects.delete(BUCKET, key)
    return len(doomed)


def _manifest(saved: Saved) -> bytes:
    document = {
        "format": FORMAT,
        "job_id": str(saved.job_id),
        "epoch": saved.epoch,
        "step": saved.step,
        "sha256": saved.sha256,
        "size_bytes": saved.size_bytes,
        "data_key": saved.data_key,
        "metadata": saved.metadata,
    }
    return json.dumps(document, sort_keys=True, indent=1).encode()


def _read_manifest(objects: Objects, job_id: UUID, key: str) -> Saved:
    try:
        document = json.loads(objects.get(BUCKET, key))
        number = document["format"]
        saved = Saved(
            job_id=UUID(document["job_id"]),
            epoch=int(document["epoch"]),
            step=int(document["step"]),
            sha256=str(document["sha256"]),
            size_bytes=int(document["size_bytes"]),
            manifest_key=key,
            data_key=str(document["data_key"]),
            metadata=dict(document["metadata"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise CheckpointCorrupt(f"the manifest cannot be read: {error!r}") from error
    expected = f"{job_id}/{saved.epoch:06d}-{saved.step:010d}.json"
    if number != FORMAT or saved.job_id != job_id or key != expected:
        raise CheckpointCorrupt("the manifest does not belong to this key, or to this version")
    return saved


def _read_arrays(objects: Objects, saved: Saved) -> Arrays:
    data = objects.get(BUCKET, saved.data_key)
    found = hashlib.sha256(data).hexdigest()
    if found != saved.sha256:
        raise CheckpointCorrupt(
            f"the manifest says sha256 {saved.sha256[:12]}..., the bytes have {found[:12]}..."
        )
    try:
        loaded = safetensors.load(data)
    except SafetensorError as error:
        raise CheckpointCorrupt(f"the arrays cannot be read: {error}") from error
    # Own copies: aligned, writable, and laid out as in a run that never stopped.
    return {name: np.array(array) for name, array in loaded.items()}
