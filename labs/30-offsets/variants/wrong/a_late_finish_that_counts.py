"""A record of an earlier generation counts as the record of this number today."""
# caught by: what an earlier generation finishes


class Offsets(Offsets):
    def finish(self, generation, partition, offset):
        if partition in self._open:
            self._open[partition].discard(offset)
