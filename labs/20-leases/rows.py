"""Rows of jobs for the checks of lab 20: how they are made, told, drawn and compared."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from veristack_lab.labs.checking import FirstBad, bad, call, raising_is_bad, show
from veristack_lab.labs.pictures import of_spans

LEASE_S = 10.0
CAP_S, BASE_S = 60.0, 2.0
ALWAYS = ("job_id", "tenant", "priority", "sequence", "body", "key", "max_attempts")
KEPT = (*ALWAYS, "state", "attempts", "epoch", "acknowledged")
"""Fields that stay as they are unless a law says otherwise. What the rest means depends on the
state of the job, so a law has to name it."""
SHOWN_MARKS = 6


class Story:
    """The leases of each job and what was called, by the store's clock: for pictures."""

    def __init__(self):
        self.spans, self.marks, self.known = {}, {}, set()

    def lease(self, job, lease_s=LEASE_S):
        """A row as it is now: its lease, if it is under one."""
        self.known.add(job.job_id)
        spans = self.spans.setdefault(job.job_id, [])
        if job.state != "RUNNING":
            return
        name = f"{job.worker or 'worker'}, epoch {job.epoch}"
        began, ends = job.lease_expires_at - lease_s, job.lease_expires_at
        if spans and spans[-1][0] == name:
            spans[-1] = (name, spans[-1][1], ends)
        else:
            spans.append((name, began, ends))

    def end(self, job, now):
        """The job's lease has ended at this time."""
        spans = self.spans.get(job.job_id)
        if spans and spans[-1][1] <= now < spans[-1][2]:
            spans[-1] = (*spans[-1][:2], now)

    def mark(self, job, now, words):
        self.marks.setdefault(job.job_id, []).append((now, words))

    def picture(self, job, now, words):
        """The job's leases, and this call, which is the bad one."""
        if job.job_id not in self.known:
            self.lease(job)
        marks = [*self.marks.get(job.job_id, [])[-SHOWN_MARKS:], (now, words)]
        title = f"the leases of {job.job_id}, in seconds of the store's clock"
        return of_spans(title, self.spans.get(job.job_id, []), marks, len(marks) - 1)


def make_job(work, job_id="j1", **fields):
    """A row; what is not given is as in a new job."""
    plain = {"tenant": "red", "priority": 0, "sequence": 1, "body": "train"}
    state = fields.pop("state", None)
    with raising_is_bad(work, f"Job({job_id!r}, ...)", "a row"):
        if state is not None:
            fields["state"] = work.JobState(state)
        return work.Job(job_id=job_id, **{**plain, **fields})


def running(work, job_id="j1", **fields):
    """A row under a lease of `w1`: epoch 3, until 30."""
    held = {"state": "RUNNING", "worker": "w1", "epoch": 3, "attempts": 1, "lease_expires_at": 30.0}
    return make_job(work, job_id, **{**held, **fields})


def make_lease(work, job, *, epoch=None, worker="w1", shown_at=21.0):
    """What the worker of a row shows, or one that was its worker at an earlier epoch."""
    with raising_is_bad(work, "Lease(...)", "a lease"):
        return work.Lease(job.job_id, job.epoch if epoch is None else epoch, worker, shown_at)


def table(*jobs):
    """Rows by id, as a learner's function gets them."""
    return MappingProxyType({job.job_id: job for job in jobs})


def tell(row):
    """A row in words: what matters in its state."""
    if not hasattr(row, "lease_expires_at"):
        return show(row)
    facts = {
        "QUEUED": f", from {row.next_attempt_at:g} on",
        "RUNNING": f" by {row.worker}, lease until {row.lease_expires_at:g}",
        "FAILED": f", reason {row.reason!r}",
    }
    told = f"{row.job_id}: {row.state}{facts.get(str(row.state), '')}, epoch {row.epoch}"
    told += f", attempts {row.attempts} of {row.max_attempts}"
    if row.acknowledged or row.checkpoints:
        saved = ", ".join(f"{each.epoch}/{each.step}" for each in row.checkpoints)
        told += f", acknowledged {row.acknowledged}, checkpoints (epoch/step) [{saved}]"
    return f"<{told}>"


def tell_lease(lease):
    return f"<lease of {lease.worker}, epoch {lease.epoch}, shown at {lease.shown_at:g}>"


def tell_queue(job):
    facts = f"priority {job.priority}, number {job.sequence}, tenant {job.tenant}"
    when = f" from {job.next_attempt_at:g} on" if job.state == "QUEUED" else ""
    return f"{job.job_id} ({job.state}{when}, {facts})"


def ask(work, name, *arguments, given, expected, picture=None, raises=()):
    """The answer of the learner's function, or the error of these classes that it raised.

    It is asked twice, with rows and objects in another order: a pure function says the same.
    """
    try:
        first = _once(work, name, arguments, given, expected, raises)
        second = _once(work, name, _reversed(arguments), given, expected, raises)
        if type(first) is not type(second) or (first != second and not _is_error(first)):
            told = f"first {_brief(first)}, then {_brief(second)}"
            bad("the same answer when it is asked again, with the rows in another order", told)
    except FirstBad as event:
        event.picture = event.picture or (picture() if picture else None)
        raise
    return first


def _once(work, name, arguments, given, expected, raises):
    try:
        return call(work, name, *arguments, given=given, expected=expected, but=raises)
    except raises as error:
        return error


def _is_error(answer):
    return isinstance(answer, Exception)


def _brief(answer):
    return f"{type(answer).__name__} raised" if _is_error(answer) else tell(answer)


def _reversed(arguments):
    other = []
    for argument in arguments:
        if isinstance(argument, Mapping):
            argument = MappingProxyType(dict(reversed(argument.items())))
        elif isinstance(argument, list):
            argument = argument[::-1]
        other.append(argument)
    return other


class Law:
    """What a field has to be, when more than one value will do."""

    def __init__(self, words, holds):
        self.words, self.holds = words, holds


def at_least(number):
    return Law(f"{number} or more", lambda value: type(value) is int and value >= number)


def above(number):
    return Law(f"more than {number}", lambda value: type(value) is int and value > number)


def within(first, last):
    """A time between these two, both included."""
    return Law(
        f"between {first:g} and {last:g}",
        lambda value: (
            isinstance(value, int | float) and first - 1e-6 <= value <= last + 1e-6  # no nan either
        ),
    )


def expect_row(work, got, before, picture, **laws):
    """The row is the one before, with these fields as the laws say. Raises FirstBad."""
    if not isinstance(got, work.Job):
        bad("a Job: the row as it is to be written", show(got), picture=picture())
    wanted = {name: getattr(before, name) for name in KEPT} | laws
    if "checkpoints" not in laws:
        wanted["checkpoints"] = before.checkpoints
    for name, law in wanted.items():
        value = getattr(got, name)
        if name == "checkpoints":
            if not isinstance(value, tuple | list) or set(value) != set(law):
                bad(f"checkpoints {_brief_set(law)}", _brief_set(value), picture=picture())
            continue
        if name == "state" and not isinstance(value, work.JobState):
            bad(f"state JobState.{law}", f"state {show(value)}", picture=picture())
        if not isinstance(law, Law):
            law = (
                within(law, law) if type(law) is float else Law(show(law), lambda v, w=law: v == w)
            )
        if not law.holds(value):
            bad(f"{name} {law.words} in {tell(got)}", f"{name} {show(value)}", picture=picture())


def _brief_set(recorded):
    try:
        return str(sorted((each.epoch, each.step, each.sha256[:6]) for each in recorded))
    except (AttributeError, TypeError):
        return show(recorded)
