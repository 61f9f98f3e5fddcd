"""A log of partitions and a group of consumers, in memory, by the rules of a real broker."""

from __future__ import annotations

import copy

from veristack_lab.errors import BackendUnavailable
from veristack_lab.labs.checking import show


class Partition:
    """Records with growing offsets; some offsets are never used, as in a compacted log."""

    def __init__(self, gap=0):
        self.records, self._end, self._gap = [], 0, gap

    @property
    def end(self):
        """The offset after the last record."""
        return self.records[-1][0] + 1 if self.records else 0

    def append(self, event):
        if self._gap and self._end % self._gap == self._gap - 1:
            self._end += 2
        self.records.append((self._end, event))
        self._end += 1


class Group:
    """Divides the partitions among its members, anew in each generation.

    A commit is compared by its generation alone, as brokers do: whether the partition is the
    member's, and whether the offset goes back, is the consumer's business.
    """

    def __init__(self, world):
        self.world, self.generation = world, 0
        self.members, self.owner = [], {}
        self.committed = {}
        self.judge = lambda seat, offsets: None
        """Called with each commit that is accepted, before it counts."""

    def rebalance(self, members, shift=0):
        """A new generation, with these seats."""
        self.members = [seat for seat in members if not seat.access.dead]
        self.generation += 1
        count = len(self.members)
        partitions = range(len(self.world.log))
        self.owner = {p: self.members[(p + shift) % count] for p in partitions} if count else {}
        owned = {seat.access.name: seat.partitions() for seat in self.members}
        self.world.note("group", f"generation {self.generation}: {owned}")


class Seat:
    """Given to the learner's code: its consumer."""

    def __init__(self, access):
        self.access, self.group = access, access.world.group
        self.generation, self.assigned, self.positions = 0, {}, {}
        self.taken = {}
        """By partition: offsets read in this generation."""

    @property
    def joined(self):
        """Whether it knows of the present generation."""
        return self.generation == self.group.generation

    def partitions(self):
        return [p for p, seat in self.group.owner.items() if seat is self]

    def poll(self, limit):
        world = self.access.world
        if type(limit) is not int or limit < 0:
            world.refuse("consumer.poll(limit)", "a limit of 0 or more", show(limit))
        before = copy.deepcopy((self.generation, self.assigned, self.positions, self.taken))
        try:
            return self.access.call("group", f"poll {limit}", lambda: self._poll(limit))
        except BackendUnavailable:
            # Where a consumer stands is known to itself alone: what was not returned is read again.
            self.generation, self.assigned, self.positions, self.taken = before
            raise

    def _poll(self, limit):
        work = self.access.world.work
        if not self.joined:
            self._join()
        records = []
        for partition in sorted(self.positions):
            for offset, event in self.access.world.log[partition].records:
                if offset >= self.positions[partition] and len(records) < limit:
                    records.append(work.Record(partition, offset, event))
                    self.positions[partition] = offset + 1
                    self.taken[partition].append(offset)
        told = ", ".join(f"{record.partition}/{record.offset}" for record in records)
        told = f"generation {self.generation} reads {told or '-'}"
        self.access.world.note(self.access.name, told)
        return work.Batch(self.generation, dict(self.assigned), records)

    def _join(self):
        self.generation = self.group.generation
        self.assigned = {p: self.group.committed.get(p, 0) for p in self.partitions()}
        self.positions = dict(self.assigned)
        self.taken = {p: [] for p in self.assigned}

    def commit(self, generation, offsets):
        world = self.access.world
        fits = isinstance(offsets, dict) and all(
            type(p) is int and type(offset) is int for p, offset in offsets.items()
        )
        if type(generation) is not int or not fits:
            given = "consumer.commit(generation, offsets)"
            world.refuse(given, "a number and a dict of numbers", show((generation, offsets)))
        told = f"commit offsets {offsets} in generation {generation}"
        self.access.call("group", told, lambda: self._commit(generation, offsets))

    def _commit(self, generation, offsets):
        if generation != self.group.generation:
            got = f"generation {generation}, but it is {self.group.generation} by now"
            self.access.world.note(self.access.name, "... refused")
            raise self.access.world.work.CommitRefused(got)
        self.group.judge(self, offsets)
        self.group.committed.update(offsets)
