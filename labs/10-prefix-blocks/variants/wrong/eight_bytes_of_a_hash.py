"""Hashes of eight bytes: in a large cache two prompts meet, by chance or on purpose.

https://github.com/vllm-project/vllm/pull/15297
"""
# caught by: at least 16 bytes

whole_hashes = block_hashes


def block_hashes(model, salt, tokens):
    return [one[:8] for one in whole_hashes(model, salt, tokens)]
