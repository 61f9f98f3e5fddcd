"""Reading a store back: `recoverer` is the way through, each other module one of its steps."""
