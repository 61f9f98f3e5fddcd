"""A request larger than the pool waits, and all that came later with it.

https://github.com/vllm-project/vllm/issues/39734
"""
# caught by: what can never fit


class Admission(Admission):
    def submit(self, request):
        if request.name in self._running or request.name in [r.name for r in self._waiting]:
            raise InvalidInput(f"{request.name} is running or waiting already")
        self._waiting.append(request)
        started = self._start()
        if len(self._waiting) > self.max_waiting:
            self._waiting.remove(request)
            raise AdmissionRejected("too many are waiting")
        return started
