"""A simulated disk, and everything that a power cut may leave of it."""
