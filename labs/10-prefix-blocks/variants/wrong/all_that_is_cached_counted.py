"""Every cached block counts, also behind a gap."""
# caught by: the blocks before the first that is missing


def longest(request, cached):
    most = (request.tokens - 1) // BLOCK_TOKENS
    return sum(block_hash in cached for block_hash in request.hashes[:most])
