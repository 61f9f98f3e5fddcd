"""A request stays known after its end, and a second end takes the blocks from those that share them.

https://github.com/sgl-project/sglang-jax/pull/982
"""
# caught by: freed twice


class BlockPool(BlockPool):
    def allocate(self, request):
        if request.name not in self.ended:
            return super().allocate(request)
        kept = self._running.pop(request.name)
        try:
            grant = super().allocate(request)
        except NoNodeAvailable:
            self._running[request.name] = kept
            raise
        self.ended.discard(request.name)
        return grant

    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self.ended = set()

    def free(self, name):
        kept = self._running.get(name)
        super().free(name)
        self._running[name] = kept
        self.ended.add(name)
