"""The store's act: killed under load and audited, its power cut in the simulator, raced."""

from __future__ import annotations

from veristack_lab.tour.context import Tour

LAYER = "veristore"


def act(tour: Tour) -> None:
    """Kill a writer and audit the store; cut the power of a simulated one; group commit."""
    _kills(tour)
    _power_cuts(tour)
    _museum(tour)
    _group_commit(tour)


def _kills(tour: Tour) -> None:
    from veristack_lab.veristore import promises
    from veristack_lab.veristore.experiments import kill_and_recover
    from veristack_lab.viz import veristore as viz

    kills = 6 if tour.quick else 12
    seed = tour.rng("veristore/kills").randrange(2**31)
    with tour.progress("killing a writer, reopening its store", kills) as tick:
        frame = kill_and_recover(tour.work / "veristore" / "kills", kills, seed, on_progress=tick)
    tour.add(
        promises.acknowledged_survives(frame),
        promises.whole_or_not_at_all(frame),
        promises.torn_tail_is_cut_off(frame),
        promises.numbers_never_go_back(frame),
    )
    tour.picture(
        LAYER,
        "Recovery",
        viz.kills(frame),
        f"A process was killed {kills} times while four threads wrote. Every reopening was "
        "compared with the list of acknowledged writes.",
    )


def _power_cuts(tour: Tour) -> None:
    from veristack_lab import sim
    from veristack_lab.veristore import promises
    from veristack_lab.viz import sim as viz

    rng = tour.rng("veristore/power cuts")
    images = 50 if tour.quick else 150
    with tour.progress("cutting the power of a simulated disk", images) as tick:
        frame = sim.crash_sweep(
            "two_hundred", samples=images, seed=rng.randrange(2**31), on_progress=tick
        )
    tour.add(promises.holds_after_every_power_cut(frame))
    tour.picture(
        LAYER,
        "Power cuts",
        viz.crash_map(frame),
        "Each square is a moment and a kind of loss. What recovery found was compared with what "
        "had been acknowledged.",
    )


def _museum(tour: Tour) -> None:
    from veristack_lab import museum
    from veristack_lab.museum import promises

    rng = tour.rng("veristore/museum")
    chosen = rng.sample(museum.group("store") + museum.group("objects"), 2 if tour.quick else 4)
    verdicts = []
    with tour.progress("visiting known defects", len(chosen)) as tick:
        for done, exhibit in enumerate(chosen, 1):
            verdicts.append(museum.run(exhibit))
            tick(done, len(chosen))
    tour.add(promises.defects_are_found(LAYER, verdicts))


def _group_commit(tour: Tour) -> None:
    from veristack_lab.veristore import promises
    from veristack_lab.veristore.experiments import group_commit_sweep
    from veristack_lab.viz import veristore as viz

    writers, rounds = (1, 4, 16, 64), 2 if tour.quick else 3
    with tour.progress("writers that share a sync", rounds * len(writers)) as tick:
        frame = group_commit_sweep(
            tour.work / "veristore" / "groups", writers=writers, rounds=rounds, on_progress=tick
        )
    tour.add(promises.writers_share_a_sync(frame))
    tour.picture(
        LAYER,
        "Group commit",
        viz.group_commit(frame),
        "Each put returns after its own record is on the disk. With more writers, one "
        "sync carries more records.",
    )
