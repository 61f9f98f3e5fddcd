"""Once a block is short, the whole idle cache goes."""
# caught by: no more than what is short


class BlockPool(BlockPool):
    def evict(self, count):
        super().evict(len(self._idle))
