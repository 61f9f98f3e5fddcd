"""All eight tables are the first one."""
# caught by: eight tables


def make_tables():
    return [make_table() for _ in range(8)]
