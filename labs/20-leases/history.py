"""A seeded history: workers that pause, die, lose replies and call twice, on one table of jobs.

The store of a history is the learner's functions: each call is judged by its law, and the row that
it gives is what the next call sees. Beside that, the world outside keeps its own books: which
attempts counted, and which effects happened. At the end they must agree with the table.
"""

from __future__ import annotations

import contextlib
import hashlib
import random

from veristack_lab.errors import LeaseLost
from veristack_lab.labs.checking import FirstBad

from . import laws
from .rows import LEASE_S, Story, make_job, make_lease, tell

WORKERS = ("w1", "w2", "w3")
STEPS = 4
"""Of each job."""
ROUGH, CALM = 160, 1200
"""Turns with faults, and turns in which every job must come to its end."""
TRIES = 3
"""After this many lost replies to one call, a worker gives its job up without a word."""
KINDS = ("good", "good", "good", "good", "good", "kills", "fails", "hopeless")
"""What the jobs do: end well, kill their worker, fail each time, or be refused for ever."""


class Unreachable(Exception):
    """The worker has no reply. Whether its call took effect, it cannot know."""


class Died(Exception):
    """The worker's process is gone."""


class World:
    """Jobs, workers, a store and its clock.

    Args:
        work: the learner's module.
        seed: of everything that happens.
        whole: with submissions, steps, effects and checkpoints, which task 5 writes.
    """

    def __init__(self, work, seed, *, whole=False):
        self.work, self.seed, self.whole = work, seed, whole
        self.random, self.story = random.Random(seed), Story()
        self.now, self.turn, self.outage, self.down_since = 20.0, 0, (0.0, 0.0), None
        self.rows, self.kinds, self.counted = {}, {}, {}
        self.objects, self.effects = [], []
        self.rough = True
        self.workers = {name: Worker(self, name) for name in WORKERS}
        for number, kind in enumerate(self.random.sample(KINDS, len(KINDS)), 1):
            self._arrive(number, kind)

    def _arrive(self, number, kind):
        new = make_job(
            self.work, f"j{number}", sequence=number, priority=self.random.randrange(3),
            tenant=self.random.choice(["red", "blue"]), key=f"k{number}", body=f"body {number}",
        )  # fmt: skip
        if self.whole:
            new = laws.submit(self.work, list(self.rows.values()), new)
        self.rows[new.job_id] = new
        self.kinds[new.job_id], self.counted[new.job_id] = kind, 0

    @property
    def words(self):
        return f"history {self.seed}, turn {self.turn}: "

    # --------------------------------------------------------------- the store

    def claim(self, worker):
        for job in list(self.rows.values()):
            self._reclaim(job)
        row = laws.claim(
            self.work, list(self.rows.values()), self.now,
            worker=worker, story=self.story, words=self.words,
        )  # fmt: skip
        if row is not None:
            self._write(row, f"{worker} claims")
        return row

    def _reclaim(self, job):
        row = laws.reclaim(
            self.work, job, self.now, self.outage, story=self.story, words=self.words
        )
        if row != job:
            if not laws.was_unreachable(job, LEASE_S, self.outage):
                self.counted[job.job_id] += 1
            self._write(row, "the store takes it back")

    def report(self, name, lease, *rest):
        """A call of a worker that shows its lease."""
        job = self.rows[lease.job_id]
        function = getattr(laws, name)
        row = function(self.work, job, lease, self.now, *rest, story=self.story, words=self.words)
        if row is None:
            self.story.mark(job, self.now, f"epoch {lease.epoch}: {name}, refused")
            raise LeaseLost(lease.job_id)
        if name == "settle":
            self.counted[job.job_id] += rest[0] in ("failed", "not retryable")
        self._write(row, f"epoch {lease.epoch}: {name}")

    def _write(self, row, words):
        before = self.rows[row.job_id]
        self.rows[row.job_id] = row
        self.story.lease(row)
        if row.state != "RUNNING":
            self.story.end(before, self.now)
        if "heartbeat" not in words:
            self.story.mark(row, self.now, words)

    def resume(self, row):
        """What the learner's `resume` says of what is stored by now."""
        found = self.random.sample(self.objects, len(self.objects))
        return laws.resume(self.work, row, found, now=self.now, story=self.story, words=self.words)

    # ------------------------------------------------------- the world outside

    def effect(self, job_id, step, claimed):
        """A step has its effect; `claimed` is the job's row as its worker has claimed it."""
        if step <= claimed.acknowledged:
            raise FirstBad(
                f"{self.words}a worker that has claimed {tell(claimed)} and asked `resume`",
                f"effects of steps after {claimed.acknowledged} only",
                f"step {step} has its effect a second time",
                picture=self.story.picture(claimed, self.now, f"step {step} again"),
            )
        self.effects.append((job_id, step))

    def save(self, lease, step):
        """A worker writes a checkpoint, with or without a lease; its hash."""
        data = f"{lease.job_id} {lease.epoch} {step}".encode()
        sha256 = hashlib.sha256(data).hexdigest()
        is_torn = self.rough and self.random.random() < 0.15
        stored = self.work.Checkpoint(
            lease.job_id, lease.epoch, step, sha256, data[:3] if is_torn else data
        )
        self.objects.append(stored)
        return sha256

    # -------------------------------------------------------------- the turns

    def run(self):
        """All turns, and then the books are compared."""
        for self.turn in range(ROUGH):
            self._pass_time()
            self.workers[self.random.choice(WORKERS)].go_on()
        self._calm_down()
        for self.turn in range(ROUGH, ROUGH + CALM):
            self.now += 0.5
            self.workers[WORKERS[self.turn % len(WORKERS)]].go_on()
            if all(row.state in ("SUCCEEDED", "FAILED") for row in self.rows.values()):
                break
        self._compare()

    def _pass_time(self):
        self.now += self.random.choice([0.0, 0.5, 0.5, 1.0, 2.0])
        chance = self.random.random()
        if self.down_since is not None:
            if chance < 0.25:
                self.outage, self.down_since = (self.down_since, self.now), None
        elif chance < 0.02:
            self.down_since = self.now
            self.now += 0.5
        elif chance < 0.03:
            self.now += 12.0  # the clock was set
        elif chance < 0.04:
            self.now = max(20.0, self.now - 5.0)

    def _calm_down(self):
        self.rough = False
        if self.down_since is not None:
            self.outage, self.down_since = (self.down_since, self.now), None

    def _compare(self):
        for job_id, row in self.rows.items():
            kind, counted = self.kinds[job_id], self.counted[job_id]
            given = f"history {self.seed}, at its end: {tell(row)}, a job that {_does(kind)}"
            picture = self.story.picture(row, self.now, "the end")
            if row.state not in ("SUCCEEDED", "FAILED"):
                raise FirstBad(given, "SUCCEEDED or FAILED", str(row.state), picture=picture)
            if kind != "good" and row.state == "SUCCEEDED":
                raise FirstBad(given, "FAILED", "SUCCEEDED", picture=picture)
            extra = row.state == "SUCCEEDED"
            if row.attempts != counted + extra:
                expected = f"attempts {counted + extra}: as many as were counted"
                raise FirstBad(given, expected, f"attempts {row.attempts}", picture=picture)
            missing = {*range(1, STEPS + 1)} - {step for job, step in self.effects if job == job_id}
            if self.whole and row.state == "SUCCEEDED" and missing:
                expected = f"the effects of steps 1 to {STEPS}"
                raise FirstBad(given, expected, f"none of {sorted(missing)}", picture=picture)


