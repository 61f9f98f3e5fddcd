"""A text that is refused goes on up, and the same record ends the next worker too."""
# caught by: tried MAX_ATTEMPTS times, then parked


def process(database, engine, event):
    apply(database, engine, event)
    return True
