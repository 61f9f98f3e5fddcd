"""The bit is looked at after the shift instead of before it."""
# caught by: the last bit of a byte


def step(register, byte):
    register ^= byte
    for _ in range(8):
        register >>= 1
        if register & 1:
            register ^= POLYNOMIAL
    return register
