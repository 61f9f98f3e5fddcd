"""The head of a chain goes before its tail, and the rest of it can never be found again.

https://github.com/llm-d/llm-d-inference-sim/issues/704
"""
# caught by: the tail goes before the head


class BlockPool(BlockPool):
    def free(self, name):
        before = list(self._idle)
        super().free(name)
        new = [block_hash for block_hash in self._idle if block_hash not in before]
        self._idle = dict.fromkeys(before + new[::-1])
