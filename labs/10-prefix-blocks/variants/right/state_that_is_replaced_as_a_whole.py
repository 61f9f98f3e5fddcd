"""The state is one frozen value; each call computes the next one, and only then puts it in place."""

from dataclasses import replace


@dataclass(frozen=True)
class State:
    free: tuple
    numbers: dict
    idle: tuple = ()
    running: tuple = ()


def granted(state, request):
    cached = longest(request, state.numbers)
    shared = request.hashes[:cached]
    wanted = request.blocks - cached
    rest = tuple(one for one in state.idle if one not in shared)
    short = max(0, wanted - len(state.free))
    if short > len(rest):
        raise NoNodeAvailable(request.name)
    new = (*state.free[:wanted], *(state.numbers[one] for one in rest[:short]))
    table = (*(state.numbers[one] for one in shared), *new)
    kept = {one: n for one, n in state.numbers.items() if one not in rest[:short]}
    numbers = dict(zip(request.hashes, table)) | kept
    running = (*state.running, (request, table))
    return State(state.free[wanted:], numbers, rest[short:], running), Grant(
        request.name, list(table), cached
    )


class BlockPool:
    def __init__(self, total_blocks):
        self.total_blocks = total_blocks
        self.state = State(tuple(range(total_blocks)), {})

    def __contains__(self, block_hash):
        return block_hash in self.state.numbers

    def allocate(self, request):
        if any(one.name == request.name for one, _ in self.state.running):
            raise InvalidInput(request.name)
        self.state, grant = granted(self.state, request)
        return grant

    def free(self, name):
        ended = [entry for entry in self.state.running if entry[0].name == name]
        if not ended:
            raise InvalidInput(name)
        (request, table), numbers = ended[0], self.state.numbers
        running = tuple(entry for entry in self.state.running if entry[0].name != name)
        used = {number for _, other in running for number in other}
        own = [(one, n) for one, n in zip(request.hashes, table) if numbers.get(one) == n]
        named = {n for _, n in own}
        free = (*self.state.free, *(n for n in table if n not in named and n not in used))
        idle = (*self.state.idle, *(one for one, n in reversed(own) if n not in used))
        self.state = replace(self.state, free=free, idle=idle, running=running)
