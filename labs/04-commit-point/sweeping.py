"""The checks of task 5: a collector beside uploads, and whole histories."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

from veristack_lab import veristore
from veristack_lab.errors import ObjectNotFound
from veristack_lab.labs.checking import FirstBad, check, raising_is_bad, show

from .cutstore import (
    ABSENT,
    BUCKET,
    NEW,
    OLD,
    OTHER,
    CutStore,
    expect_clean,
    expect_neighbours,
    expect_one_of,
    expect_told,
    ids,
    met,
    objects_before,
    objects_of,
    orphans,
    place,
    remove,
    run,
    strikes,
)


def with_orphans(work, count=3):
    """Four objects, and chunks of uploads that a power cut ended."""
    data = objects_before(work)
    for number in range(count):
        lost = (77 + number // 100).to_bytes(16, "big")
        data[work.chunk_key(lost, number % 100)] = b"left behind"
    return data


def collect(objects):
    return objects.collect()


def expect_kept(given, store):
    expect_one_of(given, store, "m", OLD)
    expect_neighbours(given, store)


@check("5", "chunks that no object needs go, and are counted; objects stay")
def swept(work):
    for count in (3, 0, 1, 250):
        store = CutStore(work, with_orphans(work, count))
        objects = objects_of(work, store)
        given = f"collect, {count} chunks are left behind"
        counted = run(work, given, str(count), lambda o=objects: collect(o))
        expect_kept(given, store)
        if (counted, left := len(orphans(work, store.data))) != (count, 0):
            raise store.bad(given, f"{count}, and none left", f"{counted}, and {left} left")


@check("5", "an open upload keeps its chunks, stays open, and is not waited for")
def waits_for_none(work):
    store = CutStore(work, with_orphans(work))
    open_id = place(work, store.data, "m2", NEW, 9)
    del store.data[work.meta_key(BUCKET, "m2")]
    objects = objects_of(work, store)
    objects.open_uploads.add(open_id)
    given = "collect, three chunks are left behind and one upload is under way"
    counted = run(work, given, "3", lambda: collect(objects))
    left = [key for key in orphans(work, store.data) if work.id_of(key) == open_id]
    if (counted, len(left)) != (3, -(-len(NEW) // work.CHUNK_BYTES)):
        got = f"{counted}, {len(left)} of its chunks"
        raise store.bad(given, "3, and its chunks kept", got, "m2")
    if set(objects.open_uploads) != {open_id}:
        got = f"{len(objects.open_uploads)} ids in it"
        given = f"{given}; open_uploads after it"
        raise store.bad(given, "that upload, and no other", got, "m2")


@check("5", "the power cut before every operation: objects stay, and the next run ends it")
def collect_cut(work):
    for given, store, _, _ in strikes(work, with_orphans(work), collect, "collect"):
        expect_kept(given, store)
        after = CutStore(work, store.data)
        again = objects_of(work, after)
        run(work, f"{given}; collected again", "no error", lambda o=again: collect(o))
        expect_kept(f"{given}; collected again", after)
        expect_clean(f"{given}; collected again", after)


@check("5", "a collection that fails says so, and objects stay")
def collect_fails(work):
    for given, store, _, raised in strikes(
        work, with_orphans(work), collect, "collect", ("full", "failed", "unsure", "interrupted")
    ):
        expect_kept(given, store)
        if orphans(work, store.data):
            expect_told(given, store, raised)


@check("5", "run between any two operations of an upload: the upload lives")
def collect_in_upload(work):
    for before in ({}, objects_before(work)):
        for when in itertools.count():
            store = CutStore(work, before)
            objects = objects_of(work, store, new_id=ids())
            given = f"put, and a collect before its call {when + 1}"
            with met(
                store, lambda of, w=when: of.calls == w + 1, lambda o=objects: collect(o)
            ) as did:
                run(work, given, "no error", lambda o=objects: o.put(BUCKET, "m", NEW))
            if not did:
                break
            expect_one_of(given, store, "m", NEW)


MOMENTS = range(1, 10)
"""Of the calls that the collector makes before it has removed the last chunk."""


@check("5", "an upload that commits between any two steps of the collector lives")
def commit_in_collect(work):
    for when in MOMENTS:
        for hook in ("before_call", "after_read"):
            beside_collect(work, hook, begins=0, commits=when)


@check("5", "an upload that begins between any two steps of the collector lives")
def begin_in_collect(work):
    for when in MOMENTS:
        for hook in ("before_call", "after_read"):
            beside_collect(work, hook, begins=when, commits=None)


@check("5", "an upload that begins and commits while the collector runs lives")
def whole_in_collect(work):
    for begins, commits in itertools.combinations_with_replacement(MOMENTS, 2):
        for hook in ("before_call", "after_read"):
            beside_collect(work, hook, begins=begins, commits=commits)


def beside_collect(work, hook, *, begins, commits):
    """An upload that replaces m, and begins and commits at these calls of a collect (0: before)."""
    whole, store = {}, CutStore(work, with_orphans(work))
    object_id = place(work, whole, "m", NEW, 9)
    meta = {work.meta_key(BUCKET, "m"): whole.pop(work.meta_key(BUCKET, "m"))}
    objects = objects_of(work, store)

    begun = []

    def begin():
        begun.append(True)
        objects.open_uploads.add(object_id)
        store.data.update(whole)

    def move_on(of):
        if of.calls == begins:
            begin()
        if of.calls == commits and begun:
            remove(work, store.data, "m")
            store.data.update(meta)
            objects.open_uploads.discard(object_id)

    if begins == 0:
        begin()
    setattr(store, hook, move_on)
    moment = f"{'before' if hook == 'before_call' else 'right after'} the collector's call"
    given = "collect; an upload"
    given += f" begins {moment} {begins}" if begins else " is under way"
    given += f" and commits {moment} {commits}" if commits else ""
    run(work, given, "no error", lambda: collect(objects))
    if not begun:
        return  # the collector makes no such call
    store.data.update(meta)  # that commit comes at last, where it has not come yet
    expect_one_of(given, store, "m", NEW)
    expect_neighbours(given, store)


@check("5", "beside another collector, a delete or an overwrite: objects stay, nothing else does")
def beside_others(work):
    acts = {
        "another collect": (lambda o: o.collect(), OLD),
        "a delete": (lambda o: o.delete(BUCKET, "m"), ABSENT),
        "an overwrite": (lambda o: o.put(BUCKET, "m", NEW), NEW),
    }
    for what, (act, content) in acts.items():
        for when in itertools.count(1):
            store = CutStore(work, with_orphans(work))
            objects = objects_of(work, store, new_id=ids())
            given = f"collect, and {what} before its call {when}"
            with met(store, lambda of, w=when: of.calls == w, lambda o=objects, a=act: a(o)) as did:
                run(work, given, "no error", lambda o=objects: collect(o))
            if not did:
                break
            expect_one_of(given, store, "m", content)
            expect_neighbours(given, store)
            run(work, f"{given}; collected again", "no error", lambda o=objects: collect(o))
            expect_clean(f"{given}; collected again", store)


HISTORY = (
    ("put", "a", OLD),
    ("put", "b", OTHER),
    ("put", "a", NEW),
    ("delete", "b", None),
    ("put", "b", OLD),
    ("put", "a", OTHER),
    ("put", "empty", b""),
    ("collect", "", None),
)


def live(objects, acknowledged):
    """The whole history; what was acknowledged is noted step by step."""
    for step in HISTORY:
        acknowledged.append(step)
        act, name, content = step
        if act == "put":
            objects.put(BUCKET, name, content)
        elif act == "delete":
            objects.delete(BUCKET, name)
        else:
            objects.collect()
    acknowledged.append(("end", "", None))


def states(steps):
    """Each name's content after these steps."""
    state = dict.fromkeys("ab", ABSENT) | {"empty": ABSENT}
    for act, name, content in steps:
        if act in ("put", "delete"):
            state[name] = content if act == "put" else ABSENT
    return state


