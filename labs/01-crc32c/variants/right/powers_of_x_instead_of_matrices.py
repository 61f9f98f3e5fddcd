"""The checksum of A is multiplied by a power of x, modulo the polynomial."""


def times(a, b):
    """The product of two reversed polynomials, modulo the polynomial."""
    product = 0
    for bit in range(32):
        if b >> (31 - bit) & 1:
            product ^= a
        a = (a >> 1) ^ (POLYNOMIAL if a & 1 else 0)
    return product


def combine(crc_a, crc_b, length_b):
    power, result, bits = 1 << 30, 1 << 31, 8 * length_b  # x, and one
    while bits:
        if bits & 1:
            result = times(result, power)
        power = times(power, power)
        bits >>= 1
    return times(crc_a, result) ^ crc_b
