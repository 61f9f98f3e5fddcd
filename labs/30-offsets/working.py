"""The checks of task 5: workers in a group, under crashes, outages and rebalances.

Whatever the schedule: search never finds an older version again, each committed offset is true
(see judging.Auditor), and in the end all is read, and search finds the newest of each document.
"""

from __future__ import annotations

import random

from veristack_lab.labs.checking import check, show

from .acting import run
from .broker import Seat
from .judging import Auditor, Reader, newest
from .world import POISON, Access, Fault, World

ROUNDS = 120
"""More steps than any schedule here needs until all is read."""


class Stage:
    """A log full of events, and workers that read it.

    Args:
        work: the learner's module.
        seed: of the events.
        count: how many.
        gap: the log leaves out one offset after each `gap` of them.
        poison: the share of texts that the engine refuses.
    """

    def __init__(self, work, seed=0, *, count=14, gap=0, poison=0.0, partitions=2):
        self.work, self.chance = work, random.Random(seed)
        self.world = World(work, partitions=partitions, gap=gap)
        self.events, self.number, self.workers = [], 0, {}
        versions = {}
        for n in range(count):
            document = self.chance.choice("abcd")
            versions[document] = versions.get(document, 0) + 1
            mark = f" {POISON}" if self.chance.random() < poison else ""
            text = None if self.chance.random() < 0.15 else f"{document} text {n}{mark}"
            self.append(work.Event(document, versions[document], text))
        self.reader = Reader(self.world, self.events)
        self.auditor = Auditor(self.world, self.reader)
        self.most_steps = 0

    def append(self, event):
        self.events.append(event)
        self.world.log["abcd".index(event.document) % len(self.world.log)].append(event)

    def join(self):
        """A worker begins, and the partitions are divided anew."""
        self.number += 1
        access = Access(self.world, f"worker {self.number}")
        seat = Seat(access)
        database, engine = access.database, access.engine
        worker, _ = run(self.world, "Worker(database, engine, consumer)", "a worker",
                        lambda: self.work.Worker(database, engine, seat))  # fmt: skip
        self.workers[access.name] = (access, seat, worker)
        self.rebalance()
        return access.name

    def rebalance(self, shift=0):
        """A new generation; workers that died have left."""
        self.workers = {n: w for n, w in self.workers.items() if not w[0].dead}
        self.world.group.rebalance([seat for _, seat, _ in self.workers.values()], shift)

    def step(self, name, *, given=""):
        """One step of a worker; its answer, or None if it died."""
        _, seat, worker = self.workers[name]
        told = f"{given}; {name} makes a step" if given else f"{name} makes a step"
        self.world.rows.append((name, "step"))
        got, died = run(self.world, told, "an end without an error", worker.step)
        if died is None and type(got) is not bool:
            raise self.world.bad(told, "True or False", show(got))
        self.expect_bounded(told, seat)
        return got

    def expect_bounded(self, told, seat):
        open_records = sum(
            not self.reader.is_settled(event)
            for partition, taken in seat.taken.items()
            for offset, event in self.world.log[partition].records
            if offset in taken
        )
        if open_records > self.work.MAX_IN_WORK:
            expected = f"at most {self.work.MAX_IN_WORK} records taken and not finished"
            raise self.world.bad(told, expected, str(open_records))

    def drain(self, given):
        """Steps of all workers in turn until all is committed; then search must find all."""
        self.world.fault, self.world.away = None, set()
        self.world.moment = lambda access, told: None
        self.rebalance()
        if not self.workers:
            self.join()
        for _ in range(ROUNDS):
            if self.is_all_committed():
                break
            for name in list(self.workers):
                if self.step(name, given=f"{given}; then all is well") is not True:
                    told = f"{given}; then all is well, and {name} makes a step"
                    raise self.world.bad(told, "True: nothing is away", "False")
        else:
            ends = [partition.end for partition in self.world.log]
            got = f"{self.world.group.committed} committed, of ends {ends}"
            told = f"{given}; then all is well, and {ROUNDS} steps of each worker"
            raise self.world.bad(told, "every offset committed", got)
        self.expect_all(given)

    def is_all_committed(self):
        committed = self.world.group.committed
        return all(committed.get(n, 0) >= p.end for n, p in enumerate(self.world.log))

    def expect_all(self, given):
        for document in sorted({event.document for event in self.events}):
            wanted, got = newest(self.events, document), self.reader.text(document)
            if got != wanted:
                expected = f"search finds of {document}: {show(wanted) if wanted else 'nothing'}"
                raise self.world.bad(f"{given}; all is committed", expected, show(got))
        for letter in self.world.all("dead_letters"):
            if POISON not in (letter.event.text or ""):
                raise self.world.bad(given, "dead letters of refused texts only", show(letter))


@check("5", "one worker reads all; offsets are committed, in a log with gaps too")
def reads_all(work):
    for gap in (0, 3):
        for count in (0, 1, 14, 40):
            stage = Stage(work, count, count=count, gap=gap)
            stage.join()
            stage.drain(f"{count} events, one worker")


@check("5", "poison in the log: tried MAX_ATTEMPTS times and parked; its partition goes on")
def poison(work):
    for share in (0.15, 0.5, 1.0):
        stage = Stage(work, 3, count=30, poison=share, partitions=1)
        stage.join()
        stage.drain(f"{share:.0%} of the texts are refused")
        most = work.MAX_ATTEMPTS * sum(POISON in (e.text or "") for e in stage.events)
        if stage.world.refusals > most:
            given = f"{share:.0%} of the texts are refused"
            raise stage.world.bad(given, f"{most} attempts at most", str(stage.world.refusals))


