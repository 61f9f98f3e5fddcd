"""Nothing waits: what does not fit at once is refused."""
# caught by: what does not fit now waits


class Admission(Admission):
    def submit(self, request):
        started = super().submit(request)
        if not started:
            self._waiting.pop()
            raise AdmissionRejected(f"{request.name} does not fit now")
        return started
