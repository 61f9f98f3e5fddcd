"""Hashes as hex text in bytes, of JSON; the queue is a deque, and grants are named tuples."""

import json
from collections import deque
from hashlib import sha256
from typing import NamedTuple


class Grant(NamedTuple):
    name: str
    table: list
    cached: int


def block_hashes(model, salt, tokens):
    parent, found = json.dumps([model, salt]), []
    for n in range(len(tokens) // BLOCK_TOKENS):
        block = list(tokens[n * BLOCK_TOKENS : (n + 1) * BLOCK_TOKENS])
        parent = sha256(json.dumps([parent, block]).encode()).hexdigest()
        found.append(parent.encode())
    return found


class Admission:
    def __init__(self, pool, max_waiting=100):
        self.pool, self.max_waiting, self.queue, self.names = pool, max_waiting, deque(), {}

    def submit(self, request):
        if request.blocks > self.pool.total_blocks:
            raise PromptTooLong(request.name)
        if request.name in self.names:
            raise InvalidInput(request.name)
        if not self.queue:
            try:
                grant = self.pool.allocate(request)
                self.names[request.name] = "runs"
                return [grant]
            except NoNodeAvailable:
                pass
        if len(self.queue) >= self.max_waiting:
            raise AdmissionRejected(request.name)
        self.queue.append(request)
        self.names[request.name] = "waits"
        return []

    def finish(self, name):
        state = self.names.pop(name, None)
        if state is None:
            raise InvalidInput(name)
        if state == "runs":
            self.pool.free(name)
        else:
            self.queue = deque(request for request in self.queue if request.name != name)
        return list(self.startable())

    def startable(self):
        while self.queue:
            try:
                yield self.pool.allocate(self.queue[0])
            except NoNodeAvailable:
                return
            self.names[self.queue.popleft().name] = "runs"
