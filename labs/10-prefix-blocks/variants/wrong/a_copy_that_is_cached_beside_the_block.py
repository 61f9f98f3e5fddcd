"""At its end a copy takes over the hash, and the idle block that had it is freed: it is young again."""
# caught by: a prompt that is cached as a whole


class BlockPool(BlockPool):
    def free(self, name):
        if name in self._running:
            request, table = self._running[name]
            for block_hash, number in zip(request.hashes, table):
                if block_hash in self._idle and self._numbers[block_hash] != number:
                    del self._idle[block_hash]
                    self._free.append(self._numbers[block_hash])
                    self._numbers[block_hash] = number
        super().free(name)
