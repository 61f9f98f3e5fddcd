"""A request that fits when it comes starts at once, also when others wait."""
# caught by: first come, first served


class Admission(Admission):
    def submit(self, request):
        known = self._running | {waiting.name for waiting in self._waiting}
        if request.name not in known and request.blocks <= self.pool.total_blocks:
            try:
                grant = self.pool.allocate(request)
            except NoNodeAvailable:
                return super().submit(request)
            self._running.add(request.name)
            return [grant]
        return super().submit(request)
