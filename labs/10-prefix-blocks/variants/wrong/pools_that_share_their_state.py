"""What is cached is kept in the class, so that two pools take each other's blocks for their own."""
# caught by: as many blocks as prompt and answer take


class BlockPool(BlockPool):
    cached_numbers = {}

    def __init__(self, total_blocks):
        super().__init__(total_blocks)
        self._numbers = self.cached_numbers
