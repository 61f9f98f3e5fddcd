"""A block belongs to the request that computed it: when that one ends, the block is idle.

Those that share it are not asked.
"""
# caught by: free only when the last of them has ended


class BlockPool(BlockPool):
    def free(self, name):
        if name not in self._running:
            raise InvalidInput(f"{name} is not running")
        request, table = self._running[name]
        others = [
            n for other, (_, numbers) in self._running.items() if other != name for n in numbers
        ]
        before = list(self._running).index(name)
        earlier = [n for _, numbers in list(self._running.values())[:before] for n in numbers]
        del self._running[name]
        for place in reversed(range(len(table))):
            number = table[place]
            if number in earlier or (number in others and place >= len(request.hashes)):
                continue
            if place < len(request.hashes) and self._numbers.get(request.hashes[place]) == number:
                self._idle[request.hashes[place]] = None
            elif number not in others:
                self._free.append(number)
