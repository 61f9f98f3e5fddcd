"""The last full block is always computed anew, also when tokens follow it."""
# caught by: the blocks before the first that is missing


def longest(request, cached):
    for number, block_hash in enumerate(request.hashes[:-1]):
        if block_hash not in cached:
            return number
    return max(0, len(request.hashes) - 1)
