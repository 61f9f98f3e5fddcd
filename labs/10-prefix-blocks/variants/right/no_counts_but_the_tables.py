"""Nothing is counted: what is in use is found in the tables of the requests that run."""


class BlockPool:
    def __init__(self, total_blocks):
        self.total_blocks, self.tables, self.index, self.ended = total_blocks, {}, {}, []

    def __contains__(self, block_hash):
        return block_hash in self.index

    def used(self):
        return {number for table in self.tables.values() for number in table}

    def allocate(self, request):
        if request.name in self.tables:
            raise InvalidInput(request.name)
        cached = longest(request, self)
        table = [self.index[block_hash] for block_hash in request.hashes[:cached]]
        taken = self.used() | set(table)
        idle = [one for one in self.ended if self.index[one] not in taken]
        plain = [n for n in range(self.total_blocks) if n not in taken | set(self.index.values())]
        wanted = request.blocks - cached
        if wanted > len(plain) + len(idle):
            raise NoNodeAvailable(request.name)
        victims = idle[: max(0, wanted - len(plain))]
        table += plain[:wanted] + [self.index.pop(one) for one in victims]
        for block_hash, number in zip(request.hashes, table):
            self.index.setdefault(block_hash, number)
        self.tables[request.name] = table
        self.ended = [
            one for one in self.ended if one in self.index and self.index[one] not in self.used()
        ]
        return Grant(request.name, list(table), cached)

    def free(self, name):
        if name not in self.tables:
            raise InvalidInput(name)
        table, used = self.tables.pop(name), self.used()
        names = {number: block_hash for block_hash, number in self.index.items()}
        self.ended += [names[n] for n in reversed(table) if n in names and n not in used]
