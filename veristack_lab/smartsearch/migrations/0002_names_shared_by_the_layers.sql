-- The name that veriflow uses for the same thing.

ALTER TABLE documents RENAME COLUMN next_retry_at TO next_attempt_at;
