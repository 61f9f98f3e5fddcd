"""What the checks of lab 10 know to be right: a pool of blocks that is slow, plain and watched.

A prompt of the checks is a word; each letter stands for the tokens of one block. The hash of a
block is the word up to there, so `b"ABC"` is the third block of every prompt that begins with ABC.
"""

from __future__ import annotations

from dataclasses import dataclass

from veristack_lab.labs import pictures

BLOCK = 4
"""Tokens in a block, as the lab's constant says."""


def hashes_of(word):
    """The hashes of a prompt of full blocks."""
    return tuple(word[:end].encode() for end in range(1, len(word) + 1))


def request_of(work, name, word, rest=1, blocks=0):
    """A request: the blocks of `word`, `rest` tokens more, and an answer that fills `blocks`.

    `rest` is below BLOCK; without a word there is at least one token. When `blocks` is no more than
    what the prompt takes, the answer has one token.
    """
    tokens = BLOCK * len(word) + (rest if word else max(rest, 1))
    answer = max(1, BLOCK * blocks - tokens)
    return work.Request(name, hashes_of(word), tokens, answer)


def blocks_of(request):
    """How many blocks a request takes."""
    return -(-(request.tokens + request.answer_tokens) // BLOCK)


@dataclass(frozen=True)
class Plan:
    """What must happen to a request that fits."""

    cached: int
    """Blocks that are shared."""
    wanted: int
    """Blocks that are taken."""
    victims: tuple[bytes, ...]
    """Hashes that have to go, in order."""


class Books:
    """What a pool must hold after each call, with the block numbers that the learner chose."""

    def __init__(self, total):
        self.total = total
        self.running = {}
        """name -> (request, numbers)"""
        self.numbers = {}
        """cached hash -> block"""
        self.idle = []
        """Hashes of idle blocks, the first to go first."""
        self.written = {}
        """block -> what was computed into it last: a hash, or the name of a request"""
        self.seen = {}
        """Every hash that ever was in a prompt, in that order."""

    def holders(self, number):
        """The names of the requests that hold a block."""
        return [name for name, (_, table) in self.running.items() if number in table]

    def in_use(self):
        """The blocks that some request holds."""
        return {number for _, table in self.running.values() for number in table}

    def free_count(self):
        """How many blocks are neither in use nor cached."""
        return self.total - len(self.in_use()) - len(self.idle)

    def room(self, request):
        """How many blocks are free, how many it needs beside its prefix, how many may go."""
        shared = request.hashes[: self.cached_of(request)]
        others = [entry for entry in self.idle if entry not in shared]
        return self.free_count(), blocks_of(request) - len(shared), len(others)

    def cached_of(self, request):
        """The length of its longest cached prefix, in blocks."""
        cached = 0
        while cached < (request.tokens - 1) // BLOCK and request.hashes[cached] in self.numbers:
            cached += 1
        return cached

    def plan(self, request):
        """What must happen to this request now; None if it does not fit."""
        cached = self.cached_of(request)
        free, wanted, others = self.room(request)
        short = max(0, wanted - free)
        if short > others:
            return None
        evictable = [entry for entry in self.idle if entry not in request.hashes[:cached]]
        return Plan(cached, wanted, tuple(evictable[:short]))

    def take(self, request, plan, table):
        """The request has these blocks from now on, and has computed what was not shared."""
        for victim in plan.victims:
            del self.numbers[victim]
        shared = request.hashes[: plan.cached]
        self.idle = [entry for entry in self.idle if entry not in {*shared, *plan.victims}]
        self.running[request.name] = (request, table)
        for place, number in enumerate(table):
            is_full = place < len(request.hashes)
            if place >= plan.cached:
                self.written[number] = request.hashes[place] if is_full else request.name
            if is_full:
                self.numbers.setdefault(request.hashes[place], number)
        self.seen.update(dict.fromkeys(request.hashes))

    def legal_table(self, request, plan):
        """Some blocks that this request might be given."""
        gone = {self.numbers[victim] for victim in plan.victims}
        kept = (self.in_use() | set(self.numbers.values())) - gone
        shared = [self.numbers[entry] for entry in request.hashes[: plan.cached]]
        return shared + [n for n in range(self.total) if n not in kept][: plan.wanted]

    def give(self, name):
        """The request has ended."""
        request, table = self.running.pop(name)
        in_use = self.in_use()
        for place in reversed(range(len(request.hashes))):
            entry, number = request.hashes[place], table[place]
            if number not in in_use and self.numbers.get(entry) == number:
                self.idle.append(entry)

    def picture(self, title, story, marks=()):
        """The blocks as they must be, and what was called before; `marks` are hashes or blocks."""
        cached = {number: entry for entry, number in self.numbers.items()}
        rows, bad = [], []
        for number in range(self.total):
            entry = cached.get(number)
            holders = self.holders(number)
            if entry in self.idle:
                who = f"idle, number {self.idle.index(entry) + 1} to go"
            else:
                who = f"in use: {', '.join(holders)}" if holders else "free"
            holds = entry.decode() if entry else "not cached" if holders else ""
            if number in marks or (entry is not None and entry in marks):
                bad.append(number)
            rows.append((str(number), holds, who))
        return pictures.of_blocks(title, rows, bad, story)
