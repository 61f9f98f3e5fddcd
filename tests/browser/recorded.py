"""Frames of experiments that need servers or a clock, recorded small: figures are drawn from them.

`python -m tests.browser.recorded` runs the experiments again, some of them (`sim`, `logs`, `store`,
`llmcache`, `veriflow`, `smartsearch`) or all, and writes `tests/browser/frames`. Only what a figure
reads of a frame has to survive: identifiers become text.
"""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pandas as pd

FRAMES = Path(__file__).with_name("frames")


def save(name: str, frame: pd.DataFrame) -> None:
    """Write a frame and its attributes as JSON."""
    content = {"columns": frame.to_dict(orient="list"), "attrs": frame.attrs}
    text = json.dumps(content, default=_plain, allow_nan=True, separators=(",", ":"))
    (FRAMES / f"{name}.json").write_text(text + "\n")


def load(name: str) -> pd.DataFrame:
    """A recorded frame."""
    content = json.loads((FRAMES / f"{name}.json").read_text())
    frame = pd.DataFrame(content["columns"])
    frame.attrs = content["attrs"]
    return frame


def load_values(name: str) -> dict[str, Any]:
    """Recorded values that are no frame."""
    return cast("dict[str, Any]", json.loads((FRAMES / f"{name}.json").read_text()))


def _plain(value: object) -> object:
    """What JSON has no form for: numpy's numbers and arrays, and identifiers."""
    listed = getattr(value, "tolist", None)
    return listed() if listed is not None else str(value)


def record_llmcache(folder: Path) -> None:
    """Reuse, a kill and a restart, as in the quick tour."""
    from veristack_lab.backends.llm import llm
    from veristack_lab.llmcache import Gateway
    from veristack_lab.llmcache.experiments import cold_warm_prefix, kill_engine, restart_gateway

    with ExitStack() as stack:
        engines = stack.enter_context(llm(folder / "llm", text_engines=2, embedding_engines=0))
        url = stack.enter_context(Gateway(engines.text).serve())
        save(
            "cold_warm_prefix",
            cold_warm_prefix(
                url, seed=3, prompt_words=80, output_tokens=8, repeats=1, engines=engines
            ),
        )
        killed = kill_engine(
            engines,
            url,
            seed=5,
            steps=12,
            turns=2,
            prompt_words=20,
            output_tokens=6,
            output_tokens_at_kill=48,
        )
        save("kill_engine", killed)
    with llm(folder / "llm again", text_engines=2, embedding_engines=0) as engines:
        frame = restart_gateway(
            engines.text, folder / "metadata", seed=7, prompt_words=40, output_tokens=2
        )
        save("restart_gateway", frame)


def record_veriflow(folder: Path) -> None:
    """A killed job and a killed scheduler, and their histories."""
    from veristack_lab import veriflow
    from veristack_lab.backends.objects import object_server
    from veristack_lab.backends.postgres import postgres
    from veristack_lab.veriflow import experiments

    with postgres(folder / "postgres") as facts, object_server(folder / "objects") as objects:
        runs = experiments.kill_and_resume(
            facts.conninfo,
            objects,
            seed=3,
            folder=folder / "resume",
            schema="resume",
            parameters={"steps": 150, "checkpoint_every": 25},
        )
        with veriflow.connect(facts.conninfo, schema="resume") as flow:
            jobs = list(runs["job_id"])
            save("timeline", experiments.timeline(flow, jobs))
            save("learning_curves", experiments.learning_curves(flow, jobs))
        two = experiments.two_schedulers(
            facts.conninfo, objects, seed=21, folder=folder / "two", schema="two", jobs=4
        )
        with veriflow.connect(facts.conninfo, schema="two") as flow:
            jobs = list(dict.fromkeys(two["job_id"]))
            save("timeline_two_schedulers", experiments.timeline(flow, jobs))


