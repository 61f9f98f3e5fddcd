"""Idle blocks stand in a doubly linked list, out of whose middle a block is taken, as in vLLM."""


class Link:
    def __init__(self, number=-1):
        self.number, self.block_hash, self.holders = number, None, 0
        self.before = self.behind = self

    def leave(self):
        self.before.behind, self.behind.before = self.behind, self.before
        self.before = self.behind = self

    def join(self, head):
        self.before, self.behind = head.before, head
        head.before.behind = head.before = self


class BlockPool:
    def __init__(self, total_blocks):
        self.total_blocks = total_blocks
        self.blocks = [Link(number) for number in range(total_blocks)]
        self.plain, self.idle = Link(), Link()
        for block in self.blocks:
            block.join(self.plain)
        self.index, self.tables = {}, {}

    def __contains__(self, block_hash):
        return block_hash in self.index

    @staticmethod
    def length(head, without=()):
        block, found = head.behind, 0
        while block is not head:
            found += block not in without
            block = block.behind
        return found

    def allocate(self, request):
        if request.name in self.tables:
            raise InvalidInput(request.name)
        cached = longest(request, self)
        table = [self.index[block_hash] for block_hash in request.hashes[:cached]]
        if self.length(self.plain) + self.length(self.idle, table) < request.blocks - cached:
            raise NoNodeAvailable(request.name)
        for block in table:
            block.leave()
        for _ in range(request.blocks - cached):
            head = self.idle if self.plain.behind is self.plain else self.plain
            block = head.behind
            block.leave()
            self.index.pop(block.block_hash, None)
            block.block_hash = None
            table.append(block)
        for block_hash, block in zip(request.hashes, table):
            if self.index.setdefault(block_hash, block) is block:
                block.block_hash = block_hash
        for block in table:
            block.holders += 1
        self.tables[request.name] = table
        return Grant(request.name, [block.number for block in table], cached)

    def free(self, name):
        if name not in self.tables:
            raise InvalidInput(name)
        for block in reversed(self.tables.pop(name)):
            block.holders -= 1
            if not block.holders:
                block.join(self.plain if block.block_hash is None else self.idle)
