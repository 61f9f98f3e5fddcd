"""The checksum goes through step, byte by byte."""


def crc32c(data, value=0):
    register = ~value & ALL_ONES
    for byte in data:
        register = step(register, byte)
    return ~register & ALL_ONES
