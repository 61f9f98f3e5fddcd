"""When the prompt has no rest, one block is taken off the hit, though the last one was not in it."""
# caught by: at least one token


def longest(request, cached):
    number = 0
    while number < len(request.hashes) and request.hashes[number] in cached:
        number += 1
    return max(0, number - 1) if request.tokens % BLOCK_TOKENS == 0 else number
