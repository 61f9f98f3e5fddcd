"""With a block its whole chain is evicted, more than what is short."""
# caught by: no more than what is short


class BlockPool(BlockPool):
    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self.chains = {}

    def allocate(self, request):
        self.chains.update((one, request.hashes) for one in request.hashes)
        return super().allocate(request)

    def evict(self, count):
        before = len(self._free)
        while len(self._free) < before + count:
            for block_hash in self.chains[next(iter(self._idle))]:
                if block_hash in self._idle:
                    del self._idle[block_hash]
                    self._free.append(self._numbers.pop(block_hash))
