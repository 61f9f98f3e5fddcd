"""The result of the step is not returned."""
# caught by: zeroes leave zeroes


def step(register, byte):
    register ^= byte
    for _ in range(8):
        register = (register >> 1) ^ (POLYNOMIAL if register & 1 else 0)
