"""Each end lets one request start, though several would fit."""
# caught by: what does not fit now waits


class Admission(Admission):
    def _start(self):
        if not self._waiting:
            return []
        try:
            grant = self.pool.allocate(self._waiting[0])
        except NoNodeAvailable:
            return []
        self._running.add(self._waiting.pop(0).name)
        return [grant]
