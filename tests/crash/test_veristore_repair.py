"""A repair on a disk that may lose whatever was not synced: any cut, any legal image."""

from __future__ import annotations

import random
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faulty_disk import quick_folder
from tests.histories import random_history
from veristack_lab.errors import StoreDamaged
from veristack_lab.sim.disk.simdisk import SimDisk
from veristack_lab.veristore.disk import Disk
from veristack_lab.veristore.recovery.damage import RecoveryMode
from veristack_lab.veristore.recovery.recoverer import Recoverer
from veristack_lab.veristore.recovery.settling import Recovered

FOLDER = Path("/store")
IMAGES = 24


def damaged_disk(seed: int) -> SimDisk:
    """A store with a flipped bit in a segment that is not its last, all of it durable."""
    rng = random.Random(seed)
    disk = SimDisk(seed)
    disk.make_dir(FOLDER)
    with quick_folder() as quick:
        history = random_history(quick / "store", rng)
        target = rng.choice(history.segments[:-1])
        for path in sorted(history.folder.iterdir()):
            data = bytearray(path.read_bytes())
            if path == target:
                data[rng.randrange(40, 58)] ^= 1
            file = disk.open(FOLDER / path.name, create=True)
            file.append(bytes(data))
            file.fdatasync()
            file.close()
    disk.fsync_dir(FOLDER)
    return disk.image(next(iter(disk.images(1))).choice)


def recover(disk: Disk, mode: RecoveryMode) -> Recovered:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", StoreDamaged)
        found = Recoverer(disk, FOLDER, mode).recover()
    found.log.close()
    return found


def after_each_cut(disk: SimDisk, mode: RecoveryMode) -> Iterator[SimDisk]:
    """What a power cut may leave, before and after each operation of a recovery."""
    whole = disk.clone()
    recover(whole, mode)
    partial = disk.clone()
    for operation in whole.operations[len(disk.operations) :]:
        for image in partial.images(IMAGES):
            yield partial.image(image.choice)
        partial.apply(operation)
    for image in partial.images(IMAGES):
        yield partial.image(image.choice)


@pytest.mark.parametrize("mode", [RecoveryMode.POINT_IN_TIME, RecoveryMode.SKIP_ANY_CORRUPTED])
@pytest.mark.parametrize("seed", range(6))
def test_a_repair_survives_any_power_cut(seed: int, mode: RecoveryMode) -> None:
    disk = damaged_disk(seed)
    whole = disk.clone()
    reference = recover(whole, mode)
    assert reference.damage
    images = 0
    for cut in after_each_cut(disk, mode):
        again = recover(cut, mode)
        assert again.values == reference.values
        assert again.log.next_lsn == reference.log.next_lsn
        assert cut.tree_digest() == whole.tree_digest()
        images += 1
    assert images > 50
