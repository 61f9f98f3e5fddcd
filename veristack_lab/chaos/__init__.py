"""Faults that are done to real processes."""
