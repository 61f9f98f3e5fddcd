"""Every error that the lab raises on purpose, as one tree.

Each class's docstring says what happened and what to do about it, and is the message
when none is given. Catch the branch you can handle; catch `VeriStackError` at the edge.

    VeriStackError
    ├── InvalidInput (also a ValueError)
    │   └── PortUnavailable
    ├── StoreError
    │   ├── StoreClosed
    │   ├── StoreLocked
    │   ├── StoreForked
    │   ├── StoreNotOpened
    │   ├── StoreReadOnly
    │   ├── StoreFailed
    │   ├── StoreCorrupt
    │   ├── NotAStore
    │   ├── DiskFull
    │   ├── CommitPending (also a TimeoutError)
    │   ├── KeyTooLarge
    │   ├── ValueTooLarge
    │   ├── BucketNotFound
    │   ├── BucketNotEmpty
    │   ├── ObjectNotFound
    │   ├── PreconditionFailed
    │   ├── RangeNotSatisfiable
    │   ├── UploadNotFound
    │   ├── InvalidPart
    │   ├── InvalidPartOrder
    │   ├── PartTooSmall
    │   ├── ChecksumMismatch
    │   └── ObjectStoreUnavailable
    ├── ServingError
    │   ├── NoNodeAvailable
    │   ├── AdmissionRejected
    │   ├── EngineFailed
    │   ├── ModelNotFound
    │   └── PromptTooLong
    ├── FlowError
    │   ├── JobNotFound
    │   ├── IdempotencyConflict
    │   ├── InvalidTransition
    │   ├── LeaseLost
    │   └── CheckpointCorrupt
    ├── SearchError
    │   ├── DocumentNotFound
    │   ├── RequestConflict
    │   ├── EmbeddingFailed
    │   ├── TextRefused
    │   ├── EmbeddingModelChanged
    │   └── DocumentLeaseLost
    ├── ViewError
    │   ├── ViewClosed
    │   └── WaitExpired (also a TimeoutError)
    └── BackendError
        ├── BackendUnavailable
        ├── BackendStartFailed
        ├── DownloadFailed
        ├── FolderHeld
        ├── FolderUnusable
        ├── SchemaHeld
        ├── MigrationConflict
        ├── PrivilegeMissing
        └── ProcessDied

One warning, for damage that need not stop the caller: `StoreDamaged`. See `raft.errors` too.
"""

from __future__ import annotations

import inspect


class VeriStackError(Exception):
    """Something in the lab failed. The message says what to do."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.getdoc(type(self)) or type(self).__name__)


class InvalidInput(VeriStackError, ValueError):
    """An argument cannot be used. Correct it as the message says and call again."""


class PortUnavailable(InvalidInput):
    """The port cannot be listened on: it is taken, reserved, or not a port. Choose another, or 0
    for any free one."""


# ------------------------------------------------------------------ veristore


class StoreError(VeriStackError):
    """The store could not do what was asked."""


class StoreClosed(StoreError):
    """The store was closed. Open it again with `veristore.open(path)`."""


class StoreLocked(StoreError):
    """Another process has this store open. Close it there, or open another path."""


class StoreForked(StoreError):
    """This process is a fork of the one that opened the store; a store is usable only in its owner.
    Use it there, or open another store here; `close` in the owner frees the path."""


class StoreNotOpened(StoreError):
    """The system refuses to open this path, and the message says why. Nothing was changed and
    nothing is lost: correct the path, its permissions or the limit, and open it again."""


class StoreReadOnly(StoreError):
    """The store was opened with `read_only=True` and takes no writes. Open it without that, once
    no other process has it open."""


class StoreFailed(StoreError):
    """A write or sync failed, so the store takes no more writes. Reads still answer; nothing
    acknowledged is lost. Find out what is wrong with the disk, then close and reopen the store."""


class StoreCorrupt(StoreError):
    """The log is damaged before its end, and the recovery mode refuses that. Nothing was changed:
    restore a copy of the store, or open it in another mode."""


class StoreDamaged(UserWarning):
    """A store was opened though something durable in it could not be read. `stats().recovery`
    says what is lost; the damaged files are kept beside the repaired ones."""


class NotAStore(StoreError):
    """The path holds something that is not a store, or one of a newer version. Give an empty
    or absent folder, or upgrade the lab."""


class DiskFull(StoreError):
    """The disk has no room. Nothing acknowledged is lost: free some space and reopen the store."""


class CommitPending(StoreError, TimeoutError):
    """A write was not decided within the timeout. It is still under way: wait again, or check
    `done()`."""


class KeyTooLarge(StoreError):
    """A key is empty or too long. Keys are 1 to 65,536 bytes."""


class ValueTooLarge(StoreError):
    """A value is too large. Values are at most 64 MiB; put larger ones into the object store."""


class BucketNotFound(StoreError):
    """There is no such bucket. Make it with `create_bucket(name)`."""


class BucketNotEmpty(StoreError):
    """The bucket still holds objects. Delete them first; `list(bucket)` shows them."""


class ObjectNotFound(StoreError):
    """There is no such object in the bucket. `list(bucket)` shows what is there."""


class PreconditionFailed(StoreError):
    """The object does not meet the condition; nothing was changed. `head(bucket, key)` shows its
    present state: decide again and repeat the call."""


class RangeNotSatisfiable(StoreError):
    """The range begins past the last byte of the object. `head(bucket, key)` shows its size."""


class UploadNotFound(StoreError):
    """There is no such upload: it was completed, aborted, or never begun. `uploads(bucket)`
    shows the open ones; begin another with `start_upload`."""


class InvalidPart(StoreError):
    """A part was not uploaded, or has another ETag. `parts(...)` shows what is there."""


class InvalidPartOrder(StoreError):
    """The parts to complete an upload with must be in ascending order, each named once."""


class PartTooSmall(StoreError):
    """A part other than the last is too small. Upload it again, larger."""


class ChecksumMismatch(StoreError):
    """Stored bytes differ from what was written. Restore the object from its source."""


class ObjectStoreUnavailable(StoreError):
    """The object store's server does not answer. Start it with `veristack s3 serve PATH`, or
    try again."""


# ------------------------------------------------------------------- llmcache


class ServingError(VeriStackError):
    """A request could not be served."""


class NoNodeAvailable(ServingError):
    """No living engine can take this request. Start one, or wait until one comes back;
    `ollama.ps()` against the gateway, or `veristack doctor`, shows which engines are alive."""


class AdmissionRejected(ServingError):
    """As many requests as allowed are already being served. Try again after a pause."""


class EngineFailed(ServingError):
    """An engine died or answered with an error in the middle of a request. Send the request
    again: the router will choose a living engine."""


class ModelNotFound(ServingError):
    """No engine serves this model. `ollama.list()` lists them."""


class PromptTooLong(ServingError):
    """The prompt does not fit the engine's context. Shorten it."""


