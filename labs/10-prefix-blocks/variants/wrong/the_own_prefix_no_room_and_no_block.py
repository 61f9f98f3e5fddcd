"""The prefix is counted twice: not as room, and once more among the blocks that are missing."""
# caught by: nothing is lost, mixed up or given twice


class BlockPool(BlockPool):
    def allocate(self, request):
        if request.name in self._running:
            raise InvalidInput(f"{request.name} is running already")
        cached = longest(request, self)
        shared = request.hashes[:cached]
        wanted = request.blocks - cached
        room = len(self._free) + len(self._idle.keys() - set(shared))
        if wanted > room - len(self._idle.keys() & set(shared)):
            raise NoNodeAvailable(f"{wanted} blocks are needed, there are {room}")
        for block_hash in shared:
            self._idle.pop(block_hash, None)
        if wanted > len(self._free):
            self.evict(wanted - len(self._free))
        table = [self._numbers[block_hash] for block_hash in shared]
        table += [self._free.pop() for _ in range(wanted)]
        for block_hash, number in zip(request.hashes, table):
            self._numbers.setdefault(block_hash, number)
        for number in table:
            self._holders[number] += 1
        self._running[request.name] = (request, table)
        return Grant(request.name, list(table), cached)