def _does(kind):
    return {"good": "ends well", "kills": "kills its workers", "fails": "fails each time"}.get(
        kind, "cannot succeed"
    )


class Worker:
    """A process that works on jobs. One that dies is started again under the same name."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self._begin()

    def _begin(self):
        self._life, self._request, self._sleeps_until = self._live(), None, 0
        self._request = next(self._life)

    def go_on(self):
        """One turn: the next call is made, unless the worker is paused or the store is down."""
        world = self.world
        if world.turn < self._sleeps_until:
            return
        chance = world.random.random() if world.rough else 1.0
        if chance < 0.03:
            self._begin()
        elif chance < 0.08:
            self._sleeps_until = world.turn + world.random.randrange(10, 60)
        elif world.down_since is not None:
            self._hear(Unreachable())
        else:
            self._call(loses=chance < 0.18, twice=0.18 <= chance < 0.25)

    def _call(self, *, loses, twice):
        name, *details = self._request
        try:
            if name == "die":
                raise Died
            answer = getattr(self.world, name)(*details)
            if twice and name == "report":
                self._quietly(details)
        except (LeaseLost, Died) as error:
            self._hear(Unreachable() if loses and name == "report" else error)
        else:
            self._hear(Unreachable()) if loses else self._hear(answer)

    def _quietly(self, details):
        """The same call arrives once more; the worker hears nothing of it."""
        with contextlib.suppress(LeaseLost):
            self.world.report(*details)

    def _hear(self, answer):
        try:
            if isinstance(answer, Died):
                self._begin()
            elif isinstance(answer, Exception):
                self._request = self._life.throw(answer)
            else:
                self._request = self._life.send(answer)
        except StopIteration:
            self._begin()

    # ------------------------------------------------ what the worker wants

    def _live(self):
        while True:
            try:
                row = yield from self._ask("claim", self.name)
                if row is not None:
                    yield from self._work_on(row)
            except (LeaseLost, Unreachable):
                continue  # it has lost the job, or gives it up without a word

    def _ask(self, *request):
        """The reply; a call whose reply is lost is made again."""
        for _ in range(TRIES - 1):
            try:
                return (yield request)
            except Unreachable:
                continue
        return (yield request)

    def _report(self, name, row, *rest):
        skew = {"w1": 0.0, "w2": 40.0, "w3": -40.0}[self.name]
        lease = make_lease(self.world.work, row, worker=self.name, shown_at=self.world.now + skew)
        yield from self._ask("report", name, lease, *rest)

    def _work_on(self, row):
        world, kind = self.world, self.world.kinds[row.job_id]
        first_effect, begin = 1, 1
        if world.whole:
            place = yield from self._ask("resume", row)
            if place is None:
                yield from self._report("settle", row, "not retryable", "no checkpoint is whole")
                return
            first_effect, begin = place[1], place[0].step + 1 if place[0] else 1
        if kind == "kills":
            yield ("die",)
        for step in range(begin, STEPS + 1):
            yield from self._report("heartbeat", row)
            ending = self._ending(kind)
            if ending:
                yield from self._report("settle", row, ending, f"{kind} at step {step}")
                return
            if world.whole:
                yield from self._step(row, step, first_effect)
        yield from self._report("settle", row, "succeeded", "")

    def _ending(self, kind):
        """How the attempt ends in this step; empty when it goes on."""
        if kind in ("fails", "hopeless"):
            return "failed" if kind == "fails" else "not retryable"
        if self.world.rough and self.world.random.random() < 0.12:
            return self.world.random.choice(["outage", "preempted", "released"])
        return ""

    def _step(self, row, step, first_effect):
        if step >= first_effect:
            self.world.effect(row.job_id, step, row)
        sha256 = ""
        if self.world.random.random() < 0.6:
            sha256 = self.world.save(make_lease(self.world.work, row), step)
        yield from self._report("acknowledge", row, step, sha256)
