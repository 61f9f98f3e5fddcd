"""The tour's third act: training jobs, killed while they run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from veristack_lab.backends.objects import object_server
from veristack_lab.tour.context import Tour

LAYER = "veriflow"


def act(tour: Tour) -> None:
    """Train and kill, schedule and kill, submit again and again; and check what is left."""
    conninfo = tour.postgres().conninfo
    prefix = f"tour_{tour.rng('veriflow/schema').getrandbits(32):08x}"
    with object_server(tour.work / LAYER) as objects_url, _schemas(conninfo, prefix) as names:
        resume, schedulers, keys = names
        _kill_a_run(tour, conninfo, objects_url, resume)
        _kill_a_scheduler(tour, conninfo, objects_url, schedulers)
        _submit_repeatedly(tour, conninfo, keys)
        _look_for_leftovers(tour, conninfo, (resume, schedulers))


@contextmanager
def _schemas(conninfo: str, prefix: str) -> Iterator[tuple[str, str, str]]:
    """Names of schemas that are gone afterwards: the database may be the user's own."""
    from veristack_lab.veriflow.migrations import drop

    names = (f"{prefix}_resume", f"{prefix}_schedulers", f"{prefix}_keys")
    try:
        yield names
    finally:
        for name in names:
            drop(conninfo, name)


def _kill_a_run(tour: Tour, conninfo: str, objects_url: str, schema: str) -> None:
    from veristack_lab import veriflow
    from veristack_lab.veriflow import experiments, promises
    from veristack_lab.viz.veriflow import job_timeline, learning_curves

    with tour.progress("training twice, killing one of the two") as tick:
        frame = experiments.kill_and_resume(
            conninfo,
            objects_url,
            seed=tour.rng("veriflow/kill").randrange(2**31),
            folder=tour.work / LAYER / "resume",
            schema=schema,
            parameters={"steps": 150, "checkpoint_every": 25} if tour.quick else None,
            on_progress=tick,
        )
    with veriflow.connect(conninfo, schema=schema) as flow:
        jobs = list(frame["job_id"])
        story, curves = experiments.timeline(flow, jobs), experiments.learning_curves(flow, jobs)
    tour.add(promises.same_weights(frame))
    tour.picture(
        LAYER,
        "A training job is killed and goes on",
        job_timeline(story, "Two equal jobs, one of them killed"),
        f"SIGKILL fell on the process of the second job after step "
        f"{frame.iloc[1]['killed_after'][0]}. After a pause its next run took up the newest "
        "checkpoint.",
    )
    tour.picture(
        LAYER,
        "The model learns the same, killed or not",
        learning_curves(curves, "Which package is this docstring from?"),
        "Share of unseen standard-library docstrings whose package the network names. The "
        "interrupted job's runs lie on the uninterrupted one's line.",
    )


def _kill_a_scheduler(tour: Tour, conninfo: str, objects_url: str, schema: str) -> None:
    from veristack_lab.veriflow import experiments, promises

    with tour.progress("many jobs on two schedulers, killing one of the two") as tick:
        frame = experiments.two_schedulers(
            conninfo,
            objects_url,
            seed=tour.rng("veriflow/schedulers").randrange(2**31),
            folder=tour.work / LAYER / "schedulers",
            schema=schema,
            jobs=4 if tour.quick else 6,
            on_progress=tick,
        )
    tour.add(promises.nothing_twice(frame))


def _submit_repeatedly(tour: Tour, conninfo: str, schema: str) -> None:
    from veristack_lab.veriflow import experiments, promises

    frame = experiments.repeated_submissions(conninfo, schema=schema)
    tour.add(promises.one_key_one_job(frame))


def _look_for_leftovers(tour: Tour, conninfo: str, schemas: tuple[str, ...]) -> None:
    from veristack_lab import veriflow
    from veristack_lab.veriflow import promises

    with ExitStack() as stack:
        flows = [
            stack.enter_context(veriflow.connect(conninfo, schema=schema)) for schema in schemas
        ]
        tour.add(promises.nothing_stranded(flows))
