"""The block that is deepest in its chain goes first, however young it is."""
# caught by: and not how deep it is


class BlockPool(BlockPool):
    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self.depths = {}

    def allocate(self, request):
        self.depths.update((one, depth) for depth, one in enumerate(request.hashes))
        return super().allocate(request)

    def evict(self, count):
        self._idle = dict.fromkeys(sorted(self._idle, key=self.depths.__getitem__, reverse=True))
        super().evict(count)
