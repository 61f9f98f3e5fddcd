"""A request's hit is remembered by its name, and the name comes again with another prompt."""
# caught by: any history without evictions


class BlockPool(BlockPool):
    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self.first = {}

    def free(self, name):
        if name in self._running:
            self.first.setdefault(name, self._running[name][0].hashes)
            request, table = self._running[name]
            if len(self.first[name]) == len(request.hashes):
                request = Request(name, self.first[name], request.tokens, request.answer_tokens)
                self._running[name] = (request, table)
        super().free(name)
