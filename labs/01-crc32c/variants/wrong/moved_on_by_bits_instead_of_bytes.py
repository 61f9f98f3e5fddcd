"""The checksum of A is moved on by as many bits as B has bytes."""
# caught by: A then B


def combine(crc_a, crc_b, length_b):
    matrix = [POLYNOMIAL] + [1 << bit for bit in range(31)]
    while length_b:
        if length_b & 1:
            crc_a = apply(matrix, crc_a)
        matrix = [apply(matrix, row) for row in matrix]
        length_b >>= 1
    return crc_a ^ crc_b