@check("5", "a refused text is first in the log: others are applied before it is parked")
def others_go_on(work):
    stage = Stage(work, count=0, partitions=1)
    for number, document in enumerate("abcd"):
        mark = POISON if number == 0 else ""
        stage.append(work.Event(document, 1, f"{document} text {number}{mark}"))
    stage.reader = Reader(stage.world, stage.events)
    stage.auditor = Auditor(stage.world, stage.reader)
    name, before = stage.join(), []

    def look(changed):
        stage.reader.look(changed)
        if any(table == "dead_letters" for table, _ in changed):
            before.append(bool(stage.world.all("chunks")))

    stage.world.after_commit = look
    for _ in range(ROUNDS):
        stage.step(name)
        if before:
            break
    if before == [False]:
        given = "the first text in the log is refused, and the next ones are good"
        expected = "some of them applied before the first is parked"
        raise stage.world.bad(given, expected, "none: they wait behind it")
    stage.drain("the first text in the log is refused")


@check("5", "an outage: False, one call of what is away, no attempt spent, nothing piles up")
def outage(work):
    for away in ("engine", "database", "group"):
        for steps_before in (0, 1, 2):
            stage = Stage(work, 5, count=30, poison=0.3)
            name = stage.join()
            for _ in range(steps_before):
                stage.step(name)
            during_outage(work, stage, name, away)
            stage.drain(f"the {away} was away for ten steps")


def during_outage(work, stage, name, away):
    stage.world.away = {away}
    refusals = stage.world.refusals
    touched = 0
    for _ in range(10):
        before = len(stage.world.rows)
        got = stage.step(name, given=f"the {away} is away")
        calls = sum("(does not answer)" in what for _, what in stage.world.rows[before:])
        touched += calls
        if calls and got is not False:
            told = f"the {away} is away, and {name} makes a step"
            raise stage.world.bad(told, "False: a pause is due", show(got))
        if calls > 1:
            told = f"the {away} is away, and {name} makes one step"
            raise stage.world.bad(told, f"one call of the {away}, then a pause", f"{calls} calls")
    if stage.world.refusals - refusals > work.MAX_ATTEMPTS * work.MAX_IN_WORK:
        told = f"the {away} is away for ten steps"
        raise stage.world.bad(told, "no attempt is spent", f"{stage.world.refusals - refusals}")


@check("5", "the worker dies, or something is away, at any call: nothing is lost")
def every_call(work):
    for kind in ("crash", "late crash", "away", "unsure"):
        number = 0
        while True:
            stage = Stage(work, 7, count=6, poison=0.3, gap=4)
            name = stage.join()
            stage.world.calls = 0
            fault = stage.world.fault = Fault(kind, number)
            given = f"{kind} at call {number + 1}"
            for _ in range(4):
                if name in stage.workers and not stage.workers[name][0].dead:
                    stage.step(name, given=given)
            if not fault.struck:
                break
            stage.drain(str(fault))
            number += 3 if number > 60 else 1


@check("5", "the partitions are divided anew at any moment, and another worker goes on meanwhile")
def rebalanced(work):
    for shift in (0, 1):
        wanted = 0
        while divided_at(work, shift, wanted):
            wanted += 1


def divided_at(work, shift, wanted):
    """A rebalance at one moment of two steps of worker 1; whether there was such a moment."""
    stage = Stage(work, 11, count=10, poison=0.2)
    first, second = stage.join(), stage.join()
    stage.rebalance(shift)
    seen = [0, False]

    def moment(access, told):
        if access.name != first or seen[1]:
            return
        if seen[0] == wanted:
            seen[1] = True
            stage.rebalance(1 - shift)
            for _ in range(5):
                stage.step(second)
        seen[0] += 1

    stage.world.moment = moment
    for _ in range(3):
        stage.step(first, given=f"divided anew at moment {wanted + 1} of {first}")
    if seen[1]:
        stage.rebalance(shift)
        stage.drain(f"divided anew at moment {wanted + 1} of {first}")
    return seen[1]


@check("5", "any schedule of workers, rebalances, deaths and outages: nothing lost, nothing old")
def any_schedule(work):
    for seed in range(50):
        stage = Stage(work, seed, count=16, gap=seed % 5, poison=0.2, partitions=1 + seed % 4)
        stage.join()
        stage.join()
        inside = [False]

        def moment(access, told, stage=stage, inside=inside):
            if not inside[0] and stage.chance.random() < 0.08:
                inside[0] = True
                something(stage, access)
                inside[0] = False

        stage.world.moment = moment
        for _ in range(20):
            names = [n for n, w in stage.workers.items() if not w[0].dead]
            if not names:
                names = [stage.join()]
            stage.step(stage.chance.choice(names), given=f"schedule {seed}")
        stage.drain(f"schedule {seed}")


def something(stage, access):
    """What may happen between two calls of a worker."""
    move = stage.chance.random()
    others = [n for n, w in stage.workers.items() if w[0] is not access and not w[0].dead]
    if move < 0.3:
        stage.rebalance(stage.chance.randrange(3))
    elif move < 0.7 and others:
        for _ in range(stage.chance.randrange(1, 4)):
            stage.step(others[0])
    elif move < 0.8:
        stage.world.away ^= {stage.chance.choice(["engine", "database", "group"])}
    elif move < 0.9 and len(stage.workers) < 5:
        stage.join()
    elif others:
        access.dead = True
        stage.world.note(access.name, "dies")
        stage.rebalance()