@check("5", "a whole history, cut before every operation, collected, and cut again")
def everywhere(work):
    steps = []

    def act(objects):
        steps.clear()
        live(objects, steps)

    for given, store, _, _ in strikes(work, {}, act, "a history of puts and deletes"):
        before, after = states(steps[:-1]), states(steps)
        # It is the story of a whole life: its end is what matters.
        last = "; ".join(given.split("; ")[-3:])
        given = f"acknowledged: {tell(steps[:-1])}; then {tell(steps[-1:])}: ... {last}"
        runs = list(strikes(work, store.data, collect, "collect after it"))
        for again, reopened, _, _ in runs:
            for name in before:
                legal = dict.fromkeys([before[name], after[name]])
                expect_one_of(f"{given}; {again}", reopened, name, *legal)
        _, reopened, objects, _ = runs[-1]
        expect_clean(f"{given}; collected", reopened)
        for name in before:
            told = f"{given}; get of {name!r}"
            read_back(told, work, reopened, objects, name, before, after)


def read_back(given, work, store, objects, name, before, after):
    try:
        content = run(
            work, given, "a version", lambda: objects.get(BUCKET, name), but=ObjectNotFound
        )
    except ObjectNotFound:
        content = ABSENT
    if content not in (before[name], after[name]):
        expected = f"{show(before[name])} or {show(after[name])}"
        raise store.bad(given, expected, show(content), name)


def tell(steps):
    return ", ".join(f"{act} {name}".strip() for act, name, _ in steps) or "nothing"


@check("5", "on the lab's own store, closed and opened again")
def for_real(work):
    with tempfile.TemporaryDirectory() as folder, raising_is_bad(work, "a real store", "no error"):
        path = Path(folder) / "store"
        with veristore.open(path, durability="none") as store:
            live(work.ObjectStore(store), [])
        with veristore.open(path, durability="none") as store:
            objects = work.ObjectStore(store)
            content = {name: objects.get(BUCKET, name) for name in objects.names(BUCKET)}
            left = objects.collect()
    wanted = {"a": OTHER, "b": OLD, "empty": b""}
    if (content, left) != (wanted, 0):
        raise FirstBad("a real store", f"{show(wanted)}, 0 left over", f"{show(content)}, {left}")
