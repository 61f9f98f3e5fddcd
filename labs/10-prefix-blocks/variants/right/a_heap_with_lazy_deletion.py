"""Idle blocks are in a heap; an entry whose time is not the newest one of its hash is passed over."""

import heapq
from itertools import count


class BlockPool(BlockPool):
    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self._free = list(range(total_blocks))
        heapq.heapify(self._free)
        self.ticks, self.heap, self.since = count(), [], {}

    def allocate(self, request):
        if request.name in self._running:
            raise InvalidInput(f"{request.name} runs")
        cached = longest(request, self)
        prefix = request.hashes[:cached]
        wanted = request.blocks - cached
        held_back = sum(block_hash in self.since for block_hash in prefix)
        if wanted > len(self._free) + len(self.since) - held_back:
            raise NoNodeAvailable(request.name)
        for block_hash in prefix:
            self.since.pop(block_hash, None)
        table = [self._numbers[block_hash] for block_hash in prefix]
        while len(table) < request.blocks:
            if not self._free:
                self.evict(1)
            table.append(heapq.heappop(self._free))
        for number, block_hash in zip(table, request.hashes):
            self._numbers.setdefault(block_hash, number)
        for number in table:
            self._holders[number] += 1
        self._running[request.name] = (request, table)
        return Grant(request.name, table[:], cached)

    def free(self, name):
        if name not in self._running:
            raise InvalidInput(name)
        request, table = self._running.pop(name)
        padded = list(request.hashes) + [None] * (len(table) - len(request.hashes))
        for block_hash, number in reversed(list(zip(padded, table))):
            self._holders[number] -= 1
            if self._holders[number] == 0:
                if block_hash is not None and self._numbers.get(block_hash) == number:
                    self.since[block_hash] = next(self.ticks)
                    heapq.heappush(self.heap, (self.since[block_hash], block_hash))
                else:
                    heapq.heappush(self._free, number)

    def evict(self, count):
        while count:
            since, block_hash = heapq.heappop(self.heap)
            if self.since.get(block_hash) == since:
                del self.since[block_hash]
                heapq.heappush(self._free, self._numbers.pop(block_hash))
                count -= 1
