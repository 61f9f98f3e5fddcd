"""A deletion that comes before its document finds nothing to delete, and is not remembered."""
# caught by: in any order, each any number of times
# task: 2

_apply = apply


def apply(database, engine, event):
    if event.text is None:
        with database.transaction() as tx:
            if all(key[0] != event.document for key, _ in tx.scan("chunks")):
                return
    _apply(database, engine, event)
