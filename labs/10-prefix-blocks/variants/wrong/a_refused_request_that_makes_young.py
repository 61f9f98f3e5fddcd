"""A request that is refused has made its prefix young."""
# caught by: a request that does not fit evicts nothing


class BlockPool(BlockPool):
    def allocate(self, request):
        try:
            return super().allocate(request)
        except NoNodeAvailable:
            for block_hash in request.hashes[: longest(request, self)]:
                if block_hash in self._idle:
                    self._idle[block_hash] = self._idle.pop(block_hash)
            raise
