"""The prefix is counted before the name is looked at: a block of it is never idle again."""
# caught by: a request that does not fit evicts nothing


class BlockPool(BlockPool):
    def allocate(self, request):
        if request.name in self._running:
            for block_hash in request.hashes[: longest(request, self)]:
                self._idle.pop(block_hash, None)
                self._holders[self._numbers[block_hash]] += 1
        return super().allocate(request)
