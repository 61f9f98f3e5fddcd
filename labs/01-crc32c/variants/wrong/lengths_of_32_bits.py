"""Only 32 bits of the length of B are looked at."""
# caught by: B may be a terabyte

combine_all = combine


def combine(crc_a, crc_b, length_b):
    return combine_all(crc_a, crc_b, length_b & ALL_ONES)
