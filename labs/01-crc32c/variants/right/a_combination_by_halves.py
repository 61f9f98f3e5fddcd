"""Zero bytes pass by halves of halves: a map for half the length, applied twice."""


def zero_bytes(length):
    """The map of that many zero bytes: what becomes of each single bit."""
    if length == 0:
        return [1 << bit for bit in range(32)]
    half = zero_bytes(length // 2)
    both = [apply(half, entry) for entry in half]
    return [step(entry, 0) for entry in both] if length % 2 else both


def combine(crc_a, crc_b, length_b):
    return apply(zero_bytes(length_b), crc_a) ^ crc_b
