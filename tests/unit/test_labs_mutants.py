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
