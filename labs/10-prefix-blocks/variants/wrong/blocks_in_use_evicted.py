"""Eviction takes the oldest cached blocks, and does not ask who holds them.

https://github.com/vllm-project/vllm/issues/37076
"""
# caught by: the block that has been idle longest


class BlockPool(BlockPool):
    def evict(self, count):
        for block_hash in list(self._numbers)[:count]:
            self._idle.pop(block_hash, None)
            self._free.append(self._numbers.pop(block_hash))
