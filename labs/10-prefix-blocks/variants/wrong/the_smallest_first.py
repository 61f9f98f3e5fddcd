"""The smallest of those that wait is next, "for a short mean waiting time"."""
# caught by: first come, first served


class Admission(Admission):
    def _start(self):
        started = []
        while self._waiting:
            request = min(self._waiting, key=lambda waiting: waiting.blocks)
            try:
                started.append(self.pool.allocate(request))
            except NoNodeAvailable:
                break
            self._waiting.remove(request)
            self._running.add(request.name)
        return started
