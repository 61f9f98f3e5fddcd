"""One SHA-256 that goes on through the prompt and is copied at each block; look-up by takewhile."""

from hashlib import sha256
from itertools import islice, takewhile


def chain(model, salt, tokens):
    running = sha256(repr((model, salt)).encode() + b"\0")
    for end in range(BLOCK_TOKENS, len(tokens) + 1, BLOCK_TOKENS):
        running.update(repr(tuple(tokens[end - BLOCK_TOKENS : end])).encode())
        yield running.copy().digest()


def block_hashes(model, salt, tokens):
    return list(chain(model, salt, tokens))


def longest(request, cached):
    usable = islice(request.hashes, (request.tokens - 1) // BLOCK_TOKENS)
    return sum(1 for _ in takewhile(cached.__contains__, usable))
