"""A partition that is stable, and nearly always the same one."""
# caught by: all partitions are used


def partition_of(document, partitions):
    return len(document) % partitions
