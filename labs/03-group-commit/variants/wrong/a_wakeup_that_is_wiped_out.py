"""A writer clears its signal before it sleeps: a wake-up that came first is lost."""
# caught by: comes before the writer sleeps
# task: 5


class Writer(Writer):
    def wait(self) -> None:
        self._signal.clear()
        self._signal.wait()
