"""Free blocks and idle ones stand in one queue: a cached block goes while free ones are left.

vLLM did so until https://github.com/vllm-project/vllm/pull/42656
"""
# caught by: a free block is taken before a cached one


class BlockPool(BlockPool):
    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self.queue = list(range(total_blocks))

    def allocate(self, request):
        if request.name in self._running:
            raise InvalidInput(f"{request.name} is running already")
        cached = longest(request, self)
        shared = [self._numbers[block_hash] for block_hash in request.hashes[:cached]]
        wanted = request.blocks - cached
        left = [number for number in self.queue if number not in shared]
        if wanted > len(left):
            raise NoNodeAvailable(f"{wanted} blocks are needed, there are {len(left)}")
        new, self.queue = left[:wanted], left[wanted:]
        self._numbers = {one: number for one, number in self._numbers.items() if number not in new}
        table = shared + new
        for block_hash, number in zip(request.hashes, table):
            self._numbers.setdefault(block_hash, number)
        for number in table:
            self._holders[number] += 1
        self._running[request.name] = (request, table)
        return Grant(request.name, list(table), cached)

    def free(self, name):
        if name not in self._running:
            raise InvalidInput(f"{name} is not running")
        _, table = self._running.pop(name)
        for number in reversed(table):
            self._holders[number] -= 1
            if not self._holders[number]:
                self.queue.append(number)
