"""The checks of task 5: what starts, what waits and what is refused."""

from __future__ import annotations

import random
from copy import deepcopy

from veristack_lab.errors import AdmissionRejected, InvalidInput, PromptTooLong
from veristack_lab.labs.checking import call, check, describe, show

from .oracle import blocks_of, request_of
from .watched import Watched, words_of

SEEDS = range(200, 240)
STEPS = 80
REFUSALS = (PromptTooLong, AdmissionRejected, InvalidInput)


class Door(Watched):
    """The learner's admission in front of the learner's pool, and the queue as it has to be."""

    def __init__(self, work, total, max_waiting=100):
        super().__init__(work, total)
        self.max_waiting, self.waiting = max_waiting, []
        given = f"Admission(a pool of {total}, max_waiting={max_waiting})"
        self.admission = call(
            work, "Admission", self.pool, max_waiting, given=given, expected="an admission"
        )

    def submit(self, name, word, rest=1, blocks=0):
        """A request comes."""
        request = request_of(self.work, name, word, rest, blocks)
        error, fits = None, not self.waiting and self.books.plan(request) is not None
        if blocks_of(request) > self.total:
            error = PromptTooLong
        elif name in self.books.running or name in [waiting.name for waiting in self.waiting]:
            error = InvalidInput
        elif not fits and len(self.waiting) >= self.max_waiting:
            error = AdmissionRejected
        given = f"submit({words_of(request)}) before a pool of {self.total}{self.state()}"
        if error is None:
            self.waiting.append(request)
        self.act("submit", request, name, given, error)

    def finish(self, name):
        """A request ends, or its client has gone."""
        error = None
        given = f"finish({name!r}){self.state()}"
        if name in [request.name for request in self.waiting]:
            self.waiting = [request for request in self.waiting if request.name != name]
        elif name in self.books.running:
            self.story.append((name, "ends"))
            self.books.give(name)
        else:
            error = InvalidInput
        self.act("finish", name, name, given, error)

    def state(self):
        """Who runs and who waits, in words."""
        running = ", ".join(self.books.running) or "no request"
        waiting = ", ".join(request.name for request in self.waiting) or "no request"
        return f"; {running} running, {waiting} waiting"

    def act(self, method, argument, name, given, error):
        """One call of the admission; every grant is held to the books, in order."""
        expected = error.__name__ if error else f"grants for {self.next_names() or 'no request'}"
        try:
            grants = self.call(
                self.admission, method, argument, given=given, expected=expected, but=REFUSALS
            )
        except REFUSALS as refused:
            self.story.append((name, f"{method}: {type(refused).__name__}"))
            if type(refused) is not error:
                self.refuse(expected, describe(refused))
            self.same_cache(given)
            return
        self.story.append((name, method))
        if error:
            self.refuse(expected, show(grants))
        if not isinstance(grants, list):
            self.refuse(f"a list of {expected}", show(grants))
        self.started(grants, given, expected)

    def next_names(self):
        """Which requests have to start now, in words: those from the front that fit."""
        books, found = deepcopy(self.books), []
        for request in self.waiting:
            if (plan := books.plan(request)) is None:
                break
            books.take(request, plan, books.legal_table(request, plan))
            found.append(request.name)
        return ", ".join(found)

    def started(self, grants, given, expected):
        for grant in grants:
            name = getattr(grant, "name", None)
            plan = self.books.plan(self.waiting[0]) if self.waiting else None
            if plan is None or name != self.waiting[0].name:
                self.refuse(expected, f"a grant for {show(name)}")
            before = dict(self.books.numbers)
            table = self.grant_alone(self.waiting.pop(0), plan, grant, "starts:")
            self.keeps_nothing(given, plan, before, table)
        if self.waiting and self.books.plan(self.waiting[0]) is not None:
            first = self.waiting[0].name
            self.refuse(expected, f"no grant for {first}, which is first in the queue and fits")
        self.same_cache(given)


@check("5", "what fits starts at once, and a grant says with which blocks")
def at_once(work):
    door = Door(work, 12)
    door.submit("r1", "AB")
    door.submit("r2", "ABC", rest=0)
    door.submit("r3", "", blocks=5)
    door.finish("r2")
    door.submit("r4", "ABCD", rest=0)
    for name in ("r1", "r3", "r4"):
        door.finish(name)
    door.submit("all", "ABCD", blocks=12)
    door.finish("all")


