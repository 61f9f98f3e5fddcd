"""A writer looks at its flag, and only then takes the condition to sleep: between the two it is woken in vain."""
# caught by: no wake-up is missed
# task: 5


class Writer(Writer):
    def __init__(self, record: bytes) -> None:
        super().__init__(record)
        self._condition, self._awake = threading.Condition(), False

    def wait(self) -> None:
        if not self._awake:
            with self._condition:
                self._condition.wait()

    def wake(self) -> None:
        with self._condition:
            self._awake = True
            self._condition.notify()
