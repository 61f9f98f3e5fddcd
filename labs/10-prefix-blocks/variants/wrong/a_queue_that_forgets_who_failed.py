"""A request that does not fit when its turn comes goes to the end of the queue."""
# caught by: first come, first served


class Admission(Admission):
    def _start(self):
        started = []
        for _ in range(len(self._waiting)):
            request = self._waiting.pop(0)
            try:
                started.append(self.pool.allocate(request))
                self._running.add(request.name)
            except NoNodeAvailable:
                self._waiting.append(request)
        return started
