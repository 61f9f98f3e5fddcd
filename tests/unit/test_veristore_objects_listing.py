"""Pages of a listing: order, prefixes, delimiters, and what a page costs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from veristack_lab.errors import BucketNotFound, InvalidInput
from veristack_lab.veristore import ObjectStore, Store
from veristack_lab.veristore.objects.listing import list_page, page_request
from veristack_lab.veristore.objects.types import Page
from veristack_lab.veristore.wal.mutations import Batch

KEYS = ["a", "a/1", "a/2", "a/b/1", "b", "b/", "b/1", "c//d", "é/1", "é/2", "z", "🙂/x", "ﬀ"]


@pytest.fixture
def store() -> Iterator[Store]:
    with quick_folder() as folder, veristore.open(folder / "store") as opened:
        yield opened


@pytest.fixture
def objects(store: Store) -> ObjectStore:
    objects = ObjectStore(store)
    for bucket in ("b", "b2"):
        objects.create_bucket(bucket)
        for key in KEYS:
            objects.put(bucket, key, key.encode())
    return objects


def keys_of(page: Page) -> list[str]:
    return [info.key for info in page.objects]


def pages(objects: ObjectStore, max_keys: int, **request: str) -> Iterator[Page]:
    after = ""
    while True:
        page = objects.list_page("b", start_after=after, max_keys=max_keys, **request)
        yield page
        if page.next_start_after is None:
            assert not page.is_truncated
            return
        assert page.is_truncated
        after = page.next_start_after


def test_a_page_of_everything(objects: ObjectStore) -> None:
    page = objects.list_page("b")
    assert keys_of(page) == sorted(KEYS, key=str.encode)
    assert page == Page(tuple(objects.list("b")), (), None, False)
    assert len(page) == len(KEYS)


def test_common_prefixes_stand_for_what_is_below_them(objects: ObjectStore) -> None:
    page = objects.list_page("b", delimiter="/")
    assert keys_of(page) == ["a", "b", "z", "ﬀ"]
    assert page.common_prefixes == ("a/", "b/", "c/", "é/", "🙂/")
    below = objects.list_page("b", prefix="a/", delimiter="/")
    assert (keys_of(below), below.common_prefixes) == (["a/1", "a/2"], ("a/b/",))
    itself = objects.list_page("b", prefix="b/", delimiter="/")
    assert (keys_of(itself), itself.common_prefixes) == (["b/", "b/1"], ())
    assert objects.list_page("b", prefix="c/", delimiter="/").common_prefixes == ("c//",)
    assert objects.list_page("b", delimiter="/1").common_prefixes == ("a/1", "a/b/1", "b/1", "é/1")
    assert len(objects.list_page("b", prefix="nothing")) == 0


@pytest.mark.parametrize("delimiter", ["", "/", "b"])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "é"])
@pytest.mark.parametrize("max_keys", [1, 2, 3, 5, 1000])
def test_pages_together_are_the_whole(
    objects: ObjectStore, max_keys: int, prefix: str, delimiter: str
) -> None:
    whole = objects.list_page("b", prefix=prefix, delimiter=delimiter)
    found = list(pages(objects, max_keys, prefix=prefix, delimiter=delimiter))
    assert [info for page in found for info in page.objects] == list(whole.objects)
    assert [text for page in found for text in page.common_prefixes] == list(whole.common_prefixes)
    assert all(len(page) == max_keys for page in found[:-1])
    assert max_keys >= len(found[-1]) >= min(len(whole), 1)


def test_starting_after_any_text(objects: ObjectStore) -> None:
    assert keys_of(objects.list_page("b", start_after="b/0", max_keys=2)) == ["b/1", "c//d"]
    assert keys_of(objects.list_page("b", prefix="b", start_after="a")) == ["b", "b/", "b/1"]
    assert keys_of(objects.list_page("b", prefix="b", start_after="c")) == []
    after = objects.list_page("b", delimiter="/", start_after="a/1")
    assert after.common_prefixes[0] == "b/", "a/ is not behind a/1"


def test_pages_stay_right_while_others_write(objects: ObjectStore) -> None:
    """What is there throughout is listed once; what comes and goes, once or not at all."""
    seen: list[str] = []
    for number, page in enumerate(pages(objects, 2)):
        seen += keys_of(page)
        objects.put("b", f"a/new{number}", b"")
        objects.put("b", f"zz{number % 3}", b"")
        objects.delete("b", f"a/new{number - 1}")
        assert number < 30
    stayed = [key for key in seen if "new" not in key and "zz" not in key]
    assert stayed == sorted(KEYS, key=str.encode)
    assert len(seen) == len(set(seen))


def test_no_more_than_a_thousand_and_no_less_than_none(objects: ObjectStore) -> None:
    none = objects.list_page("b", max_keys=0)
    assert (len(none), none.is_truncated, none.next_start_after) == (0, False, None)
    with pytest.raises(InvalidInput, match="max_keys is -1"):
        objects.list_page("b", max_keys=-1)
    with pytest.raises(InvalidInput, match="Unicode"):
        objects.list_page("b", prefix="\ud800")
    with pytest.raises(BucketNotFound):
        objects.list_page("no")


def test_a_page_costs_what_it_shows(store: Store, objects: ObjectStore) -> None:
    """20,000 keys in folders of 200: rows looked at, not seconds, are counted."""
    record = store.get(objects._meta_key("b", "a"))
    assert record is not None
    batch = Batch()
    for number in range(20_000):
        key = f"f{number // 200:03d}/{number % 200:04d}"
        batch.put(objects._meta_key("b2", key), record)
    store.write(batch)
    looked_at = 0

    def scan(prefix: bytes, start: bytes, limit: int) -> Iterator[tuple[bytes, bytes]]:
        nonlocal looked_at
        for pair in store.scan(prefix, start, limit):
            looked_at += 1
            yield pair

    family = objects._meta_prefix("b2")
    page = list_page(scan, family, page_request("f", "/", "", 1000))
    assert page.common_prefixes == tuple(f"f{number:03d}/" for number in range(100))
    assert looked_at == 100, "one key a folder"
    looked_at = 0
    page = list_page(scan, family, page_request("f", "", "f042/0100", 1000))
    assert len(page.objects) == 1000
    assert page.next_start_after is not None
    assert looked_at == 1001
