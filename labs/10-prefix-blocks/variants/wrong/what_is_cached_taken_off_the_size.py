"""A request larger than the pool is let in because its prefix is cached; it never fits."""
# caught by: what can never fit


class Admission(Admission):
    def submit(self, request):
        total = self.pool.total_blocks
        if request.blocks - longest(request, self.pool) <= total:
            self.pool.total_blocks = max(total, request.blocks)
        try:
            return super().submit(request)
        finally:
            self.pool.total_blocks = total
