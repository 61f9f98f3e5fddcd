"""At the end of its last request a block is free, and forgotten: nothing is ever found later."""
# caught by: shared, and counted


class BlockPool(BlockPool):
    def free(self, name):
        super().free(name)
        self.evict(len(self._idle))
