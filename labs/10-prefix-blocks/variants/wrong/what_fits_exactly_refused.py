"""A request of exactly the whole pool is taken for one that never fits."""
# caught by: what fits starts at once


class Admission(Admission):
    def submit(self, request):
        if request.blocks >= self.pool.total_blocks:
            raise PromptTooLong(request.name)
        return super().submit(request)
