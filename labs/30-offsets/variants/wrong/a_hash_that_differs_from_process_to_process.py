"""Python's own hash, which is salted anew in each process."""
# caught by: the same one in every process


def partition_of(document, partitions):
    return hash(document) % partitions
