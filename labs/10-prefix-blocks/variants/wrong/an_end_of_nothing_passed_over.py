"""The end of a request that is not known is passed over."""
# caught by: a client that waits and goes away


class Admission(Admission):
    def finish(self, name):
        try:
            return super().finish(name)
        except InvalidInput:
            return self._start()
