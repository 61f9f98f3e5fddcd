"""The checks of task 3: which offset may be committed, against a model that keeps every record."""

from __future__ import annotations

import random

from veristack_lab.labs.checking import FirstBad, check, raising_is_bad, show
from veristack_lab.labs.pictures import of_partitions


class Model:
    """What was taken and finished in this generation, record by record.

    Every call goes to the learner's Offsets too, and is noted.
    """

    def __init__(self, work):
        self.work, self.calls = work, []
        self.generation, self.start, self.taken, self.done = 0, {}, {}, set()
        self.offsets = self._call("Offsets()", work.Offsets)

    def _call(self, told, function, *arguments):
        given = "; ".join([*self.calls[-9:], told])
        self.calls.append(told)
        with raising_is_bad(self.work, given, "an end without an error"):
            return function(*arguments)

    def assign(self, generation, assigned):
        self.generation, self.start = generation, dict(assigned)
        self.taken, self.done = {p: [] for p in assigned}, set()
        told = f"assign({generation}, {assigned})"
        self._call(told, self.offsets.assign, generation, dict(assigned))
        self.expect()

    def take(self, partition, offset):
        self.taken[partition].append(offset)
        self._call(f"take({partition}, {offset})", self.offsets.take, partition, offset)

    def finish(self, partition, offset, generation=None):
        generation = self.generation if generation is None else generation
        if generation == self.generation:
            self.done.add((partition, offset))
        told = f"finish({generation}, {partition}, {offset})"
        self._call(told, self.offsets.finish, generation, partition, offset)

    def open(self, partition):
        """Taken and not finished."""
        return [at for at in self.taken[partition] if (partition, at) not in self.done]

    def wanted(self):
        ends = {p: taken[-1] + 1 if taken else self.start[p] for p, taken in self.taken.items()}
        return {p: min(self.open(p), default=end) for p, end in ends.items()}

    def expect(self):
        """`to_commit` is right, for every partition."""
        got = self._call("to_commit()", self.offsets.to_commit)
        wanted, given = self.wanted(), "; ".join(self.calls[-10:])
        if not isinstance(got, dict):
            raise FirstBad(given, "a dict of partitions and offsets", show(got))
        for partition in got:
            if partition not in wanted:
                expected = f"partitions of this generation only: {show(list(wanted))}"
                raise self.bad(given, expected, show(got), None)
        for partition, offset in wanted.items():
            least = self.least(partition, offset)
            may_miss = least == self.start[partition]
            if not least <= got.get(partition, least if may_miss else -1) <= offset:
                at = min(self.open(partition), default=offset)
                expected = f"{offset} for partition {partition}: {self.why(partition)}"
                raise self.bad(given, expected, show(got), (partition, at))

    def least(self, partition, offset):
        """Behind the last finished record before this offset; between them the log has none."""
        done = [at + 1 for at in self.taken[partition] if at < offset]
        return max(done, default=self.start[partition])

    def why(self, partition):
        if self.open(partition):
            return "the first that is not finished"
        if self.taken[partition]:
            return f"the one after {self.taken[partition][-1]}, the last taken"
        return "where the generation began"

    def bad(self, given, expected, got, at):
        numbers = sorted(self.taken)
        rows = []
        for p in numbers:
            cells = [(o, "done" if (p, o) in self.done else "work") for o in self.taken[p]]
            rows.append((f"partition {p}", self.start[p], cells))
        place = (numbers.index(at[0]), at[1]) if at else None
        title = f"taken in generation {self.generation}"
        return FirstBad(given, expected, got, picture=of_partitions(title, rows, place))


@check("3", "the offset of the next record to read, for each partition")
def next_one(work):
    model = Model(work)
    model.assign(1, {0: 0, 3: 40})
    for offset in (40, 41, 42):
        model.take(3, offset)
        model.finish(3, offset)
        model.expect()
    model.take(0, 0)
    model.expect()
    model.finish(0, 0)
    model.expect()


@check("3", "no gap is skipped when records are finished out of order")
def no_gap(work):
    model = Model(work)
    model.assign(1, {0: 5, 1: 5})
    for offset in range(5, 11):
        model.take(0, offset)
        model.take(1, offset)
    model.expect()
    for offset in (6, 10, 7, 5, 9, 8):
        model.finish(0, offset)
        model.expect()
    for offset in (10, 9, 8, 7, 6, 5):
        model.finish(1, offset)
        model.expect()


@check("3", "finished, then more is taken: the next unfinished one")
def more_taken(work):
    model = Model(work)
    model.assign(4, {2: 0})
    for offset in range(6):
        model.take(2, offset)
        model.expect()
        if offset % 2:
            model.finish(2, offset - 1)
            model.finish(2, offset)
            model.expect()


@check("3", "a log that leaves offsets out is no log with unfinished records")
def compacted(work):
    model = Model(work)
    model.assign(1, {0: 10})
    for offset in (12, 13, 99, 101):
        model.take(0, offset)
    model.expect()
    for offset in (13, 12, 101, 99):
        model.finish(0, offset)
        model.expect()
    model.take(0, 5000)
    model.expect()
    model.finish(0, 5000)
    model.expect()


@check("3", "a new generation: only its partitions, each from where it begins")
def new_generation(work):
    model = Model(work)
    model.assign(1, {0: 0, 1: 0, 2: 0})
    for partition in (0, 1, 2):
        for offset in range(4):
            model.take(partition, offset)
    model.finish(0, 0)
    model.finish(1, 1)
    model.expect()
    model.assign(2, {1: 0, 2: 2, 5: 7})
    model.take(1, 0)
    model.take(2, 2)
    model.take(2, 3)
    model.finish(2, 3)
    model.finish(1, 0)
    model.expect()
    model.assign(5, {})
    model.assign(6, {0: 90, 1: 50})
    model.take(0, 90)
    model.finish(0, 90)
    model.expect()


@check("3", "what an earlier generation finishes counts for nothing")
def late_finish(work):
    model = Model(work)
    model.assign(1, {0: 0, 1: 0})
    for offset in range(4):
        model.take(0, offset)
        model.take(1, offset)
    model.assign(2, {0: 0})
    for offset in range(2):
        model.take(0, offset)
    for offset in range(4):
        model.finish(0, offset, generation=1)
        model.finish(1, offset, generation=1)
        model.expect()
    model.finish(0, 0)
    model.expect()


@check("3", "any schedule of takes, finishes and generations")
def any_schedule(work):
    for seed in range(60):
        chance, model, late = random.Random(seed), Model(work), []
        for generation in range(1, 5):
            partitions = chance.sample(range(6), chance.randrange(1, 4))
            model.assign(generation, {p: chance.randrange(50) for p in partitions})
            position = dict(model.start)
            for _ in range(25):
                one_move(model, chance, position, late)
                model.expect()


def one_move(model, chance, position, late):
    partition = chance.choice(sorted(position))
    move = chance.random()
    if move < 0.5:
        offset = position[partition] + (chance.randrange(9) if chance.random() < 0.2 else 0)
        model.take(partition, offset)
        late.append((model.generation, partition, offset))
        position[partition] = offset + 1
    elif move < 0.9 and model.open(partition):
        model.finish(partition, chance.choice(model.open(partition)))
    elif late:
        generation, partition, offset = chance.choice(late)
        if generation < model.generation:
            model.finish(partition, offset, generation=generation)
