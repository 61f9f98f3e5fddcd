"""The byte replaces the lowest bits of the register instead of being added."""
# caught by: any register, any byte


def step(register, byte):
    register = (register & ~0xFF) | byte
    for _ in range(8):
        register = (register >> 1) ^ (POLYNOMIAL if register & 1 else 0)
    return register
