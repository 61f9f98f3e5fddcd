"""Data is taken eight bytes at a time, and what is left over is left out."""
# caught by: the value that every CRC32C
# task: 3


def crc32c(data, value=0):
    tables = make_tables()
    register = value ^ ALL_ONES
    for start in range(0, len(data) - 7, 8):
        register = eight_bytes(tables, register, data[start : start + 8])
    return register ^ ALL_ONES
