"""An unchanged text is skipped, and its version is not noted: a late older one overwrites it."""
# caught by: in any order, each any number of times
# task: 2

_apply = apply


def apply(database, engine, event):
    with database.transaction() as tx:
        before = tx.get("applied", event.document)
        if before is not None and before[2] == identity(event)[2]:
            return
    _apply(database, engine, event)
