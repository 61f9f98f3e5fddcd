"""A binary search for the end of the prefix: it may find the far side of a gap."""
# caught by: the blocks before the first that is missing


def longest(request, cached):
    low, high = 0, (request.tokens - 1) // BLOCK_TOKENS
    while low < high:
        middle = (low + high + 1) // 2
        if request.hashes[middle - 1] in cached:
            low = middle
        else:
            high = middle - 1
    return low
