"""Whatever fits starts, also from behind: a large request waits as long as small ones come.

Proposed to vLLM for its throughput: https://github.com/vllm-project/vllm/pull/35852
"""
# caught by: first come, first served


class Admission(Admission):
    def _start(self):
        started = []
        for request in list(self._waiting):
            try:
                started.append(self.pool.allocate(request))
            except NoNodeAvailable:
                continue
            self._waiting.remove(request)
            self._running.add(request.name)
        return started
