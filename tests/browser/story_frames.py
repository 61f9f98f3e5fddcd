"""Small frames for the figures of stories: what waited, what is where, what led to what."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from veristack_lab import sim
from veristack_lab.llmcache import BlockPool, prefixes
from veristack_lab.llmcache.experiments import chains, held_blocks
from veristack_lab.viz import llmcache_blocks


def group_trace() -> pd.DataFrame:
    """Three groups of one, four and three records, as a disk of a millisecond makes them."""
    groups = [
        (1, [0], 0.00, 0.05, 0.10, 1.10),
        (2, [1, 2, 3, 0], 0.20, 1.20, 1.24, 2.30),
        (3, [1, 2, 3], 2.36, 2.44, 2.48, 3.50),
    ]
    rows = [
        (group, writer, place == 0, 0, queued + 0.04 * place, write, sync, synced,
         synced + 0.05 + 0.04 * place)
        for group, writers, queued, write, sync, synced in groups
        for place, writer in enumerate(writers)
    ]  # fmt: skip
    columns = ["group", "writer", "is_leader", "lsn", "queued_ms", "write_ms", "sync_ms",
               "synced_ms", "returned_ms"]  # fmt: skip
    frame = pd.DataFrame(rows, columns=columns)
    frame["lsn"] = range(1, len(frame) + 1)
    return frame


def outage() -> pd.DataFrame:
    """A server that is killed, started again, paused and resumed, and a client that calls it."""
    rows = [
        ("server", "alive", 0.0, 0.37), ("server", "dead", 0.37, 0.6),
        ("server", "alive", 0.6, 0.78), ("server", "paused", 0.78, 1.8),
        ("server", "alive", 1.8, 1.85),
        ("client", "answered", 0.0, 0.05), ("client", "gave up", 0.38, 0.381),
        ("client", "answered", 0.6, 0.65), ("client", "gave up", 0.79, 1.79),
        ("client", "answered", 1.8, 1.84),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["lane", "what", "start_s", "end_s"])


def lease() -> pd.DataFrame:
    """A lease of half a second whose owner comes back too late."""
    rows = [
        ("job", "state", "QUEUED", 0.0, 0.1), ("job", "state", "RUNNING", 0.1, 0.62),
        ("job", "state", "QUEUED", 0.62, 0.9), ("alice", "lease", "epoch 1", 0.1, 0.6),
        ("alice", "belief", "believes to own the job", 0.6, 0.9),
        ("job", "taken back", "the lease was over", 0.62, 0.62),
        ("alice", "refused", "its report was refused", 0.9, 0.9),
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=["lane", "kind", "what", "start_s", "end_s"])


def block_chain() -> go.Figure:
    """Two prompts that share their first forty tokens."""
    one = prefixes.of_tokens("tiny", [*range(40), *range(100, 140)])
    two = prefixes.of_tokens("tiny", [*range(40), *range(200, 240)])
    return llmcache_blocks.block_chain(chains({"one": one, "two": two}))


def pool_blocks() -> go.Figure:
    """A node's blocks before and after an idle prompt had to go."""
    pool = BlockPool(10)
    pool.allocate(b"a", 4, now=1)
    pool.allocate(b"b", 4, now=2)
    pool.pin(b"b")
    before = held_blocks(pool, "before")
    pool.allocate(b"c", 6, now=3)
    return llmcache_blocks.pool_blocks(pd.concat([before, held_blocks(pool, "c placed")]))


def life_of_a_write() -> pd.DataFrame:
    """Where each part of three sectors is, after each step."""
    return sim.life_of_a_write(1500)
