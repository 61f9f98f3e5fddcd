"""Lab 10: where the prefixes of prompts live. Read README.md; `veristack labs check 10` checks it.

Nothing here touches a disk, a clock or a thread. The checks call your functions in many orders,
keep the books beside you, and tell the first answer that differs.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from veristack_lab.errors import AdmissionRejected, InvalidInput, NoNodeAvailable, PromptTooLong

BLOCK_TOKENS = 4
"""Tokens in a block. So few that you can see them; vLLM takes 16."""


@dataclass(frozen=True)
class Request:
    """Given: one request, as far as memory is concerned."""

    name: str
    hashes: tuple[bytes, ...]
    """One for each full block of the prompt: tokens // BLOCK_TOKENS of them."""
    tokens: int
    """Length of the prompt, at least one."""
    answer_tokens: int = 1
    """The longest answer that it may get."""

    @property
    def blocks(self) -> int:
        """How many blocks the prompt and the longest answer take, the last one perhaps in part."""
        return -(-(self.tokens + self.answer_tokens) // BLOCK_TOKENS)


@dataclass(frozen=True)
class Grant:
    """Given: the memory that a request was given."""

    name: str
    table: list[int]
    """The numbers of its blocks, in the order of its tokens; the list is the receiver's."""
    cached: int
    """How many of the first ones hold their keys and values already."""


def block_hashes(model: str, salt: str, tokens: Sequence[int]) -> list[bytes]:
    """Task 1. One hash for each full block; it names the block and everything before it.

    At least 16 bytes long, and the same in every process. Two models share no hash, and neither do
    two salts (a tenant has a salt of its own). A token is any number from 0 to 2**32 - 1.
    """
    # BEGIN SOLUTION 1
    identity = [text.encode() for text in (model, salt)]
    root = b"".join(len(part).to_bytes(4, "big") + part for part in identity)
    parent = blake2b(root, digest_size=32, person=b"root").digest()
    hashes = []
    for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        block = tokens[start : start + BLOCK_TOKENS]
        data = parent + b"".join(token.to_bytes(4, "big") for token in block)
        parent = blake2b(data, digest_size=32, person=b"block").digest()
        hashes.append(parent)
    return hashes
    # END SOLUTION


def longest(request: Request, cached: Container[bytes]) -> int:
    """Task 2. How many blocks, from the first on, need not be computed again.

    `hash in cached` is all that may be asked. At least one token of the prompt always stays to be
    computed: without it there is nothing from which the first token of the answer could come.
    """
    # BEGIN SOLUTION 2
    most = (request.tokens - 1) // BLOCK_TOKENS
    for number, block_hash in enumerate(request.hashes[:most]):
        if block_hash not in cached:
            return number
    return most
    # END SOLUTION


class BlockPool:
    """The blocks of one engine, numbered from 0. Any data structures will do; these are a proposal.

    A block is *in use* while a request holds it. A block in use or *idle* may be *cached*: found by
    its hash. A block that is neither in use nor cached is *free*.
    """

    def __init__(self, total_blocks: int) -> None:
        self.total_blocks = total_blocks
        self._free = list(range(total_blocks))
        self._numbers: dict[bytes, int] = {}
        """Where each cached hash is."""
        self._holders = [0] * total_blocks
        """How many requests hold each block."""
        self._idle: dict[bytes, None] = {}
        """Cached hashes whose blocks no request holds, in the order in which they have to go."""
        self._running: dict[str, tuple[Request, list[int]]] = {}

    def __contains__(self, block_hash: object) -> bool:
        """Task 3. Whether this hash is cached."""
        # BEGIN SOLUTION 3
        return block_hash in self._numbers
        # END SOLUTION

    def allocate(self, request: Request) -> Grant:
        """Task 3. Give a request all its blocks: share its longest cached prefix, take the rest.

        When this returns, all hashes of the request are cached. One that was cached already keeps
        its block. Free blocks are taken first; what is short is evicted, and no more (task 4).

        Raises:
            NoNodeAvailable: not enough blocks are free or idle. Nothing has changed.
            InvalidInput: a request of this name is running. Nothing has changed.
        """
        # BEGIN SOLUTION 3
        if request.name in self._running:
            raise InvalidInput(f"{request.name} is running already")
        cached = longest(request, self)
        shared = request.hashes[:cached]
        wanted = request.blocks - cached
        # The prefix itself may be idle: it is about to be used, so it is no room for the rest.
        room = len(self._free) + len(self._idle.keys() - set(shared))
        if wanted > room:
            raise NoNodeAvailable(f"{request.name} needs {wanted} blocks more, there are {room}")
        for block_hash in shared:
            self._idle.pop(block_hash, None)
        if wanted > len(self._free):
            self.evict(wanted - len(self._free))
        table = [self._numbers[block_hash] for block_hash in shared]
        table += [self._free.pop() for _ in range(wanted)]
        for block_hash, number in zip(request.hashes, table, strict=False):
            self._numbers.setdefault(block_hash, number)
        for number in table:
            self._holders[number] += 1
        self._running[request.name] = (request, table)
        return Grant(request.name, list(table), cached)
        # END SOLUTION

    def free(self, name: str) -> None:
        """Task 3. The request has ended. What it alone held is idle if it is cached, else free.

        Raises:
            InvalidInput: no request of this name is running. Nothing has changed.
        """
        # BEGIN SOLUTION 3
        if name not in self._running:
            raise InvalidInput(f"{name} is not running: it was freed before, or never began")
        request, table = self._running.pop(name)
        for place in reversed(range(len(table))):
            number = table[place]
            self._holders[number] -= 1
            if self._holders[number]:
                continue
            block_hash = request.hashes[place] if place < len(request.hashes) else None
            if block_hash is not None and self._numbers.get(block_hash) == number:
                self._idle[block_hash] = None
            else:
                self._free.append(number)
        # END SOLUTION

    def evict(self, count: int) -> None:
        """Task 4. Turn `count` idle blocks into free ones, those that are idle longest first.

        A block is idle from the moment when the last request that held it has ended. Of the blocks
        that one request left at its end, the last of the prompt goes first.
        """
        # BEGIN SOLUTION 4
        for block_hash in list(self._idle)[:count]:
            del self._idle[block_hash]
            self._free.append(self._numbers.pop(block_hash))
        # END SOLUTION


class Admission:
    """Requests in front of a pool: which ones start, which ones wait, which ones are refused.

    First come, first served: no request starts while one that came earlier waits. So none starves:
    each request that runs ends, and then the first in the queue fits, however large it is.
    """

    def __init__(self, pool: BlockPool, max_waiting: int = 100) -> None:
        self.pool = pool
        self.max_waiting = max_waiting
        self._waiting: list[Request] = []
        """In the order in which they came."""
        self._running: set[str] = set()

    def submit(self, request: Request) -> list[Grant]:
        """Task 5. Start the request, or let it wait; the grants of what has started.

        Raises:
            PromptTooLong: it would not fit even if it were alone.
            InvalidInput: a request of this name is running or waiting.
            AdmissionRejected: it would have to wait, and `max_waiting` requests wait already.
        """
        # BEGIN SOLUTION 5
        if request.blocks > self.pool.total_blocks:
            total = self.pool.total_blocks
            raise PromptTooLong(f"{request.name} needs {request.blocks} of {total} blocks")
        if request.name in self._running or request.name in (r.name for r in self._waiting):
            raise InvalidInput(f"{request.name} is running or waiting already")
        self._waiting.append(request)
        started = self._start()
        if len(self._waiting) > self.max_waiting:
            self._waiting.remove(request)
            raise AdmissionRejected(f"{self.max_waiting} requests are waiting; try again later")
        return started
        # END SOLUTION

    def finish(self, name: str) -> list[Grant]:
        """Task 5. A request ends, or its client has gone, also one that waits; what starts now.

        Raises:
            InvalidInput: no request of this name is running or waiting.
        """
        # BEGIN SOLUTION 5
        if name in self._running:
            self.pool.free(name)
            self._running.remove(name)
        else:
            left = [request for request in self._waiting if request.name != name]
            if len(left) == len(self._waiting):
                raise InvalidInput(f"{name} is neither running nor waiting")
            self._waiting = left
        return self._start()
        # END SOLUTION

    def _start(self) -> list[Grant]:
        """Task 5. Start requests from the front of the queue as long as they fit."""
        # BEGIN SOLUTION 5
        started = []
        while self._waiting:
            try:
                started.append(self.pool.allocate(self._waiting[0]))
            except NoNodeAvailable:
                break
            self._running.add(self._waiting.pop(0).name)
        return started
        # END SOLUTION
