"""Only what runs can be ended: a client that is gone is still served, in its turn."""
# caught by: a client that waits and goes away


class Admission(Admission):
    def finish(self, name):
        if name not in self._running:
            raise InvalidInput(f"{name} is not running")
        return super().finish(name)
