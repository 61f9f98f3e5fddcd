"""Exhibits of the object store: content, names and listings."""
