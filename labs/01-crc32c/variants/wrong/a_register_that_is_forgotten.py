"""Eight bytes are looked up without the register that came before."""
# caught by: eight bytes through any register


def eight_bytes(tables, register, chunk):
    result = 0
    for index, byte in enumerate(chunk):
        result ^= tables[7 - index][byte]
    return result
