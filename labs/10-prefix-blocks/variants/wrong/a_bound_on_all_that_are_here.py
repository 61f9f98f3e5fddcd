"""The bound counts those that run, too."""
# caught by: the queue has a bound


class Admission(Admission):
    def submit(self, request):
        if len(self._waiting) + len(self._running) >= max(1, self.max_waiting):
            known = self._running | {waiting.name for waiting in self._waiting}
            if request.blocks <= self.pool.total_blocks and request.name not in known:
                raise AdmissionRejected("too many are here")
        return super().submit(request)
