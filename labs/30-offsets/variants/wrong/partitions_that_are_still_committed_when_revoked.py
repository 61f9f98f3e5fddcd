"""Offsets of partitions that went away go on being committed, and the group believes them."""
# caught by: a new generation


class Offsets(Offsets):
    def assign(self, generation, assigned):
        self.generation = generation
        self._ends.update(assigned)
        self._open.update({p: set() for p in assigned})
