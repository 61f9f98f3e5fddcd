"""Each writer sleeps on a condition variable of its own, in a loop that looks at a flag."""


class Writer(Writer):
    def __init__(self, record: bytes) -> None:
        super().__init__(record)
        self._condition, self._awake = threading.Condition(), False

    def wait(self) -> None:
        with self._condition:
            while not self._awake:
                self._condition.wait()

    def wake(self) -> None:
        with self._condition:
            self._awake = True
            self._condition.notify()
