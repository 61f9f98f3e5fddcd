"""The object store against a dictionary, under any sequence of calls, reopens included."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack
from dataclasses import dataclass, field

import hypothesis
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    rule,
    run_state_machine_as_test,
)

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from veristack_lab.errors import (
    BucketNotEmpty,
    BucketNotFound,
    ObjectNotFound,
    PreconditionFailed,
    UploadNotFound,
)
from veristack_lab.veristore import ObjectStore
from veristack_lab.veristore.objects.reader import ObjectReader

BUCKETS = st.sampled_from(["a", "a:b"])
KEYS = st.sampled_from(["k", "b:k", "d/1", "d/2", "d/e/3", "é", "🙂"])
CONTENT = st.one_of(
    st.binary(max_size=20),
    st.builds(
        lambda seed, size: bytes((seed + n) % 256 for n in range(size)),
        st.integers(0, 255),
        st.integers(0, 100),
    ),
)
CHUNK = 16


def md5(data: bytes) -> str:
    return hashlib.md5(data).hexdigest()


@dataclass
class Upload:
    bucket: str
    key: str
    upload_id: str
    parts: dict[int, bytes] = field(default_factory=dict)


class ObjectMachine(RuleBasedStateMachine):
    uploads = Bundle("uploads")
    readers = Bundle("readers")

    def __init__(self) -> None:
        super().__init__()
        self.resources = ExitStack()
        self.folder = self.resources.enter_context(quick_folder())
        self.model: dict[str, dict[str, tuple[bytes, str]]] = {}
        """Bucket to key to content and ETag."""
        self.open_uploads: list[Upload] = []
        self.readers_open: list[ObjectReader] = []
        self.open()

    def open(self) -> None:
        self.store = veristore.open(self.folder / "s")
        self.objects = ObjectStore(self.store, chunk_bytes=CHUNK, min_part_bytes=1)

    def teardown(self) -> None:
        self.store.close()
        self.resources.close()

    @rule(checkpoint=st.booleans())
    def reopen(self, checkpoint: bool) -> None:
        for reader in self.readers_open:
            reader.close()
        self.readers_open.clear()
        if checkpoint:
            self.store.checkpoint()
        self.store.close()
        self.open()
        assert self.objects.collect_garbage() == 0, "opening collected all there was"

    @rule(bucket=BUCKETS)
    def create_bucket(self, bucket: str) -> None:
        assert self.objects.create_bucket(bucket) == (bucket not in self.model)
        self.model.setdefault(bucket, {})

    @rule(bucket=BUCKETS)
    def delete_bucket(self, bucket: str) -> None:
        if bucket not in self.model:
            with pytest.raises(BucketNotFound):
                self.objects.delete_bucket(bucket)
        elif self.model[bucket]:
            with pytest.raises(BucketNotEmpty):
                self.objects.delete_bucket(bucket)
        else:
            self.objects.delete_bucket(bucket)
            del self.model[bucket]
            self.open_uploads = [upload for upload in self.open_uploads if upload.bucket != bucket]

    @rule(
        bucket=BUCKETS,
        key=KEYS,
        data=CONTENT,
        streamed=st.booleans(),
        condition=st.sampled_from(["", "none", "match", "other"]),
    )
    def put(self, bucket: str, key: str, data: bytes, streamed: bool, condition: str) -> None:
        content = iter([data[:7], data[7:]]) if streamed else data
        there = self.model.get(bucket, {}).get(key)
        conditions: dict[str, object] = {
            "none": {"if_none_match": True},
            "match": {"if_match": there[1] if there else "*"},
            "other": {"if_match": "other"},
        }.get(condition, {})
        error: type[Exception] | None = None
        if bucket not in self.model:
            error = BucketNotFound
        elif there is None and condition in ("match", "other"):
            error = ObjectNotFound
        elif condition == "other" or (condition == "none" and there is not None):
            error = PreconditionFailed
        if error is None:
            info = self.objects.put(bucket, key, content, **conditions)  # type: ignore[arg-type]
            assert info.etag == md5(data)
            self.model[bucket][key] = data, md5(data)
        else:
            with pytest.raises(error):
                self.objects.put(bucket, key, content, **conditions)  # type: ignore[arg-type]

    @rule(bucket=BUCKETS, key=KEYS)
    def delete(self, bucket: str, key: str) -> None:
        if bucket in self.model:
            self.objects.delete(bucket, key)
            self.model[bucket].pop(key, None)

    @rule(bucket=BUCKETS, keys=st.lists(KEYS, max_size=4))
    def delete_many(self, bucket: str, keys: list[str]) -> None:
        if bucket in self.model:
            there = set(keys) & set(self.model[bucket])
            assert self.objects.delete_many(bucket, keys) == len(there)
            for key in there:
                del self.model[bucket][key]

    @rule(source=BUCKETS, source_key=KEYS, bucket=BUCKETS, key=KEYS)
    def copy(self, source: str, source_key: str, bucket: str, key: str) -> None:
        if source in self.model and bucket in self.model and source_key in self.model[source]:
            data = self.model[source][source_key][0]
            self.objects.copy(source, source_key, bucket, key)
            self.model[bucket][key] = data, md5(data)

    @rule(target=uploads, bucket=BUCKETS, key=KEYS)
    def start_upload(self, bucket: str, key: str) -> Upload:
        upload = Upload(bucket, key, "00" * 16)
        if bucket in self.model:
            upload.upload_id = self.objects.start_upload(bucket, key)
            self.open_uploads.append(upload)
        return upload

    @rule(upload=uploads, number=st.integers(1, 3), data=CONTENT)
    def put_part(self, upload: Upload, number: int, data: bytes) -> None:
        if upload not in self.open_uploads:
            with pytest.raises((UploadNotFound, BucketNotFound)):
                self.objects.put_part(upload.bucket, upload.key, upload.upload_id, number, data)
            return
        part = self.objects.put_part(upload.bucket, upload.key, upload.upload_id, number, data)
        assert part.etag == md5(data)
        upload.parts[number] = data

    @rule(upload=consumes(uploads), skip=st.integers(0, 3), twice=st.booleans())
    def complete(self, upload: Upload, skip: int, twice: bool) -> None:
        parts = {n: data for n, data in sorted(upload.parts.items()) if n != skip and data}
        if upload not in self.open_uploads or not parts:
            return
        named = [(number, md5(data)) for number, data in parts.items()]
        where = upload.bucket, upload.key, upload.upload_id, named
        info = self.objects.complete_upload(*where)
        if twice:
            assert self.objects.complete_upload(*where) == info
        self.open_uploads.remove(upload)
        self.model[upload.bucket][upload.key] = b"".join(parts.values()), info.etag

    @rule(upload=consumes(uploads))
    def abort(self, upload: Upload) -> None:
        if upload in self.open_uploads:
            self.objects.abort_upload(upload.bucket, upload.key, upload.upload_id)
            self.open_uploads.remove(upload)

    @rule(target=readers, bucket=BUCKETS, key=KEYS, start=st.integers(0, 60))
    def open_reader(self, bucket: str, key: str, start: int) -> tuple[ObjectReader, bytes] | None:
        data = self.model.get(bucket, {}).get(key, (b"", ""))[0]
        if start >= len(data):
            return None
        reader = self.objects.open(bucket, key, start=start)
        self.readers_open.append(reader)
        return reader, data[start:]

    @rule(pair=consumes(readers))
    def read(self, pair: tuple[ObjectReader, bytes] | None) -> None:
        """What was opened is read as it was then, whatever happened to the object."""
        if pair is not None and pair[0] in self.readers_open:
            assert pair[0].read() == pair[1]
            self.readers_open.remove(pair[0])

    @rule()
    def collect(self) -> None:
        assert self.objects.collect_garbage() == 0, "nothing is left behind in the first place"

    @rule(
        bucket=BUCKETS,
        prefix=st.sampled_from(["", "d", "d/"]),
        delimiter=st.sampled_from(["", "/"]),
        max_keys=st.integers(1, 4),
        start_after=st.one_of(st.just(""), KEYS),
    )
    def list_page(
        self, bucket: str, prefix: str, delimiter: str, max_keys: int, start_after: str
    ) -> None:
        if bucket not in self.model:
            return
        entries = set()
        for key in self.model[bucket]:
            if key.startswith(prefix):
                head, found, _ = key[len(prefix) :].partition(delimiter or "\x00")
                entries.add(prefix + head + delimiter if delimiter and found else key)
        wanted = sorted(
            (entry for entry in entries if entry.encode() > start_after.encode()), key=str.encode
        )
        page = self.objects.list_page(
            bucket, prefix=prefix, delimiter=delimiter, start_after=start_after, max_keys=max_keys
        )
        found_keys = [info.key for info in page.objects] + list(page.common_prefixes)
        assert sorted(found_keys, key=str.encode) == wanted[:max_keys]
        assert page.is_truncated == (len(wanted) > max_keys)
        assert page.next_start_after == (wanted[max_keys - 1] if page.is_truncated else None)

    @invariant()
    def all_is_as_in_the_model(self) -> None:
        assert self.objects.buckets() == sorted(self.model)
        for bucket, wanted in self.model.items():
            infos = self.objects.list(bucket)
            assert {info.key: info.etag for info in infos} == {
                key: etag for key, (_, etag) in wanted.items()
            }
            for key, (data, _) in wanted.items():
                assert self.objects.get(bucket, key) == data
            open_ids = {u.upload_id for u in self.open_uploads if u.bucket == bucket}
            assert {u.upload_id for u in self.objects.uploads(bucket)} == open_ids

    @invariant()
    def every_part_has_an_upload(self) -> None:
        wanted = {(u.upload_id, number) for u in self.open_uploads for number in u.parts}
        keys = [key for key, _ in self.store.scan(b"obj\x00p")]
        assert {(key[5:21].hex(), int.from_bytes(key[21:], "big")) for key in keys} == wanted

    @invariant()
    def every_file_has_one_owner(self) -> None:
        files = set(self.objects._blobs.ids())
        referred = {key[5:] for key, _ in self.store.scan(b"obj\x00r")}
        held = set(self.objects._shared._pins)
        assert referred <= files <= referred | held


def test_the_object_store_is_a_dictionary() -> None:
    settings = hypothesis.settings(
        max_examples=max(hypothesis.settings().max_examples // 2, 10),
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    run_state_machine_as_test(ObjectMachine, settings=settings)
