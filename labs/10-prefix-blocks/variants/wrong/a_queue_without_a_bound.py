"""The queue grows as long as requests come."""
# caught by: the queue has a bound


class Admission(Admission):
    def __init__(self, pool, max_waiting=100):
        super().__init__(pool, 1 << 30)
