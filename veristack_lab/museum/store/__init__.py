"""Exhibits of the key-value store: its log, its snapshots and its recovery."""
