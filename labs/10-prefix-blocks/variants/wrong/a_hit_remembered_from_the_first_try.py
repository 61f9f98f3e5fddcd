"""What was cached at a request's first try is believed at its second, though it is evicted by then.

https://github.com/vllm-project/vllm/pull/17305
"""
# caught by: any history: what is cached

look_up = longest
remembered = {}


def longest(request, cached):
    if isinstance(cached, BlockPool):
        key = (id(cached), request)
        if key not in remembered:
            remembered[key] = look_up(request, cached)
        found = remembered[key]
        shared = request.hashes[:found]
        return found if all(one in cached for one in shared) else look_up(request, cached)
    return look_up(request, cached)


class BlockPool(BlockPool):
    def allocate(self, request):
        grant = super().allocate(request)
        remembered.pop((id(self), request), None)
        return grant

    def __del__(self):
        for key in [key for key in remembered if key[0] == id(self)]:
            del remembered[key]
