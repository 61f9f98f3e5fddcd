"""The write-ahead log: records, segments, and what their bytes mean."""
