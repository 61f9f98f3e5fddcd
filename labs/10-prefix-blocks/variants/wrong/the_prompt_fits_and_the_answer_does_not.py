"""Whether a request can ever fit is asked for its prompt alone."""
# caught by: what can never fit


class Admission(Admission):
    def submit(self, request):
        if -(-request.tokens // BLOCK_TOKENS) > self.pool.total_blocks:
            raise PromptTooLong(request.name)
        total, self.pool.total_blocks = self.pool.total_blocks, request.blocks
        try:
            return super().submit(request)
        finally:
            self.pool.total_blocks = total
