"""The register is shifted to the left, with its highest bit looked at."""
# caught by: the last bit of a byte


def step(register, byte):
    register ^= byte << 24
    for _ in range(8):
        register = (register << 1) ^ (POLYNOMIAL if register & 0x80000000 else 0)
    return register & ALL_ONES
