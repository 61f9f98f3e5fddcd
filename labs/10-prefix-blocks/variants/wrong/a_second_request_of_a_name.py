"""A request of a name that waits is taken, and the two can never be told apart."""
# caught by: a name that runs or waits


class Admission(Admission):
    def submit(self, request):
        kept = [waiting for waiting in self._waiting if waiting.name == request.name]
        self._waiting = [waiting for waiting in self._waiting if waiting.name != request.name]
        try:
            return super().submit(request)
        finally:
            self._waiting = kept + self._waiting
