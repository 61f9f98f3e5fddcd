"""All that can be evicted is evicted, and then the request is refused."""
# caught by: a request that does not fit evicts nothing


class BlockPool(BlockPool):
    def allocate(self, request):
        try:
            return super().allocate(request)
        except NoNodeAvailable:
            shared = request.hashes[: longest(request, self)]
            for block_hash in [one for one in self._idle if one not in shared]:
                del self._idle[block_hash]
                self._free.append(self._numbers.pop(block_hash))
            raise
