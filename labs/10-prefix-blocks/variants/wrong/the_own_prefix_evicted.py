"""Room is made before the prefix is taken, and what is evicted may be the prefix.

vLLM counts such blocks apart: https://github.com/vllm-project/vllm/pull/11310
"""
# caught by: no room for its own rest


class BlockPool(BlockPool):
    def allocate(self, request):
        if request.name in self._running:
            raise InvalidInput(f"{request.name} is running already")
        cached = longest(request, self)
        shared = request.hashes[:cached]
        wanted = request.blocks - cached
        room = len(self._free) + len(self._idle)
        if wanted > room:
            raise NoNodeAvailable(f"{wanted} blocks are needed, there are {room}")
        kept = {one: None for one in self._idle if one not in shared}
        late = {one: None for one in self._idle if one in shared}
        self._idle = kept | late
        places = [self._numbers[block_hash] for block_hash in shared]
        if wanted > len(self._free):
            self.evict(wanted - len(self._free))
        for block_hash in shared:
            self._idle.pop(block_hash, None)
        table = places + [self._free.pop() for _ in range(wanted)]
        for block_hash, number in zip(request.hashes, table):
            self._numbers.setdefault(block_hash, number)
        for number in table:
            self._holders[number] += 1
        self._running[request.name] = (request, table)
        return Grant(request.name, list(table), cached)
