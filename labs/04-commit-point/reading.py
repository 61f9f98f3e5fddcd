"""The checks of tasks 3 and 4: a reader and a deletion, and what others do meanwhile."""

from __future__ import annotations

import itertools

from veristack_lab.errors import ObjectNotFound, StoreCorrupt
from veristack_lab.labs.checking import check, show

from .cutstore import (
    ABSENT,
    BUCKET,
    LONG,
    NEW,
    OLD,
    CutStore,
    expect_clean,
    expect_neighbours,
    expect_one_of,
    expect_told,
    found,
    met,
    objects_before,
    objects_of,
    place,
    remove,
    run,
    strikes,
)

# ------------------------------------------------------------------- task 3


def read(work, store, given, *legal):
    """The learner's `get`, held to what it may answer."""
    expected = " or ".join(map(show, legal))
    objects = objects_of(work, store)
    try:
        act = lambda: objects.get(BUCKET, "m")  # noqa: E731
        content = run(work, given, expected, act, but=(ObjectNotFound, StoreCorrupt))
    except (ObjectNotFound, StoreCorrupt) as error:
        content = type(error).__name__
    if content not in legal:
        raise store.bad(given, expected, show(content))
    if store.operations:
        raise store.bad(given, "a get that changes nothing", store.operations[0])


@check("3", "the content, of any size")
def got(work):
    for size in (0, 1, 64, 65, 200, len(LONG)):
        data = objects_before(work, LONG[:size])
        read(work, CutStore(work, data), f"get of {size} bytes", LONG[:size])


@check("3", "what is not there is ObjectNotFound, what is broken is StoreCorrupt")
def refused(work):
    read(work, CutStore(work), "get of nothing", "ObjectNotFound")
    data = objects_before(work)
    remove(work, data, "m")
    read(work, CutStore(work, data), "get of m; there are mm and m/x", "ObjectNotFound")
    for lost in (*((number,) for number in range(3)), (0, 1, 2), (1, 2)):
        data = {}
        object_id = place(work, data, "m", OLD, 1)
        for number in lost:
            del data[work.chunk_key(object_id, number)]
        told = f"get, of chunks 0 to 2 these are lost: {lost}"
        read(work, CutStore(work, data), told, "StoreCorrupt")


@check("3", "replaced between any two reads: all of one version")
def replaced(work):
    for new in (NEW, b"short", b"", b"same" * 40):

        def replace(data, new=new):
            remove(work, data, "m")
            place(work, data, "m", new, 900)

        interrupted(work, replace, f"replaced by {len(new)} bytes", OLD, new)


@check("3", "deleted between any two reads: the content, or ObjectNotFound")
def deleted(work):
    interrupted(work, lambda data: remove(work, data, "m"), "deleted", OLD, "ObjectNotFound")


def interrupted(work, change, what, *legal):
    for when in itertools.count(1):
        store = CutStore(work, objects_before(work))
        with met(store, lambda of, w=when: of.calls == w, lambda s=store: change(s.data)) as did:
            read(work, store, f"get, m is {what} before its read {when}", *legal)
        if not did:
            return


@check("3", "replaced again and again: it looks again as often, and gives one version")
def replaced_often(work):
    for times in (2, 3, 7, 20):
        for pause in (2, 3, 5):
            contents = [b"%d " % number * 80 for number in range(times + 1)]
            data, done = {}, []
            place(work, data, "m", contents[0], 0)

            def before_call(store, done=done, pause=pause, contents=contents):
                if store.calls % pause == 0 and len(done) + 1 < len(contents):
                    done.append(True)
                    remove(work, store.data, "m")
                    place(work, store.data, "m", contents[len(done)], len(done))

            store = CutStore(work, data, before_call=before_call)
            told = f"get, m is replaced {times} times, before each {pause}th read"
            read(work, store, told, *contents)


@check("3", "replaced, then deleted, or deleted and stored again: a version, or ObjectNotFound")
def replaced_and_deleted(work):
    for first, second in itertools.combinations(range(1, 10), 2):
        for again in (False, True):
            data = {}
            place(work, data, "m", OLD, 1)

            def before_call(store, first=first, second=second, again=again):
                if store.calls == first:
                    remove(work, store.data, "m")
                    if not again:
                        place(work, store.data, "m", NEW, 2)
                if store.calls == second:
                    remove(work, store.data, "m")
                    if again:
                        place(work, store.data, "m", NEW, 2)

            store = CutStore(work, data, before_call=before_call)
            what = "deleted, then stored again" if again else "replaced, then deleted"
            told = f"get, m is {what}, before its reads {first} and {second}"
            read(work, store, told, OLD, NEW, "ObjectNotFound")


# ------------------------------------------------------------------- task 4


def delete_m(objects):
    objects.delete(BUCKET, "m")


@check("4", "gone with all its chunks, and nothing else with it")
def gone(work):
    for content in (OLD, b"", LONG):
        *_, (given, store, _, _) = strikes(work, objects_before(work, content), delete_m, "delete")
        expect_one_of(given, store, "m", ABSENT)
        expect_neighbours(given, store)
        expect_clean(given, store, "none of its chunks left")


@check("4", "the power cut before every operation: whole, or not there")
def delete_cut(work):
    for given, store, _, raised in strikes(work, objects_before(work), delete_m, "delete"):
        expect_one_of(given, store, "m", *([OLD] if raised else []), ABSENT)
        expect_neighbours(given, store)


@check("4", "a delete that fails says so, and leaves the object whole or not there")
def delete_fails(work):
    kinds = ("full", "failed", "unsure", "interrupted", "late")
    for given, store, _, raised in strikes(work, objects_before(work), delete_m, "delete", kinds):
        if found(work, store.data, "m") != ABSENT:
            expect_told(given, store, raised)
        expect_one_of(given, store, "m", OLD, ABSENT)


@check("4", "what is not there can be deleted")
def delete_nothing(work):
    *_, (given, store, _, _) = strikes(work, {}, delete_m, "delete of nothing")
    data = objects_before(work)
    remove(work, data, "m")
    *_, (given, store, _, _) = strikes(work, data, delete_m, "delete of m; there are mm and m/x")
    expect_neighbours(given, store)


@check("4", "replaced between any two steps of a delete: the new version whole, or not there")
def replaced_meanwhile(work):
    for when in itertools.count(1):
        store = CutStore(work, objects_before(work))

        def replace(store=store):
            remove(work, store.data, "m")
            place(work, store.data, "m", NEW, 9)

        objects = objects_of(work, store)
        given = f"delete, m is replaced before its call {when}"
        with met(store, lambda of, w=when: of.calls == w, replace) as did:
            run(work, given, "no error", lambda o=objects: delete_m(o))
        if not did:
            return
        expect_one_of(given, store, "m", NEW, ABSENT)
        expect_neighbours(given, store)


@check("4", "after a restart too: nothing is remembered from before it")
def deleted_after_restart(work):
    for content in (OLD, NEW):
        store = CutStore(work, objects_before(work, content))
        objects = objects_of(work, store)
        given = "delete by a store of objects that was opened anew"
        run(work, given, "no error", lambda o=objects: delete_m(o))
        again = objects_of(work, CutStore(work, store.data))
        names = run(work, "names", "a list", lambda o=again: o.names(BUCKET))
        if names != ["m/x", "mm", "other"]:
            raise store.bad(f"{given}; names", "m/x, mm, other", show(names))