def record_smartsearch(folder: Path) -> None:
    """Ingestion under fire, and what the search finds afterwards."""
    from veristack_lab.backends.kafka import kafka
    from veristack_lab.backends.llm import llm
    from veristack_lab.backends.postgres import postgres
    from veristack_lab.llmcache import Gateway
    from veristack_lab.smartsearch import experiments

    with ExitStack() as stack:
        facts = stack.enter_context(postgres(folder / "postgres"))
        broker = stack.enter_context(kafka(folder / "kafka"))
        engines = stack.enter_context(llm(folder / "llm")).engines
        url = stack.enter_context(Gateway(engines).serve())
        frame = experiments.ingest_under_fire(
            facts.conninfo, broker, url, folder / "crew", documents=100, poison=2, seed=3
        )
        save("ingest_under_fire", frame)
        search = stack.enter_context(
            experiments.connect_to(frame, facts.conninfo, broker.bootstrap, url)
        )
        save("retrieval_quality", experiments.retrieval_quality(search))
        question = "merge sorted files without reading all of them into memory"
        answer = search.ask(experiments.TENANT, question)
        text = json.dumps(asdict(answer), default=_plain, separators=(",", ":"))
        (FRAMES / "answer.json").write_text(text + "\n")


def record_sim(_folder: Path) -> None:
    """The power cut in the simulator. An exhibit of the museum breaks a promise."""
    from veristack_lab import museum, sim
    from veristack_lab.museum.store.trials import PowerCuts
    from veristack_lab.veristore import experiments

    save("crash_sweep", sim.crash_sweep("two_hundred", samples=150))
    trial = museum.find("rename-unsynced").trial
    assert isinstance(trial, PowerCuts)
    workload = trial.workload()
    save("crash_sweep_broken", sim.crash_sweep(workload, samples=120, engine=trial.engine, seed=1))
    save("loss_window", experiments.loss_window(sim.SimDisk, writes=12))
    save("loss_window_ms", experiments.loss_window_ms(sim.SimDisk, writes=40))
    for act in ("overwrite", "overwrite in parts"):
        frame = experiments.commit_point(sim.SimDisk, act=act)
        save(f"commit_point_{act.replace(' ', '_')}", frame)


def record_logs(folder: Path) -> None:
    """A short log, whole and cut."""
    import veristack_lab.veristore as veristore
    from veristack_lab.veristore import experiments
    from veristack_lab.veristore.wal.anatomy import log_anatomy

    with veristore.open(folder / "store") as store:
        store.put(b"name", b"Ada")
        store.write(veristore.Batch().put(b"year", b"1815").delete(b"name"))
    experiments.leave_torn_record(folder / "store", 30)
    save("log_anatomy", log_anatomy(folder / "store"))
    save("truncation_sweep", experiments.truncation_sweep(folder / "cuts"))


def record_store(folder: Path) -> None:
    """What measures a clock or kills processes."""
    from veristack_lab import kernels
    from veristack_lab.sim.torture import torture
    from veristack_lab.veristore import Interval, experiments

    sizes = (64, 1024, 65_536)
    save("crc_ladder", kernels.crc_ladder(sizes_bytes=sizes, batch_records=4096, repeats=3))
    save("kill_and_recover", experiments.kill_and_recover(folder / "kills", kills=6, seed=1))
    save("torture", torture(folder / "torture", kills=60, seed=1))
    levels = ("commit", Interval(ms=20), Interval(writes=8), "none")
    groups = experiments.group_commit_sweep(
        folder / "groups", writers=(1, 2, 4, 8, 16, 32, 64), levels=levels, rounds=2
    )
    save("group_commit_sweep", groups)
    save("wakeups_sweep", experiments.wakeups_sweep(folder / "waiting", rounds=1))
    save("handles_sweep", experiments.handles_sweep(folder / "handles", rounds=1))
    save("recovery_sweep", experiments.recovery_sweep(folder / "recovery"))


PARTS = (
    record_sim,
    record_logs,
    record_store,
    record_llmcache,
    record_veriflow,
    record_smartsearch,
)


def main() -> None:
    """Run the experiments of the parts that are named, or all."""
    from veristack_lab.runtime import processes

    wanted = set(sys.argv[1:])
    for part in PARTS:
        name = part.__name__.removeprefix("record_")
        if wanted and name not in wanted:
            continue
        with processes.temporary_folder() as folder:
            part(folder)
        print(name, "is recorded", flush=True)


if __name__ == "__main__":
    main()
