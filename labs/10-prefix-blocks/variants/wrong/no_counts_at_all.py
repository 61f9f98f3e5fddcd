"""Whichever request ends first gives its blocks back, also those that others share."""
# caught by: free only when the last of them has ended


class BlockPool(BlockPool):
    def free(self, name):
        if name not in self._running:
            raise InvalidInput(f"{name} is not running")
        request, table = self._running.pop(name)
        for place in reversed(range(len(table))):
            if (
                place < len(request.hashes)
                and self._numbers.get(request.hashes[place]) == table[place]
            ):
                self._idle[request.hashes[place]] = None
            else:
                self._free.append(table[place])
