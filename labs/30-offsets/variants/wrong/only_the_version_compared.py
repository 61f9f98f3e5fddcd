"""Idempotent by version alone: a restored source never gets its text through."""
# caught by: a version that comes again with another text


def _is_news(tx, event):
    return event.version > (tx.get("applied", event.document) or ("", 0))[1]
