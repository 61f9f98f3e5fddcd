"""What starts at the end of another is not told: its client waits for ever."""
# caught by: what does not fit now waits


class Admission(Admission):
    def finish(self, name):
        super().finish(name)
        return []
