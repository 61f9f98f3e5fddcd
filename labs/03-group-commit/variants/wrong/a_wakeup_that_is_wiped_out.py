"""A writer clears its signal before it sleeps: a wake-up that came first is lost."""
# caught by: no wake-up is missed
# task: 5


class Writer(Writer):
    def wait(self) -> None:
        self._signal.clear()
        self._signal.wait()
