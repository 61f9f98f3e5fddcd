"""Commits the record that was read, not the next one (ovotech/fs2-kafka-client pull request 1)."""
# caught by: the offset of the next record to read


class Offsets(Offsets):
    def to_commit(self):
        return {p: min(self._open[p], default=end - 1) for p, end in self._ends.items()}
