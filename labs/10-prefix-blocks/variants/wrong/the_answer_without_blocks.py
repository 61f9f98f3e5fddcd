"""Blocks for the prompt only; the answer has none."""
# caught by: as many blocks as prompt and answer take


class BlockPool(BlockPool):
    def allocate(self, request):
        return super().allocate(Request(request.name, request.hashes, request.tokens, 0))
