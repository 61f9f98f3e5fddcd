"""Blocks are objects with a count, idle ones stand in an OrderedDict, as in vLLM's first evictor."""

from collections import OrderedDict
from dataclasses import field


@dataclass
class Slot:
    number: int
    count: int = 0
    named: bytes = b""


class BlockPool:
    def __init__(self, total_blocks):
        self.total_blocks = total_blocks
        self.spare = [Slot(number) for number in range(total_blocks)]
        self.by_hash = {}
        self.unused = OrderedDict()
        self.tables = {}

    def __contains__(self, block_hash):
        return block_hash in self.by_hash

    def allocate(self, request):
        if request.name in self.tables:
            raise InvalidInput(request.name)
        hit = [self.by_hash[one] for one in request.hashes[: longest(request, self)]]
        missing = request.blocks - len(hit)
        if missing > len(self.spare) + len(self.unused) - sum(slot.count == 0 for slot in hit):
            raise NoNodeAvailable(f"{missing} blocks are missing")
        for slot in hit:
            slot.count += 1
            self.unused.pop(slot.named, None)
        table = [*hit, *(self.take() for _ in range(missing))]
        for slot, block_hash in zip(table, request.hashes):
            if block_hash not in self.by_hash:
                self.by_hash[block_hash], slot.named = slot, block_hash
        self.tables[request.name] = table
        return Grant(request.name, [slot.number for slot in table], len(hit))

    def take(self):
        if self.spare:
            slot = self.spare.pop(0)
        else:
            _, slot = self.unused.popitem(last=False)
            del self.by_hash[slot.named]
        slot.count, slot.named = 1, b""
        return slot

    def free(self, name):
        try:
            table = self.tables.pop(name)
        except KeyError:
            raise InvalidInput(name) from None
        for slot in table[::-1]:
            slot.count -= 1
            if slot.count == 0 and slot.named:
                self.unused[slot.named] = slot
            elif slot.count == 0:
                self.spare.append(slot)
