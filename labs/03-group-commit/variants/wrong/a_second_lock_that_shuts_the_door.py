"""A second lock, which a writer needs to join, is held while the disk works."""
# caught by: seven who come during a sync
# task: 5


class GroupCommit(GroupCommit):
    def __init__(self, log: Log) -> None:
        super().__init__(log)
        self.entrance = threading.Lock()

    def join(self, writer: Writer) -> None:
        with self.entrance:
            super().join(writer)

    def lead(self) -> None:
        with self.entrance:
            super().lead()
