"""A request that is refused for the bound stands in the queue all the same."""
# caught by: the queue has a bound


class Admission(Admission):
    def submit(self, request):
        try:
            return super().submit(request)
        except AdmissionRejected:
            self._waiting.append(request)
            raise
