"""Steps on objects; see `steps`."""

from __future__ import annotations

from dataclasses import dataclass

from veristack_lab.sim.store.session import Session, State, content_name
from veristack_lab.sim.store.steps import Still, without


class OnObjects(Still):
    """A step that needs the object store."""

    on_objects = True


@dataclass(frozen=True)
class CreateBucket(OnObjects):
    """Make a bucket."""

    bucket: str

    def run(self, session: Session) -> None:
        session.objects.create_bucket(self.bucket)

    def model(self, state: State) -> State:
        return {**state, ("bucket", self.bucket): b""}

    def __str__(self) -> str:
        return f"create bucket {self.bucket}"


@dataclass(frozen=True)
class PutObject(OnObjects):
    """Put an object, or put another one in its place."""

    bucket: str
    key: str
    content: bytes

    def run(self, session: Session) -> None:
        session.objects.put(self.bucket, self.key, self.content)

    def model(self, state: State) -> State:
        return {**state, ("object", self.bucket, self.key): self.content}

    def __str__(self) -> str:
        return f"put object {self.key}, {len(self.content)} bytes"


@dataclass(frozen=True)
class DeleteObject(OnObjects):
    """Delete an object."""

    bucket: str
    key: str

    def run(self, session: Session) -> None:
        session.objects.delete(self.bucket, self.key)

    def model(self, state: State) -> State:
        return without(state, ("object", self.bucket, self.key))

    def __str__(self) -> str:
        return f"delete object {self.key}"


@dataclass(frozen=True)
class CollectGarbage(OnObjects):
    """Remove what no object refers to."""

    def run(self, session: Session) -> None:
        session.objects.collect_garbage()

    def __str__(self) -> str:
        return "collect garbage"


@dataclass(frozen=True)
class DeleteBucket(OnObjects):
    """Remove an empty bucket."""

    bucket: str

    def run(self, session: Session) -> None:
        session.objects.delete_bucket(self.bucket)

    def model(self, state: State) -> State:
        return without(state, ("bucket", self.bucket))

    def __str__(self) -> str:
        return f"delete bucket {self.bucket}"


@dataclass(frozen=True)
class CopyObject(OnObjects):
    """Copy an object over another, or to a new key."""

    bucket: str
    source: str
    key: str

    def run(self, session: Session) -> None:
        session.objects.copy(self.bucket, self.source, self.bucket, self.key)

    def model(self, state: State) -> State:
        content = state["object", self.bucket, self.source]
        return {**state, ("object", self.bucket, self.key): content}

    def __str__(self) -> str:
        return f"copy object {self.source} to {self.key}"


@dataclass(frozen=True)
class StartUpload(OnObjects):
    """Begin an upload in parts; one at a time for each key."""

    bucket: str
    key: str

    def run(self, session: Session) -> None:
        upload_id = session.objects.start_upload(self.bucket, self.key)
        session.uploads[self.bucket, self.key] = upload_id

    def model(self, state: State) -> State:
        return {**state, ("upload", self.bucket, self.key): b""}

    def __str__(self) -> str:
        return f"start upload of {self.key}"


@dataclass(frozen=True)
class PutPart(OnObjects):
    """Upload a part, or another one in its place."""

    bucket: str
    key: str
    number: int
    content: bytes

    def run(self, session: Session) -> None:
        upload_id = session.uploads[self.bucket, self.key]
        part = session.objects.put_part(self.bucket, self.key, upload_id, self.number, self.content)
        session.etags[self.bucket, self.key, self.number] = part.etag

    def model(self, state: State) -> State:
        item = ("part", self.bucket, self.key, str(self.number))
        return {**state, item: content_name(self.content)}

    def __str__(self) -> str:
        return f"put part {self.number} of {self.key}, {len(self.content)} bytes"


@dataclass(frozen=True)
class CompleteUpload(OnObjects):
    """Make the object of the parts named."""

    bucket: str
    key: str
    numbers: tuple[int, ...]
    content: bytes
    """What the parts are together."""

    def run(self, session: Session) -> None:
        etags = session.etags
        parts = [(number, etags[self.bucket, self.key, number]) for number in self.numbers]
        upload_id = session.uploads[self.bucket, self.key]
        session.objects.complete_upload(self.bucket, self.key, upload_id, parts)

    def model(self, state: State) -> State:
        left = without_upload(state, self.bucket, self.key)
        return {**left, ("object", self.bucket, self.key): self.content}

    def __str__(self) -> str:
        return f"complete upload of {self.key}, {len(self.numbers)} parts"


@dataclass(frozen=True)
class AbortUpload(OnObjects):
    """Give an upload up."""

    bucket: str
    key: str

    def run(self, session: Session) -> None:
        upload_id = session.uploads[self.bucket, self.key]
        session.objects.abort_upload(self.bucket, self.key, upload_id)

    def model(self, state: State) -> State:
        return without_upload(state, self.bucket, self.key)

    def __str__(self) -> str:
        return f"abort upload of {self.key}"


def without_upload(state: State, bucket: str, key: str) -> State:
    """A state without an upload and its parts."""
    kinds = ("upload", "part")
    return {
        item: value
        for item, value in state.items()
        if item[0] not in kinds or item[1:3] != (bucket, key)
    }
