"""A heap of idle blocks whose old entries are not told from new ones: what is young again goes.

The evictor of vLLM had to learn it: https://github.com/vllm-project/vllm/pull/7193
"""
# caught by: what was used again is young again

import heapq


class BlockPool(BlockPool):
    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self.heap, self.now = [], 0

    def free(self, name):
        before = set(self._idle)
        super().free(name)
        for block_hash in self._idle:
            if block_hash not in before:
                self.now += 1
                heapq.heappush(self.heap, (self.now, block_hash))

    def evict(self, count):
        while count:
            _, block_hash = heapq.heappop(self.heap)
            if block_hash in self._idle:
                del self._idle[block_hash]
                self._free.append(self._numbers.pop(block_hash))
                count -= 1
