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
    from veristack_lab.veristore.experiments import kill_and_recover
    from veristack_lab.viz import veristore as viz

    kills = 6 if tour.quick else 12
    seed = tour.rng("veristore/kills").randrange(2**31)
    with tour.progress("killing a writer, reopening its store", kills) as tick:
        frame = kill_and_recover(tour.work / "veristore" / "kills", kills, seed, on_progress=tick)
    killed = f"kill -9 of a writer process under load, {kills} times"
    aims = ", ".join(str(count) for count in frame["kill_after"].head(4))
    acknowledged, lost = int(frame["acknowledged"].sum()), int(frame["lost"].sum())
    tour.claim(
        LAYER,
        "A write that was acknowledged survives",
        killed,
        f"{acknowledged:,} writes acknowledged, {lost} lost (kills aimed at {aims}, ... "
        "acknowledgements)",
        kept=lost == 0 and acknowledged > 0,
    )
    mixed, kept = int(frame["mixed"].sum()), int(frame["unacknowledged_kept"].sum())
    tour.claim(
        LAYER,
        "A write that was not acknowledged is there as a whole or not at all",
        killed,
        f"{kept} found as a whole, {mixed} by half",
        kept=mixed == 0,
    )
    torn, cut = int(frame["torn_by_us"].sum()), int(frame["torn_bytes"].sum())
    tour.claim(
        LAYER,
        "A torn tail is cut off before anything is appended",
        f"the first bytes of one more record left behind each of {kills} kills",
        f"{torn:,} bytes left, {cut:,} cut off; later writes survived the next kill",
        kept=bool((frame["torn_bytes"] >= frame["torn_by_us"]).all()) and lost == 0,
    )
    tour.claim(
        LAYER,
        "Log sequence numbers never go back",
        f"{kills} kills and reopenings",
        f"from {int(frame['acknowledged_lsn'].iloc[0]):,} to "
        f"{int(frame['recovered_lsn'].iloc[-1]):,}, without a step back in "
        f"{int(frame['lsn_monotonic'].sum())} of {kills} rounds",
        kept=bool(frame["lsn_monotonic"].all()),
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
    from veristack_lab.viz import sim as viz

    rng = tour.rng("veristore/power cuts")
    images = 50 if tour.quick else 150
    with tour.progress("cutting the power of a simulated disk", images) as tick:
        frame = sim.crash_sweep(
            "two_hundred", samples=images, seed=rng.randrange(2**31), on_progress=tick
        )
    counts, steps = frame.attrs["counts"], frame.attrs["steps"]
    points = ", ".join(str(point) for point in frame["crash_point"].head(4))
    tour.claim(
        LAYER,
        "Every promise holds when the power fails at any moment",
        f"power cuts in a history of {steps} steps: lost sectors, torn writes, lost names",
        f"{counts['images']} images at {counts['crash_points']} moments (disk operations {points}, "
        f"...), {counts['recoveries']:,} recoveries, {counts['violations']} promises broken",
        kept=counts["violations"] == 0 and counts["images"] > 0,
    )
    tour.picture(
        LAYER,
        "Power cuts",
        viz.crash_map(frame),
        "Each square is a moment and a kind of loss. What recovery found was compared with what "
        "had been acknowledged.",
    )


def _museum(tour: Tour) -> None:
    from veristack_lab import museum

    rng = tour.rng("veristore/museum")
    chosen = rng.sample(museum.exhibits(), 2 if tour.quick else 4)
    verdicts = []
    with tour.progress("visiting known defects", len(chosen)) as tick:
        for done, exhibit in enumerate(chosen, 1):
            verdicts.append(museum.run(exhibit))
            tick(done, len(chosen))
    found = sum(verdict.exhibit_broken for verdict in verdicts)
    healthy = sum(verdict.healthy_survived for verdict in verdicts)
    tour.claim(
        LAYER,
        "The simulator finds known defects, and none of them in the engine",
        f"{len(chosen)} of {len(museum.exhibits())} exhibits: "
        + ", ".join(exhibit.name for exhibit in chosen),
        f"{found} found out, the healthy engine survived the same seed {healthy} times",
        kept=found == healthy == len(chosen),
    )


def _group_commit(tour: Tour) -> None:
    from veristack_lab.veristore.experiments import group_commit_sweep
    from veristack_lab.viz import veristore as viz

    writers, rounds = (1, 4, 16, 64), 2 if tour.quick else 3
    with tour.progress("writers that share a sync", rounds * len(writers)) as tick:
        frame = group_commit_sweep(
            tour.work / "veristore" / "groups", writers=writers, rounds=rounds, on_progress=tick
        )
    medians = frame.groupby("writers").median(numeric_only=True)
    most, alone = medians.loc[max(writers)], medians.loc[1]
    tour.claim(
        LAYER,
        "Writers at the same time share a sync",
        f"{max(writers)} threads, every put durable before it returns",
        f"{most['records_per_sync']:.1f} records a sync; {most['puts_per_s']:,.0f} puts/s against "
        f"{alone['puts_per_s']:,.0f} of one writer and {most['raw_per_s']:,.0f} syncs/s of the "
        "bare disk",
        kept=bool(most["records_per_sync"] > 1),
    )
    tour.picture(
        LAYER,
        "Group commit",
        viz.group_commit(frame),
        "Each put returns after its own record is on the disk. The more writers there are, the "
        "more records one sync carries.",
    )
