"""Blocks are taken one by one; when none is left the request fails, and keeps those it has.

https://github.com/neuralmagic/vllm/pull/92
"""
# caught by: a request that does not fit takes nothing


class BlockPool(BlockPool):
    def allocate(self, request):
        if request.name in self._running:
            raise InvalidInput(f"{request.name} is running already")
        cached = longest(request, self)
        shared = request.hashes[:cached]
        wanted = request.blocks - cached
        table = [self._numbers[block_hash] for block_hash in shared]
        for block_hash in shared:
            self._idle.pop(block_hash, None)
        for _ in range(wanted):
            if not self._free and self._idle:
                self.evict(1)
            if not self._free:
                raise NoNodeAvailable("no block is left")
            table.append(self._free.pop())
        for block_hash, number in zip(request.hashes, table):
            self._numbers.setdefault(block_hash, number)
        for number in table:
            self._holders[number] += 1
        self._running[request.name] = (request, table)
        return Grant(request.name, list(table), cached)
