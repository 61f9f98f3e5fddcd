"""The object store: `store` is its face, `records` what is written, `keeper` the commit point."""
