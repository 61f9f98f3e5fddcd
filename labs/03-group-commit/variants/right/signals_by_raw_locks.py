"""A writer's signal is a bare lock that it has taken itself, as the store's own commit does it."""


class Writer(Writer):
    def __init__(self, record: bytes) -> None:
        super().__init__(record)
        self._lock = threading.Lock()
        self._lock.acquire()
        self._woken = False

    def wait(self) -> None:
        if not self._woken:
            self._lock.acquire()

    def wake(self) -> None:
        if not self._woken:
            self._woken = True
            self._lock.release()
