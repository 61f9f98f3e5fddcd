"""Eight bytes in one expression, with shifts and masks instead of bytes."""


def make_tables():
    def after(byte, zeroes):
        register = step(0, byte)
        for _ in range(zeroes):
            register = step(register, 0)
        return register

    return [[after(byte, zeroes) for byte in range(256)] for zeroes in range(8)]


def eight_bytes(tables, register, chunk):
    low = register ^ (chunk[0] | chunk[1] << 8 | chunk[2] << 16 | chunk[3] << 24)
    t0, t1, t2, t3, t4, t5, t6, t7 = tables
    return (
        t7[low & 255]
        ^ t6[low >> 8 & 255]
        ^ t5[low >> 16 & 255]
        ^ t4[low >> 24]
        ^ t3[chunk[4]]
        ^ t2[chunk[5]]
        ^ t1[chunk[6]]
        ^ t0[chunk[7]]
    )