@check("5", "what can never fit is refused at once, answer included, and is forgotten")
def never(work):
    for busy in (False, True):
        door = Door(work, 6)
        if busy:
            door.submit("r1", "ABCDE", rest=0)
        door.submit("large", "ABCDEFG")
        door.submit("talker", "A", blocks=7)
        door.submit("cached", "ABCDE", blocks=7)
        if busy:
            door.finish("r1")
        door.submit("large", "ABCDE", blocks=6)
        door.finish("large")
        door.submit("talker", "A", blocks=6)
        door.submit("cached", "ABCDE", blocks=60)


@check("5", "what does not fit now waits, and starts as soon as it fits")
def waits(work):
    door = Door(work, 6)
    door.submit("r1", "AB", blocks=4)
    door.submit("r2", "XYZ", blocks=4)
    door.finish("r1")
    door.submit("r3", "XYZ", blocks=6)
    door.finish("r2")
    door.finish("r3")
    # One end may let several start.
    door.submit("all", "", blocks=6)
    for number in range(5):
        door.submit(f"s{number}", "AB"[: number % 3], blocks=3)
    door.finish("all")
    for number in range(5):
        door.finish(f"s{number}")


@check("5", "first come, first served: no small one overtakes, and the large one starts")
def in_order(work):
    door = Door(work, 8)
    door.submit("r1", "AB", blocks=4)
    door.submit("r2", "", blocks=2)
    door.submit("large", "ABCDE", blocks=8)
    for number in range(6):
        door.submit(f"small{number}", "", blocks=1)
    # What waits could share a cached prefix, and still does not overtake.
    door.submit("cached", "AB", rest=1)
    door.finish("r2")
    door.submit("late", "")
    door.finish("r1")
    door.finish("large")
    for name in ("small0", "small3", "cached", "late"):
        door.finish(name)


@check("5", "a client that waits and goes away leaves no trace, and the next one starts")
def goes_away(work):
    for leaver in ("large", "s1", "s2", "s3"):
        door = Door(work, 6)
        door.submit("r1", "AB", blocks=3)
        door.submit("large", "ABCD", blocks=6)
        for name, blocks in (("s1", 2), ("s2", 3), ("s3", 1)):
            door.submit(name, "", blocks=blocks)
        door.finish(leaver)
        door.finish(leaver)
        door.submit(leaver, "Q")
        door.finish("r1")
        for name in ("large", "s1", "s2", "s3"):
            door.finish(name)


@check("5", "the queue has a bound: one more is refused, and is forgotten")
def bounded(work):
    for most in (0, 1, 3):
        door = Door(work, 4, most)
        door.submit("r1", "AB", blocks=4)
        for number in range(most + 2):
            door.submit(f"w{number}", "A", blocks=3)
        door.submit("never", "", blocks=5)
        door.submit("r1", "A")
        door.finish(f"w{most}")
        door.finish("r1")
        door.submit("late", "", blocks=1)
        for number in range(most):
            door.finish(f"w{number}")
        door.submit(f"w{most}", "A")


@check("5", "a name that runs or waits is refused, and one that is not known, too")
def by_name(work):
    door = Door(work, 5)
    door.finish("r1")
    door.submit("r1", "AB", blocks=4)
    door.submit("r1", "A")
    door.submit("r2", "ABC")
    door.submit("r2", "")
    door.submit("r1", "")
    door.finish("r1")
    door.finish("r1")
    door.submit("r2", "")
    door.finish("r2")
    door.finish("r2")
    door.submit("r1", "ABC")
    door.finish("r1")


@check("5", "any history: each starts in its turn, with the right blocks, and nothing is lost")
def any_history(work):
    for seed in SEEDS:
        choose = random.Random(seed)
        door = Door(work, choose.choice((4, 7, 12)), choose.choice((1, 3, 100)))
        for number in range(STEPS):
            known = [*door.books.running, *(request.name for request in door.waiting)]
            if choose.random() < 0.5:
                door.finish(choose.choice([*known, *known, "unknown"]))
                continue
            name = choose.choice([f"r{number}"] * 12 + known[:1])
            word = "".join(choose.choices("AB", k=choose.randrange(5)))
            rest, blocks = choose.choice((0, 1)), choose.choice((0, 0, 2, 5, 8))
            door.submit(name, word, rest, blocks)
        while door.books.running:
            door.finish(choose.choice(list(door.books.running)))
        door.submit("all", "", blocks=door.total)
