"""The chain begins with random bytes of this process: two engines never share a block.

https://github.com/LMCache/LMCache/issues/1139 and https://github.com/vllm-project/vllm/pull/51875
"""
# caught by: the same in every process

import os

ROOT = os.urandom(32)


def block_hashes(model, salt, tokens):
    parent = ROOT + repr((model, salt)).encode()
    hashes = []
    for start in range(0, len(tokens) - BLOCK_TOKENS + 1, BLOCK_TOKENS):
        block = repr(list(tokens[start : start + BLOCK_TOKENS])).encode()
        parent = blake2b(parent + block).digest()
        hashes.append(parent)
    return hashes
