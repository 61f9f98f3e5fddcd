"""A heap of what was taken, from which finished records are dropped when a commit is due."""

import heapq


class Offsets:
    def __init__(self):
        self.generation = 0
        self.partitions = {}

    def assign(self, generation, assigned):
        self.generation = generation
        self.partitions = {p: ([], set(), [start]) for p, start in assigned.items()}

    def take(self, partition, offset):
        heap, _, end = self.partitions[partition]
        heapq.heappush(heap, offset)
        end[0] = offset + 1

    def finish(self, generation, partition, offset):
        if generation != self.generation or partition not in self.partitions:
            return
        self.partitions[partition][1].add(offset)

    def to_commit(self):
        found = {}
        for partition, (heap, done, end) in self.partitions.items():
            while heap and heap[0] in done:
                done.discard(heapq.heappop(heap))
            found[partition] = heap[0] if heap else end[0]
        return found
