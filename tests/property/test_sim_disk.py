"""The simulated disk is a disk: it does what the real one does, and its power cuts are legal."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.faulty_disk import quick_folder
from veristack_lab.errors import StoreLocked
from veristack_lab.sim import POLICIES, SimDisk
from veristack_lab.veristore.disk import RealDisk

NAMES = st.sampled_from(["a", "b", "c"])
FOLDERS = st.sampled_from(["", "folder", "folder/deeper"])
DATA = st.integers(0, 3).flatmap(
    lambda kind: (
        st.binary(max_size=20)
        if kind
        else st.integers(500, 1300).map(lambda size: bytes(i % 251 for i in range(size)))
    )
)
OFFSETS = st.integers(0, 1500)


class SimAgainstReal(RuleBasedStateMachine):
    """The same calls on both disks: the same results, the same errors, the same contents."""

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.real_root = self.resources.enter_context(quick_folder())
        self.real, self.sim = RealDisk(), SimDisk()
        self.sim_root = Path("/root")
        self.sim.make_dir(self.sim_root)
        self.handles: list[tuple[Any, Any]] = []

    def both(self, act: Callable[[Any, Path], Any]) -> Any:
        results = []
        for disk, root in ((self.real, self.real_root), (self.sim, self.sim_root)):
            try:
                results.append(act(disk, root))
            except OSError as error:
                results.append((type(error), error.errno))
        real, simulated = results
        if isinstance(real, list | bytes | int | tuple):
            assert simulated == real
        return results

    @rule(folder=FOLDERS, name=NAMES, create=st.booleans())
    def open(self, folder: str, name: str, create: bool) -> None:
        real, simulated = self.both(lambda d, r: d.open(r / folder / name, create=create))
        assert isinstance(real, tuple) == isinstance(simulated, tuple)
        if not isinstance(real, tuple) and len(self.handles) < 6:
            self.handles.append((real, simulated))
        elif not isinstance(real, tuple):
            real.close()

    @rule(folder=FOLDERS)
    def make_dir(self, folder: str) -> None:
        self.both(lambda disk, root: disk.make_dir(root / folder))

    @rule(folder=FOLDERS, name=NAMES)
    def make_dir_over_file(self, folder: str, name: str) -> None:
        self.both(lambda disk, root: disk.make_dir(root / folder / name))

    @rule(folder=FOLDERS, old=NAMES, new=NAMES)
    def rename(self, folder: str, old: str, new: str) -> None:
        if not self.real.is_dir(self.real_root / folder / old):
            self.both(lambda disk, root: disk.rename(root / folder / old, root / folder / new))

    @rule(folder=FOLDERS, name=NAMES)
    def unlink(self, folder: str, name: str) -> None:
        self.both(lambda disk, root: disk.unlink(root / folder / name))

    @rule(folder=FOLDERS)
    def sync_folder(self, folder: str) -> None:
        self.both(lambda disk, root: disk.fsync_dir(root / folder))

    @rule(folder=FOLDERS, name=NAMES)
    def look(self, folder: str, name: str) -> None:
        self.both(lambda disk, root: disk.exists(root / folder / name))
        self.both(lambda disk, root: disk.is_dir(root / folder / name))
        self.both(lambda disk, root: disk.listdir(root / folder))

    def on_handle(self, data: st.DataObject, act: Callable[[Any], Any]) -> None:
        real, simulated = data.draw(st.sampled_from(self.handles))
        results = []
        for file in (real, simulated):
            try:
                results.append(act(file))
            except OSError as error:
                results.append(error.errno)
        assert results[0] == results[1]

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), content=DATA, offset=OFFSETS)
    def pwrite(self, data: st.DataObject, content: bytes, offset: int) -> None:
        self.on_handle(data, lambda file: file.pwrite(content, offset))

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), content=DATA)
    def append(self, data: st.DataObject, content: bytes) -> None:
        self.on_handle(data, lambda file: file.append(content))

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), size=OFFSETS)
    def truncate(self, data: st.DataObject, size: int) -> None:
        self.on_handle(data, lambda file: file.truncate(size))

    @precondition(lambda self: self.handles)
    @rule(data=st.data(), offset=OFFSETS, size=OFFSETS)
    def read(self, data: st.DataObject, offset: int, size: int) -> None:
        self.on_handle(data, lambda file: (file.size(), file.read(offset, size)))

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def sync(self, data: st.DataObject) -> None:
        self.on_handle(data, lambda file: file.fdatasync())

    @precondition(lambda self: self.handles)
    @rule(data=st.data())
    def close(self, data: st.DataObject) -> None:
        handle = data.draw(st.sampled_from(self.handles))
        self.handles.remove(handle)
        for file in handle:
            file.close()
            file.close()

    @invariant()
    def same_contents(self) -> None:
        assert _tree(self.real, self.real_root) == _tree(self.sim, self.sim_root)

    @invariant()
    def replay_gives_the_same_disk(self) -> None:
        again = SimDisk()
        for operation in self.sim.operations:
            again.apply(operation)
        assert again.tree_digest() == self.sim.tree_digest()
        assert again.trace_hash() == self.sim.trace_hash()

    def teardown(self) -> None:
        for real, _ in self.handles:
            real.close()
        self.resources.close()


def _tree(disk: Any, root: Path, at: str = "") -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {}
    for name in disk.listdir(root / at):
        path = f"{at}/{name}".lstrip("/")
        if disk.is_dir(root / path):
            found[path] = None
            found.update(_tree(disk, root, path))
        else:
            file = disk.open(root / path)
            found[path] = file.read(0, file.size())
            file.close()
    return found


TestSimAgainstReal = SimAgainstReal.TestCase
TestSimAgainstReal.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)


# ------------------------------------------------------------------ crash images

WRITES = st.lists(
    st.tuples(st.integers(0, 2200), st.integers(1, 1300), st.booleans(), st.integers(0, 9)),
    min_size=1,
    max_size=4,
)


def _written(changes: list[tuple[int, int, bool, int]]) -> tuple[SimDisk, list[bytes]]:
    """A disk with one file, and all contents it has had since its last sync."""
    disk = SimDisk(7)
    disk.make_dir(Path("/d"))
    old = disk.open(Path("/d/old"), create=True)
    old.append(b"STALE!" * 500)
    old.fdatasync()
    disk.fsync_dir(Path("/d"))
    disk.unlink(Path("/d/old"))
    file = disk.open(Path("/d/f"), create=True)
    disk.fsync_dir(Path("/d"))
    seen = [b""]
    for number, (offset, size, sync, truncate) in enumerate(changes):
        if truncate == 0:
            file.truncate(offset)
        else:
            file.pwrite(bytes([65 + number]) * size, min(offset, file.size() + 100))
        seen.append(file.read(0, 10_000))
        if sync:
            file.fdatasync()
            seen = seen[-1:]
    return disk, seen


@given(changes=WRITES, seed=st.integers(0, 1000), policy=st.sampled_from([*POLICIES, "any"]))
@settings(max_examples=200)
def test_every_byte_of_an_image_is_accounted_for(
    changes: list[tuple[int, int, bool, int]], seed: int, policy: str
) -> None:
    disk, seen = _written(changes)
    image = disk.crash(policy, seed)
    found = image.files[image.paths()["/d/f"]].durable
    lengths = {len(content) for content in seen}
    torn = disk.operations[-1].kind == "pwrite"
    assert len(found) in lengths or (torn and len(found) < max(lengths))
    for position, byte in enumerate(found):
        versions = {content[position] for content in seen if position < len(content)}
        unwritten = any(position >= len(content) for content in seen)
        assert byte in versions or unwritten, "old bytes are one of their versions"


@given(changes=WRITES, seed=st.integers(0, 1000))
def test_synced_bytes_never_change(changes: list[tuple[int, int, bool, int]], seed: int) -> None:
    disk, seen = _written([(o, s, False, t) for o, s, _, t in changes])
    file = disk.open(Path("/d/f"))
    file.fdatasync()
    durable = seen[-1]
    file.append(b"after the sync" * 50)
    for image in disk.images(64):
        cut = disk.image(image.choice)
        assert cut.files[cut.paths()["/d/f"]].durable[: len(durable)] == durable
    cut = disk.crash("any", seed)
    assert cut.files[cut.paths()["/d/f"]].durable[: len(durable)] == durable


@given(changes=WRITES)
@settings(max_examples=60)
def test_enumeration_tells_how_many_there_are(changes: list[tuple[int, int, bool, int]]) -> None:
    disk, _ = _written([(o, s % 700 + 1, y, t) for o, s, y, t in changes])
    images = disk.images(3000, byte_cuts=None)
    if not images.is_exhaustive:
        return
    choices = [image.choice for image in images]
    assert len(choices) == len(set(choices))
    plain = [image for image in images if image.policy != "torn"]
    assert len(plain) == images.legal
    assert len(choices) == images.legal + images.torn
    contents = {disk.image(image.choice).tree_digest() for image in images}
    assert disk.crash("lost").tree_digest() in contents
    assert disk.crash("kept").tree_digest() in contents
    for seed in range(10):
        assert disk.crash("any", seed).tree_digest() in contents, "samples are legal too"


def test_names_need_a_sync_of_their_folder() -> None:
    disk = SimDisk()
    folder = Path("/d")
    disk.make_dir(folder)
    file = disk.open(folder / "new.tmp", create=True)
    file.append(b"data")
    file.fdatasync()
    disk.rename(folder / "new.tmp", folder / "new")
    found = [sorted(disk.image(image.choice).paths()) for image in disk.images()]
    assert found == [["/d"], ["/d", "/d/new.tmp"], ["/d", "/d/new"]]
    disk.fsync_dir(folder)
    disk.open(folder / "other", create=True)
    disk.unlink(folder / "new")
    found = [sorted(disk.image(image.choice).paths()) for image in disk.images()]
    both = [["/d", "/d/new"], ["/d"], ["/d", "/d/new", "/d/other"], ["/d", "/d/other"]]
    assert sorted(found) == sorted(both), "an unlink may overtake what came before it"


def test_a_rename_may_reach_the_disk_before_the_data() -> None:
    disk = SimDisk()
    disk.make_dir(Path("/d"))
    file = disk.open(Path("/d/f.tmp"), create=True)
    file.append(b"data")
    disk.rename(Path("/d/f.tmp"), Path("/d/f"))
    disk.fsync_dir(Path("/d"))
    lost = disk.crash("lost")
    assert lost.files[lost.paths()["/d/f"]].durable == b""


def test_new_sectors_read_as_zeros_garbage_or_a_deleted_file() -> None:
    disk, _ = _written([(0, 1300, False, 1)])
    disk.fsync_dir(Path("/d"))
    bodies = {}
    for image in disk.images(1000, byte_cuts=0):
        cut = disk.image(image.choice)
        bodies[image.policy] = cut.files[cut.paths()["/d/f"]].durable
    assert bodies["length-only"] == bytes(1300)
    assert set(bodies) == {"lost", "kept", "sectors", "garbage", "stale", "length-only"}
    assert b"STALE" in bodies["stale"]
    assert len(set(bodies["garbage"])) > 100


def test_a_lock_is_released_by_a_crash_only() -> None:
    disk = SimDisk()
    disk.make_dir(Path("/d"))
    lock = disk.lock(Path("/d/LOCK"))
    with pytest.raises(StoreLocked):
        disk.lock(Path("/d/LOCK"))
    disk.crash("kept").lock(Path("/d/LOCK"))
    disk.after_kill().lock(Path("/d/LOCK"))
    lock.release()
    disk.lock(Path("/d/LOCK"))


_PROGRAM = """
from pathlib import Path
import veristack_lab.veristore as veristore
from veristack_lab import sim
recording = sim.record(sim.workloads.two_hundred(), sim.HEALTHY, seed=3)
cut = recording.disk_at(200).crash("garbage", 5)
print(recording.trace_hash, cut.tree_digest().hex())
"""


def test_the_same_trace_in_any_process() -> None:
    lines = set()
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        )
        lines.add(done.stdout)
    assert len(lines) == 1
    assert len(lines.pop().split()[0]) == 32


def test_samples_are_the_same_for_the_same_seed() -> None:
    disk, _ = _written([(0, 1300, False, 1), (600, 900, False, 1)])
    rng = random.Random(1)
    for policy in [*POLICIES, "any"]:
        seed = rng.randrange(100)
        first, second = disk.crash(policy, seed), disk.crash(policy, seed)
        assert first.tree_digest() == second.tree_digest()
