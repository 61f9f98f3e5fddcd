"""Real servers: find yours, or start one here; install what that needs; say what is in use."""
