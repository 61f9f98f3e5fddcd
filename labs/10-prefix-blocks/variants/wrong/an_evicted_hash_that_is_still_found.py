"""The block is given to another, and its old hash still leads to it."""
# caught by: no more than what is short


class BlockPool(BlockPool):
    def evict(self, count):
        for block_hash in list(self._idle)[:count]:
            del self._idle[block_hash]
            self._free.append(self._numbers[block_hash])
