"""What was taken of a partition that went away is kept, and waited for when it comes back."""
# caught by: a new generation


class Offsets(Offsets):
    def assign(self, generation, assigned):
        self.generation = generation
        for p, start in assigned.items():
            self._open.setdefault(p, set())
            self._ends[p] = max(self._ends.get(p, 0), start)
