"""The object store: `store` is its interface, `records` what is written, `keeper` the commit
point."""
