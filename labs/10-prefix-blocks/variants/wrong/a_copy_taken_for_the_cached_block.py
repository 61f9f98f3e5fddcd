"""At its end the copy of a last block is taken for the cached one: a block is lost.

https://github.com/sgl-project/sglang/issues/35270
"""
# caught by: a prompt that is cached as a whole


class BlockPool(BlockPool):
    def free(self, name):
        if name not in self._running:
            raise InvalidInput(f"{name} is not running")
        request, table = self._running.pop(name)
        for place in reversed(range(len(table))):
            number = table[place]
            self._holders[number] -= 1
            if self._holders[number]:
                continue
            if place < len(request.hashes):
                self._idle[request.hashes[place]] = None
            else:
                self._free.append(number)
