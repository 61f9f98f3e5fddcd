"""A block is as old as the last request for it, and not as the end of that request."""
# caught by: the block that has been idle longest


class BlockPool(BlockPool):
    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self.used, self.now = {}, 0

    def allocate(self, request):
        grant = super().allocate(request)
        self.now += 1
        for depth, block_hash in enumerate(request.hashes):
            if self._numbers[block_hash] in grant.table:
                self.used[block_hash] = (self.now, -depth)
        return grant

    def evict(self, count):
        self._idle = dict.fromkeys(sorted(self._idle, key=self.used.__getitem__))
        super().evict(count)
