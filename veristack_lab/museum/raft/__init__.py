"""Exhibits of Raft: one rule of the core replaced in each."""
