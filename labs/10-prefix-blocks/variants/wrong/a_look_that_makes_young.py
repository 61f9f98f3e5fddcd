"""A cached last block that is not used, but computed anew, is young again."""
# caught by: what was used again is young again


class BlockPool(BlockPool):
    def allocate(self, request):
        grant = super().allocate(request)
        for block_hash in request.hashes:
            if block_hash in self._idle:
                self._idle[block_hash] = self._idle.pop(block_hash)
        return grant
