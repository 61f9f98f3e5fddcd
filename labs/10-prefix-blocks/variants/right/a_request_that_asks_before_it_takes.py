"""The admission keeps no names of its own: it asks the pool's tables, and finds by index."""


class Admission(Admission):
    def submit(self, request):
        total = self.pool.total_blocks
        if total < request.blocks:
            raise PromptTooLong(f"{request.blocks} of {total}")
        names = {waiting.name for waiting in self._waiting} | set(self.pool._running)
        if request.name in names:
            raise InvalidInput(request.name)
        self._waiting = [*self._waiting, request]
        if started := self._start():
            return started
        if len(self._waiting) > self.max_waiting:
            *self._waiting, _ = self._waiting
            raise AdmissionRejected("full")
        return []

    def finish(self, name):
        for place, waiting in enumerate(self._waiting):
            if waiting.name == name:
                del self._waiting[place]
                break
        else:
            self.pool.free(name)
        return self._start()
