"""The last token is computed into the cached block itself, which others are reading."""
# caught by: a prompt that is cached as a whole


class BlockPool(BlockPool):
    def allocate(self, request):
        cached = longest(request, self)
        whole = cached + 1 == len(request.hashes) and request.tokens % BLOCK_TOKENS == 0
        if not whole or request.hashes[-1] not in self or request.name in self._running:
            return super().allocate(request)
        longer = Request(
            request.name, request.hashes, request.tokens + 1, request.answer_tokens - 1
        )
        grant = super().allocate(longer)
        return Grant(grant.name, grant.table, cached)
