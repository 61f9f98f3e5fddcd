"""A text that is refused is tried again and again (P0luz/Ombre-Brain issue 117)."""
# caught by: tried MAX_ATTEMPTS times, then parked


def process(database, engine, event):
    try:
        apply(database, engine, event)
    except TextRefused:
        return False
    return True
