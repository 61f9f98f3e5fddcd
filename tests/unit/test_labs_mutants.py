"""The graders are graded: plausible wrong solutions must each fail the check that names their law.

A mutant is the reference solution with one thing done wrong, in the way people do it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from veristack_lab.labs import manifest, runner


@dataclass(frozen=True)
class Mutant:
    lab: str
    what: str
    old: str
    new: str
    caught_by: str
    """Words of the title of the check that must fail."""


MUTANTS = [
    Mutant(
        "01",
        "a register that begins with zeroes",
        "value ^ ALL_ONES",
        "value",
        "zeroes at the start",
    ),
    Mutant(
        "02",
        "OK before the sync",
        "        data = data[os.write(fd, data) :]\n    os.fsync(fd)",
        "        data = data[os.write(fd, data) :]",
        "the disk has it before append returns",
    ),
    Mutant(
        "02",
        "a short write taken for a whole one",
        "    while data:\n        data = data[os.write(fd, data) :]",
        "    os.write(fd, data)",
        "7 bytes at a time",
    ),
    Mutant(
        "02",
        "a length believed before its checksum",
        "length > MAX_LENGTH or end > len(buffer)",
        "end > len(buffer)",
        "a length is not believed",
    ),
    Mutant(
        "02",
        "a torn tail left in the log",
        "        os.ftruncate(fd, end)\n        os.fsync(fd)",
        "        pass",
        "opened, appended to, opened again",
    ),
    Mutant(
        "02",
        "an older life of the file believed",
        "record.epoch != epoch or ",
        "",
        "an earlier life",
    ),
    Mutant(
        "03",
        "LSNs given before the sync",
        """    log.sync()
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
""",
        """    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
    log.sync()
""",
        "no LSN before the sync has returned",
    ),
    Mutant(
        "03",
        "one sync a record",
        """    first_lsn = log.append([writer.record for writer in group])
    log.sync()
    for number, writer in enumerate(group):
        writer.lsn = first_lsn + number
""",
        """    for writer in group:
        first_lsn = log.append([writer.record])
        log.sync()
        writer.lsn = first_lsn
""",
        "one append, one sync",
    ),
    Mutant(
        "03",
        "a failed sync called again",
        "    log.sync()\n",
        "    try:\n        log.sync()\n    except OSError:\n        log.sync()\n",
        "not tried again",
    ),
    Mutant(
        "03",
        "look and leap under two holds of the mutex",
        """            self.queue.append(writer)
            if not self.led:
""",
        """            self.queue.append(writer)
        if not self.led:
            with self.mutex:
""",
        "the mutex is held from look to leap",
    ),
    Mutant(
        "03",
        "a leader that is not in its own group",
        """            self.queue.append(writer)
            if not self.led:
                self.led = writer.leads = True
""",
        """            if not self.led:
                self.led = writer.leads = True
            else:
                self.queue.append(writer)
""",
        "all are queued, the leader too",
    ),
    Mutant(
        "03",
        "those in the queue not told of a failure",
        "failed = group + self.queue",
        "failed = group",
        "the group and the queue hear of it",
    ),
    Mutant(
        "03",
        "a failure that is forgotten",
        "self.failure = reason =",
        "reason =",
        "those who come later hear of it",
    ),
    Mutant(
        "03",
        "everybody woken before the sync",
        "        try:\n            write_group",
        "        for writer in group:\n            writer.wake()\n"
        "        try:\n            write_group",
        "nobody is woken before the sync",
    ),
    Mutant(
        "03",
        "the mutex held while the disk works",
        """            group, self.queue = self.queue, []
        try:
            write_group(self.log, group)
        except""",
        """            group, self.queue = self.queue, []
        try:
            with self.mutex:
                write_group(self.log, group)
        except""",
        "others can join while the disk is at work",
    ),
    Mutant(
        "03",
        "the whole herd woken",
        """                self.queue[0].wake()
""",
        """                for waiting in self.queue:
                    waiting.wake()
""",
        "no herd",
    ),
    Mutant(
        "03",
        "a lead that is kept by nobody",
        "self.led = bool(self.queue)\n            if self.led:",
        "if self.queue:",
        "nobody leads",
    ),
    Mutant(
        "03",
        "those who came meanwhile told OK with the group",
        """        for writer in group:
            writer.wake()
        with self.mutex:
""",
        """        with self.mutex:
            for writer in self.queue:
                writer.lsn = group[-1].lsn + 1
            group, self.queue = group + self.queue, []
            for writer in group:
                writer.wake()
""",
        "no herd",
    ),
    Mutant(
        "03",
        "OK without waiting",
        """        if not writer.leads:
            writer.wait()
        if writer.leads:""",
        """        if writer.leads:""",
        "share the next one",
    ),
    Mutant(
        "03",
        "an error that is swallowed",
        """        if writer.error:
            raise StoreFailed(writer.error)
        return""",
        """        return""",
        "a sync that fails: its group, those who wait",
    ),
    Mutant(
        "04",
        "bucket and name joined by a slash",
        'return META + len(name).to_bytes(2, "big") + name',
        'return META + name + b"/"',
        "no two objects share a key",
    ),
    Mutant(
        "04",
        "chunks numbered in text",
        'number.to_bytes(4, "big")',
        "str(number).encode()",
        "chunks in the order of their numbers",
    ),
    Mutant(
        "04",
        "metadata before the chunks",
        """            starts = range(0, len(data), CHUNK_BYTES)
            for number, start in enumerate(starts):
