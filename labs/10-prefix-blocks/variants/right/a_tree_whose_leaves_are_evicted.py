"""A tree of prefixes as in SGLang: only leaves are evicted, the one that is idle longest first."""


class Node:
    def __init__(self, parent=None, block_hash=b"", number=-1):
        self.parent, self.block_hash, self.number = parent, block_hash, number
        self.children, self.locks, self.since = {}, 0, 0

    def walk(self):
        for child in self.children.values():
            yield child
            yield from child.walk()


class BlockPool:
    def __init__(self, total_blocks):
        self.total_blocks = total_blocks
        self.root, self.now = Node(), 0
        self.empty = set(range(total_blocks))
        self.running = {}

    def __contains__(self, block_hash):
        return any(node.block_hash == block_hash for node in self.root.walk())

    def path(self, hashes):
        node, found = self.root, []
        for block_hash in hashes:
            if block_hash not in node.children:
                break
            node = node.children[block_hash]
            found.append(node)
        return found

    def allocate(self, request):
        if request.name in self.running:
            raise InvalidInput(request.name)
        path = self.path(request.hashes)[: (request.tokens - 1) // BLOCK_TOKENS]
        wanted = request.blocks - len(path)
        idle = sum(not node.locks for node in self.root.walk() if node not in path)
        if wanted > len(self.empty) + idle:
            raise NoNodeAvailable(request.name)
        for node in path:
            node.locks += 1
        while len(self.empty) < wanted:
            self.evict_leaf()
        new = [self.empty.pop() for _ in range(wanted)]
        table = [node.number for node in path] + new
        own = list(new)
        node, locked = (path[-1] if path else self.root), list(path)
        for block_hash, number in zip(request.hashes[len(path) :], new):
            if block_hash not in node.children:
                node.children[block_hash] = Node(node, block_hash, number)
                node = node.children[block_hash]
                node.locks = 1
                locked.append(node)
                own.remove(number)
        self.running[request.name] = (locked, own)
        return Grant(request.name, table, len(path))

    def evict_leaf(self):
        leaves = [node for node in self.root.walk() if not node.children and not node.locks]
        leaf = min(leaves, key=lambda node: node.since)
        del leaf.parent.children[leaf.block_hash]
        self.empty.add(leaf.number)

    def free(self, name):
        if name not in self.running:
            raise InvalidInput(name)
        locked, own = self.running.pop(name)
        self.empty.update(own)
        for node in reversed(locked):
            node.locks -= 1
            self.now += 1
            node.since = self.now