# ------------------------------------------------------------------- veriflow


class FlowError(VeriStackError):
    """A job could not be handled."""


class JobNotFound(FlowError):
    """There is no such job. `list()` lists the jobs."""


class IdempotencyConflict(FlowError):
    """This Idempotency-Key was already used with another body. Use a new key for a new job."""


class InvalidTransition(FlowError):
    """The job's state does not allow this. `get(job_id)` shows the state it is in."""


class LeaseLost(FlowError):
    """Another scheduler owns this run now. Stop working on it: its result would not count."""


class CheckpointCorrupt(FlowError):
    """A checkpoint's bytes do not match its manifest. An older one will be used."""


# ---------------------------------------------------------------- smartsearch


class SearchError(VeriStackError):
    """A document or a question could not be handled."""


class DocumentNotFound(SearchError):
    """There is no such document for this tenant. Check the id and the tenant."""


class RequestConflict(SearchError):
    """This requestId was already used with another text. Use a new requestId for a new text."""


class EmbeddingFailed(SearchError):
    """The embedding engine did not give a usable vector. Check `veristack doctor`."""


class TextRefused(SearchError):
    """This text cannot be embedded, for example because nothing in it is readable. Correct it
    and ingest it with a new requestId."""


class EmbeddingModelChanged(SearchError):
    """The stored vectors come from another model than the engine's. Use that model again, or
    another schema and ingest anew."""


class DocumentLeaseLost(SearchError):
    """Another worker owns this document now. Nothing that this one wrote will be seen."""


# -------------------------------------------------------------------- widgets


class ViewError(VeriStackError):
    """A live view could not do what was asked."""


class ViewClosed(ViewError):
    """The view was closed and takes no more commands. Run its cell again, or make a new one."""


class WaitExpired(ViewError, TimeoutError):
    """What was waited for did not happen in time. The message says what was seen instead."""


# ------------------------------------------------------------------- backends


class BackendError(VeriStackError):
    """A server that the lab needs cannot be used."""


class BackendUnavailable(BackendError):
    """A needed server is neither configured nor installable here. `veristack doctor` prints the
    command that brings it."""


class BackendStartFailed(BackendError):
    """A server was started but did not become ready. The message holds the end of its log."""


class DownloadFailed(BackendError):
    """A file could not be fetched, or its SHA-256 was wrong twice. Check the connection to your
    package registry and run the command again: what was complete is kept."""


class FolderHeld(BackendError):
    """A server of another process works in this folder. Stop it, use it, or give another folder."""


class FolderUnusable(BackendError):
    """A server cannot keep its data in this folder. Give a folder that you may write to."""


class SchemaHeld(BackendError):
    """Another server works on this database schema. Use it, stop it, or give another schema."""


class MigrationConflict(BackendError):
    """Other migration files made this schema. Use the lab's version that did, or another schema."""


class PrivilegeMissing(BackendError):
    """The role of the connection string lacks a right. Ask the database's administrator for it."""


class ProcessDied(BackendError):
    """A child process ended unexpectedly. The message holds its exit code and its last output."""