""",
        """            starts = range(0, len(data), CHUNK_BYTES)
            self.store.put(meta_key(bucket, name), Meta(object_id, len(starts)).encode())
            for number, start in enumerate(starts):
""",
        "a new object, the power cut before every operation",
    ),
    Mutant(
        "04",
        "the old content overwritten in place",
        "        object_id = self.new_id()\n",
        "        old = self.store.get(meta_key(bucket, name))\n"
        "        object_id = Meta.decode(old).object_id if old else self.new_id()\n",
        "an overwrite, the power cut before every operation",
    ),
    Mutant(
        "04",
        "deleted first, then written anew",
        "        object_id = self.new_id()\n",
        "        self.delete(bucket, name)\n        object_id = self.new_id()\n",
        "an overwrite, the power cut before every operation",
    ),
    Mutant(
        "04",
        "the old chunks removed before the commit",
        "batch.delete(chunk_key(replaced.object_id, number))",
        "self.store.delete(chunk_key(replaced.object_id, number))",
        "an overwrite, the power cut before every operation",
    ),
    Mutant(
        "04",
        "the old chunks left behind",
        "for number in range(replaced.chunks):",
        "for number in range(0):",
        "an overwrite takes the old chunks with it",
    ),
    Mutant(
        "04",
        "an upload that nobody knows of",
        "        self.open_uploads.add(object_id)\n",
        "",
        "an upload is open from before its first chunk",
    ),
    Mutant(
        "04",
        "an upload that is closed before its commit",
        "            key = meta_key(bucket, name)\n            batch = Batch()",
        "            self.open_uploads.discard(object_id)\n"
        "            key = meta_key(bucket, name)\n            batch = Batch()",
        "an upload is open from before its first chunk",
    ),
    Mutant(
        "04",
        "a reader that takes a replacement for damage",
        "            if record == seen:",
        "            if seen is not None:",
        "replaced between any two reads",
    ),
    Mutant(
        "04",
        "a reader that leaves out what is missing",
        "            if len(chunks) == meta.chunks:",
        "            if True:",
        "replaced between any two reads",
    ),
    Mutant(
        "04",
        "a reader that never gives up",
        "            if record == seen:",
        "            if False:",
        "what is broken is StoreCorrupt",
    ),
    Mutant(
        "04",
        "chunks deleted before the metadata",
        "                batch.delete(chunk_key(meta.object_id, number))",
        "                self.store.delete(chunk_key(meta.object_id, number))",
        "the power cut before every operation: whole, or not there",
    ),
    Mutant(
        "04",
        "a delete that leaves the chunks",
        "            for number in range(meta.chunks):\n                batch.delete(",
        "            for number in range(0):\n                batch.delete(",
        "gone with all its chunks",
    ),
    Mutant(
        "04",
        "a collector that eats an upload in flight",
        "needed = set(self.open_uploads)",
        "needed = set()",
        "run between any two operations of an upload",
    ),
    Mutant(
        "04",
        "a collector that looks at the metadata first",
        """        needed = set(self.open_uploads)
        needed |= {Meta.decode(value).object_id for _, value in self.store.scan(META)}
""",
        """        needed = {Meta.decode(value).object_id for _, value in self.store.scan(META)}
        needed |= set(self.open_uploads)
""",
        "commits between any two steps of the collector",
    ),
    Mutant(
        "04",
        "a collector that lists the chunks last",
        """        found = [key for key, _ in self.store.scan(CHUNK)]
        needed = set(self.open_uploads)
        needed |= {Meta.decode(value).object_id for _, value in self.store.scan(META)}
""",
        """        needed = set(self.open_uploads)
        needed |= {Meta.decode(value).object_id for _, value in self.store.scan(META)}
        found = [key for key, _ in self.store.scan(CHUNK)]
""",
        "an upload that begins between any two steps of the collector",
    ),
    Mutant(
        "04",
        "a collector that forgets what it was asked to sweep",
        "        for key in dead:\n            self.store.delete(key)\n",
        "",
        "chunks that nobody needs go",
    ),
]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[f"{m.lab}: {m.what}" for m in MUTANTS])
def test_a_wrong_solution_fails_the_check_of_its_law(mutant: Mutant, folder: Path) -> None:
    lab = manifest.find(mutant.lab)
    assert lab.solution.count(mutant.old) == 1
    work = folder / lab.file
    work.write_text(lab.solution.replace(mutant.old, mutant.new))
    failed = [o for o in runner.run_checks(lab, work) if o.state == runner.FAILED]
    assert [outcome for outcome in failed if mutant.caught_by in outcome.title], failed
    assert all(outcome.given and outcome.expected and outcome.got for outcome in failed)
