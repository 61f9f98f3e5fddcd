"""As many blocks are evicted as are wanted, and the free ones are not counted."""
# caught by: no more than what is short


class BlockPool(BlockPool):
    def evict(self, count):
        super().evict(count + len(self._free))
