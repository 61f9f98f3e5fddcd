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
    raise NotImplementedError("task 1")


def longest(request: Request, cached: Container[bytes]) -> int:
    """Task 2. How many blocks, from the first on, need not be computed again.

    `hash in cached` is all that may be asked. At least one token of the prompt always stays to be
    computed: without it there is nothing from which the first token of the answer could come.
    """
    raise NotImplementedError("task 2")


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
        raise NotImplementedError("task 3")

    def allocate(self, request: Request) -> Grant:
        """Task 3. Give a request all its blocks: share its longest cached prefix, take the rest.

        When this returns, all hashes of the request are cached. One that was cached already keeps
        its block. Free blocks are taken first; what is short is evicted, and no more (task 4).

        Raises:
            NoNodeAvailable: not enough blocks are free or idle. Nothing has changed.
            InvalidInput: a request of this name is running. Nothing has changed.
        """
        raise NotImplementedError("task 3")

    def free(self, name: str) -> None:
        """Task 3. The request has ended. What it alone held is idle if it is cached, else free.

        Raises:
            InvalidInput: no request of this name is running. Nothing has changed.
        """
        raise NotImplementedError("task 3")

    def evict(self, count: int) -> None:
        """Task 4. Turn `count` idle blocks into free ones, those that are idle longest first.

        A block is idle from the moment when the last request that held it has ended. Of the blocks
        that one request left at its end, the last of the prompt goes first.
        """
        raise NotImplementedError("task 4")


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
        raise NotImplementedError("task 5")

    def finish(self, name: str) -> list[Grant]:
        """Task 5. A request ends, or its client has gone, also one that waits; what starts now.

        Raises:
            InvalidInput: no request of this name is running or waiting.
        """
        raise NotImplementedError("task 5")

    def _start(self) -> list[Grant]:
        """Task 5. Start requests from the front of the queue as long as they fit."""
        raise NotImplementedError("task 5")
