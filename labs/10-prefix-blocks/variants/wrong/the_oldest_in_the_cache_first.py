"""What was cached first goes first, however often it was used since."""
# caught by: the block that has been idle longest


class BlockPool(BlockPool):
    def evict(self, count):
        for block_hash in [one for one in self._numbers if one in self._idle][:count]:
            del self._idle[block_hash]
            self._free.append(self._numbers.pop(block_hash))
