"""The block that became idle last goes first."""
# caught by: the block that has been idle longest


class BlockPool(BlockPool):
    def evict(self, count):
        for _ in range(count):
            block_hash, _ = self._idle.popitem()
            self._free.append(self._numbers.pop(block_hash))
