"""A byte is shifted seven times."""
# caught by: the last bit of a byte


def step(register, byte):
    register ^= byte
    for _ in range(7):
        register = (register >> 1) ^ (POLYNOMIAL if register & 1 else 0)
    return register
