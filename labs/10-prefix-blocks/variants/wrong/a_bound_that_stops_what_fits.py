"""A queue of no place refuses also what would start at once."""
# caught by: the queue has a bound


class Admission(Admission):
    def submit(self, request):
        known = self._running | {waiting.name for waiting in self._waiting}
        is_new = request.name not in known and request.blocks <= self.pool.total_blocks
        if is_new and len(self._waiting) >= self.max_waiting:
            raise AdmissionRejected("too many are waiting")
        return super().submit(request)
