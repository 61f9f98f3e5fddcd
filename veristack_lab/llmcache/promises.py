"""What llmcache promises, judged from the frames of `experiments` and `scenarios`: for the tour,
the notebooks and the tests alike."""

from __future__ import annotations

import pandas as pd

from veristack_lab.runtime.claims import Claim

LAYER = "llmcache"
PUBLISHED_MEANS_MS = (1405, 985, 205, 843, 1895)
"""The means as they were published, to compare the computed ones with."""


def held_prompt_is_reused(frame: pd.DataFrame) -> Claim:
    """From `cold_warm_prefix`: all but the last token if warm, most of the shared part, almost
    nothing if cold."""
    every = frame.set_index("kind")
    warm, related = every.loc[["warm"]], every.loc[["prefix"]]
    cold = every.loc[every.index.isin(("cold", "unrelated", "cold engine"))]
    median = frame.groupby("kind").median(numeric_only=True)
    same, like, new = median.loc["warm"], median.loc["prefix"], median.loc["cold"]
    return Claim(
        LAYER,
        "A prompt that an engine holds is not computed again",
        "the same prompt again, one with the same beginning, unrelated ones between",
        f"by the engine's count {same['cached_tokens']:.0f} of {same['prompt_tokens']:.0f} tokens "
        f"reused for the same prompt, {like['cached_tokens']:.0f} for the related one, "
        f"{new['cached_tokens']:.0f} cold; first token after {same['ttft_ms']:.0f} ms instead of "
        f"{new['ttft_ms']:.0f} ms",
        bool(
            (warm["cached_tokens"] == warm["prompt_tokens"] - 1).all()
            and (related["cached_tokens"] > 0.5 * related["prompt_tokens"]).all()
            and (cold["cached_tokens"] < 0.1 * cold["prompt_tokens"]).all()
        ),
    )


def never_expects_too_much(frame: pd.DataFrame) -> Claim:
    """From `cold_warm_prefix`: the router's count against the engine's."""
    return Claim(
        LAYER,
        "The router never expects an engine to hold more than it does",
        f"{len(frame)} prompts, each decision held against the engine's own count",
        f"expected {int(frame['expected_tokens'].sum())} tokens in all, "
        f"found {int(frame['cached_tokens'].sum())}",
        bool((frame["expected_tokens"] <= frame["cached_tokens"]).all()),
    )


def no_request_fails(frame: pd.DataFrame) -> Claim:
    """From `kill_engine`: a dead engine costs time, no answer."""
    failures = frame.loc[frame["outcome"] != "answered", "outcome"]
    answered = len(frame) - len(failures)
    first_failure = f"; the first failure: {failures.iloc[0]}" if len(failures) else ""
    later = frame[frame["phase"].isin(("kill", "down"))]
    return Claim(
        LAYER,
        "No request fails because its engine died before the answer",
        _killed(frame),
        f"{answered} of {len(frame)} answered, {int((frame['attempts'] > 1).sum())} of them by a "
        f"second node; the slowest around the kill took {later['latency_ms'].max() / 1000:.1f} s"
        f"{first_failure}",
        answered == len(frame),
    )


def dead_node_is_never_chosen(frame: pd.DataFrame) -> Claim:
    """From `kill_engine`: neither session nor prefix leads to a dead node."""
    down, killed = frame[frame["phase"] == "down"], frame.attrs["killed_node"]
    chosen_dead = int(down["tried"].str.contains(killed, regex=False).sum())
    return Claim(
        LAYER,
        "A dead node is never chosen, whatever session or prefix points to it",
        _killed(frame),
        f"{len(down)} requests while it was dead, {chosen_dead} sent to it",
        chosen_dead == 0 and len(down) > 0,
    )


def returned_node_is_used(frame: pd.DataFrame) -> Claim:
    """From `kill_engine`: a node that came back takes requests again."""
    after, killed = frame[frame["phase"] == "after"], frame.attrs["killed_node"]
    used = int((after["node_id"] == killed).sum())
    return Claim(
        LAYER,
        "A node that came back is used again",
        f"{killed} started again after {frame.attrs['back_s'] - frame.attrs['killed_s']:.1f} s",
        f"{used} of {len(after)} requests afterwards",
        used > 0,
    )


def prefixes_are_found_again(frame: pd.DataFrame) -> Claim:
    """From `restart_gateway`: the metadata outlive the gateway."""
    restored = frame[frame["run"] == "restored"]
    hits = int((restored["cached_tokens"] == restored["prompt_tokens"] - 1).sum())
    reused = {run: int(rows["cached_tokens"].sum()) for run, rows in frame.groupby("run")}
    return Claim(
        LAYER,
        "The gateway finds every prefix again after a restart",
        "the gateway stopped, its store closed and opened again",
        f"{hits} of {len(restored)} prompts sent to the node that holds them, {reused['restored']} "
        f"tokens reused; a gateway that kept nothing reused {reused['forgetful']}",
        hits == len(restored) > 0,
    )


def published_means_follow(table: pd.DataFrame, corrected: pd.DataFrame) -> Claim:
    """From `scenarios.published_table` and `corrected_table`."""
    means = table["mean_ms"].tolist()
    served = corrected["mean_served_ms"][corrected["scenario"] == "GPU-aware"].item()
    return Claim(
        LAYER,
        "The published table follows from its formula, to the millisecond",
        "computed anew from three terms and four requests a row",
        f"{'/'.join(map(str, means))} ms; without its rejected request the 843 is {served:.0f} ms",
        means == list(PUBLISHED_MEANS_MS),
    )


def _killed(frame: pd.DataFrame) -> str:
    killed, step = frame.attrs["killed_node"], frame.attrs["kill_step"]
    number = 2 * step + frame.attrs["kill_user"] + 1
    return f"kill -9 of {killed} while it answered request {number} of {len(frame)}"
