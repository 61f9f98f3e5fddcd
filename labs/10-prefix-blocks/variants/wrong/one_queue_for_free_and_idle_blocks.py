"""Free blocks and idle ones stand in one queue: a cached block goes while free ones are left.

vLLM did so until https://github.com/vllm-project/vllm/pull/42656
"""
# caught by: a free block is taken before a cached one


class BlockPool(BlockPool):
    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self.let_go = []

    def allocate(self, request):
        before = list(self._free)
        grant = super().allocate(request)
        for number in before:
            if number in grant.table:
                older = [one for one in self.let_go[: self.let_go.index(number)] if one in self._idle] if number in self.let_go else []
                if older:
                    block_hash = older[0]
                    del self._idle[block_hash]
                    self._free.append(self._numbers.pop(block_hash))
        return grant

    def free(self, name):
        free, idle = set(self._free), set(self._idle)
        super().free(name)
        new = [*(one for one in self._idle if one not in idle), *(set(self._free) - free)]
        self.let_go = [one for one in self.let_go if one not in new] + new
