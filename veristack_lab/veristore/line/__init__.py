"""The line protocol: the commands, a server for them, and a shell."""
