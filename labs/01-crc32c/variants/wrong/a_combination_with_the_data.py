"""Zeroes of the length of B are made, for which a terabyte leaves no memory."""
# caught by: B may be a terabyte


def combine(crc_a, crc_b, length_b):
    return crc32c(bytes(length_b), crc_a) ^ crc32c(bytes(length_b)) ^ crc_b
