"""A prompt that is cached as a whole leaves no token to compute, and the engine stops.

https://github.com/LMCache/LMCache/pull/3322 and https://github.com/vllm-project/vllm/pull/17999
"""
# caught by: at least one token


def longest(request, cached):
    for number, block_hash in enumerate(request.hashes):
        if block_hash not in cached:
            return number
    return len(request.hashes)
