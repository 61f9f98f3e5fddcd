"""Every figure function of `viz`, and a small real frame to draw each of them from.

A new figure function has to have an entry here: a test compares this list with the package. A name
may carry a variant after a colon, for a frame that looks different.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from uuid import UUID

import plotly.graph_objects as go

import veristack_lab.viz as package
from tests.browser import story_frames
from tests.browser.recorded import load, load_values
from veristack_lab.llmcache import scenarios
from veristack_lab.smartsearch.model import Answer, Passage
from veristack_lab.veriflow.experiments import transitions
from veristack_lab.viz import (
    kernels,
    llmcache,
    outages,
    sim,
    sim_places,
    smartsearch,
    smartsearch_pipeline,
    stack_map,
    veriflow,
    veriflow_states,
    veristore,
    veristore_commit,
    veristore_groups,
    veristore_objects,
    veristore_sequence,
)


def figure_functions() -> Iterator[str]:
    """`module.function` of every public function of `viz` that makes a figure from data."""
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        for name, function in inspect.getmembers(module, inspect.isfunction):
            signature = inspect.signature(function)
            takes = [parameter.annotation for parameter in signature.parameters.values()]
            is_maker = signature.return_annotation == "go.Figure" and "go.Figure" not in takes
            if is_maker and function.__module__ == module.__name__ and not name.startswith("_"):
                yield f"{found.name}.{name}"


def _passages(entries: list[dict[str, str]]) -> tuple[Passage, ...]:
    return tuple(
        Passage(
            UUID(entry["document_id"]),
            entry["title"],
            int(entry["chunk_no"]),
            entry["text"],
            float(entry["similarity"]),
        )
        for entry in entries
    )


def _answer() -> Answer:
    values = load_values("answer")
    return Answer(
        values["question"],
        values["text"],
        values["model"],
        _passages(values["passages"]),
        tuple(values["cited"]),
        values["note"],
    )


def _hits() -> go.Figure:
    return smartsearch.hits(_answer().question, list(_answer().passages))


SAMPLES: dict[str, Callable[[], go.Figure]] = {
    "kernels.crc_ladder": lambda: kernels.crc_ladder(load("crc_ladder")),
    "llmcache.cold_warm_prefix": lambda: llmcache.cold_warm_prefix(load("cold_warm_prefix")),
    "llmcache.kill_timeline": lambda: llmcache.kill_timeline(load("kill_engine")),
    "llmcache.gateway_restart": lambda: llmcache.gateway_restart(load("restart_gateway")),
    "llmcache.published": lambda: llmcache.published(
        scenarios.published_table(), scenarios.corrected_table()
    ),
    "sim.crash_map": lambda: sim.crash_map(load("crash_sweep")),
    "sim.crash_map:broken": lambda: sim.crash_map(load("crash_sweep_broken")),
    "sim.recovered_states": lambda: sim.recovered_states(load("crash_sweep_broken")),
    "sim.kills": lambda: sim.kills(load("torture")),
    "smartsearch.states_over_time": lambda: smartsearch.states_over_time(load("ingest_under_fire")),
    "smartsearch.time_to_ready": lambda: smartsearch.time_to_ready(load("ingest_under_fire")),
    "smartsearch.passages": lambda: smartsearch.passages(_answer()),
    "smartsearch.hits": _hits,
    "smartsearch.quality": lambda: smartsearch.quality(load("retrieval_quality")),
    "stack_map.stack_map": lambda: stack_map.stack_map(stack_map.stack(), stack_map.uses()),
    "veriflow.job_timeline": lambda: veriflow.job_timeline(
        load("timeline"), "Two equal jobs, one of them killed"
    ),
    "veriflow.job_timeline:schedulers": lambda: veriflow.job_timeline(
        load("timeline_two_schedulers"), "Four jobs, one scheduler killed"
    ),
    "veriflow.learning_curves": lambda: veriflow.learning_curves(
        load("learning_curves"), "Which package is this docstring from?"
    ),
    "veristore.log_strip": lambda: veristore.log_strip(load("log_anatomy")),
    "veristore.truncation": lambda: veristore.truncation(load("truncation_sweep")),
    "veristore.kills": lambda: veristore.kills(load("kill_and_recover")),
    "veristore.recovery_time": lambda: veristore.recovery_time(load("recovery_sweep")),
    "veristore_commit.group_commit": lambda: veristore_commit.group_commit(
        load("group_commit_sweep")
    ),
    "veristore_commit.loss_window": lambda: veristore_commit.loss_window(load("loss_window")),
    "veristore_commit.loss_window_ms": lambda: veristore_commit.loss_window_ms(
        load("loss_window_ms")
    ),
    "veristore_commit.wakeups": lambda: veristore_commit.wakeups(load("wakeups_sweep")),
    "veristore_commit.handles": lambda: veristore_commit.handles(load("handles_sweep")),
    "veristore_objects.commit_point": lambda: veristore_objects.commit_point(
        load("commit_point_overwrite")
    ),
    "veristore_objects.commit_point:parts": lambda: veristore_objects.commit_point(
        load("commit_point_overwrite_in_parts")
    ),
    "veristore_groups.groups_over_time": lambda: veristore_groups.groups_over_time(
        story_frames.group_trace()
    ),
    "veristore_groups.leader_queue_chain": lambda: veristore_groups.leader_queue_chain(
        story_frames.group_trace()
    ),
    "veristore_sequence.sequence": lambda: veristore_sequence.sequence(
        load("commit_point_overwrite")
    ),
    "sim_places.cache_and_platter": lambda: sim_places.cache_and_platter(
        story_frames.life_of_a_write()
    ),
    "llmcache_blocks.block_chain": story_frames.block_chain,
    "llmcache_blocks.pool_blocks": story_frames.pool_blocks,
    "outages.dead_or_paused": lambda: outages.dead_or_paused(story_frames.outage()),
    "veriflow_states.states": lambda: veriflow_states.states(transitions()),
    "veriflow_states.lease": lambda: veriflow_states.lease(story_frames.lease()),
    "smartsearch_pipeline.pipeline": lambda: smartsearch_pipeline.pipeline(
        smartsearch_pipeline.pipeline_parts(), smartsearch_pipeline.pipeline_steps()
    ),
}
