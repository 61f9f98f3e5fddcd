"""All records of a generation in one dictionary; only partitions with progress are committed."""


class Offsets:
    def __init__(self):
        self.generation = 0
        self.records = {}
        self.start = {}

    def assign(self, generation, assigned):
        self.generation, self.start, self.records = generation, dict(assigned), {}

    def take(self, partition, offset):
        self.records[partition, offset] = False

    def finish(self, generation, partition, offset):
        if generation == self.generation:
            self.records[partition, offset] = True

    def to_commit(self):
        found = {}
        for partition in self.start:
            mine = [(o, done) for (p, o), done in self.records.items() if p == partition]
            first = next((o for o, done in mine if not done), mine[-1][0] + 1 if mine else None)
            if first is not None and first > self.start[partition] and mine[0][1]:
                found[partition] = first
        return found
