"""When the first in the queue goes away, those behind it are not looked at."""
# caught by: a client that waits and goes away


class Admission(Admission):
    def finish(self, name):
        waiting = [request.name for request in self._waiting]
        if name in waiting:
            del self._waiting[waiting.index(name)]
            return []
        return super().finish(name)
