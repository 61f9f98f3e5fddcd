"""The table is filled from its powers of two, because it is linear."""


def make_table():
    table = [0] * 256
    register, size = 1, 128
    while size:
        register = (register >> 1) ^ (POLYNOMIAL if register & 1 else 0)
        for index in range(0, 256, 2 * size):
            table[index + size] = register ^ table[index]
        size >>= 1
    return table
