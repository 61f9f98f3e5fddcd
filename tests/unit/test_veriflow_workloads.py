from __future__ import annotations

import math
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import veristack_lab.veristore as veristore
from veristack_lab.errors import InvalidInput
from veristack_lab.runtime.stdlib_docs import Docstring
from veristack_lab.veriflow import checkpoints
from veristack_lab.veriflow.experiments import primes_below
from veristack_lab.veriflow.workloads import corpus, docstrings, network, primes

WORDS = [f"word{letter}{number}" for letter in "abcdefgh" for number in range(10)]
PARAMETERS = docstrings.Parameters(batch=8, hidden=6, packages=3, words=60, learning_rate=0.01)


def made_up(seed: int = 0, per_package: int = 25) -> Iterator[Docstring]:
    """Three packages that like different words, and one private one."""
    rng = random.Random(seed)
    for number, package in enumerate(["alpha", "beta", "gamma", "_hidden"]):
        liked = WORDS[number * 20 : number * 20 + 30]
        for entry in range(per_package):
            text = " ".join(rng.choices(liked, k=12)) + " alpha"
            yield Docstring(f"{package}.inner", f"f{entry}", "function", text, 1)


@pytest.fixture
def data() -> corpus.Corpus:
    return corpus.decode(corpus.build(made_up(), 3, 1000, 60))


# ---------------------------------------------------------------------------- corpus


def test_the_answer_does_not_stand_in_the_question(data: corpus.Corpus) -> None:
    assert data.packages == ("alpha", "beta", "gamma")
    assert data.features.shape == (75, 60)
    assert np.allclose(np.linalg.norm(data.features, axis=1), 1, atol=1e-6)
    with pytest.raises(InvalidInput, match="only 70 words"):
        corpus.build(made_up(), 3, 1000, 71)  # `alpha` would be the 71st


def test_a_text_of_two_packages_is_in_neither() -> None:
    twins = [Docstring("beta", "twin", "function", "the very same text", 1)]
    twins += [Docstring("gamma", "twin", "function", "The very same, text!", 1)]
    plain = corpus.decode(corpus.build(made_up(), 3, 1000, 60))
    more = corpus.decode(corpus.build([*made_up(), *twins], 3, 1000, 60))
    assert more.sha256 == plain.sha256


def test_the_same_source_gives_the_same_bytes_and_another_gives_others() -> None:
    first = corpus.build(made_up(), 3, 1000, 60)
    assert corpus.build(made_up(), 3, 1000, 60) == first
    assert corpus.build(made_up(seed=1), 3, 1000, 60) != first
    assert len(corpus.decode(corpus.build(made_up(), 3, 10, 60)).labels) == 30


def test_too_few_packages_are_refused() -> None:
    with pytest.raises(InvalidInput, match="only 3 packages"):
        corpus.build(made_up(), 4, 1000, 60)


def test_the_corpus_is_built_once_and_then_taken_from_the_store(folder: Path) -> None:
    with veristore.open(folder / "store") as store:
        objects = veristore.ObjectStore(store)
        first = corpus.load(objects, packages=12, texts_per_package=40, words=300)
        (stored,) = objects.list(checkpoints.BUCKET, "datasets/")
        again = corpus.load(objects, packages=12, texts_per_package=40, words=300)
        assert again.sha256 == first.sha256 == stored.sha256
        assert objects.list(checkpoints.BUCKET, "datasets/") == [stored]
    assert first.features.shape == (480, 300)
    assert {"asyncio", "email", "tkinter"} <= set(first.packages)


# --------------------------------------------------------------------------- network


def test_gradients_agree_with_differences() -> None:
    rng = np.random.default_rng(3)
    state = network.initial_state(rng, 5, 4, 3)
    wide = {name: array.astype(np.float64) for name, array in state.items()}
    inputs, labels = rng.normal(size=(6, 5)), rng.integers(0, 3, 6)
    _, gradients = network.loss_and_gradients(wide, inputs, labels)
    for name in network.WEIGHTS:
        for place in np.ndindex(wide[name].shape):
            kept, losses = wide[name][place], []
            for change in (1e-6, -1e-6):
                wide[name][place] = kept + change
                losses.append(network.loss_and_gradients(wide, inputs, labels)[0])
            wide[name][place] = kept
            assert math.isclose(
                (losses[0] - losses[1]) / 2e-6, gradients[name][place], rel_tol=1e-3, abs_tol=1e-6
            )


def test_adams_first_step_is_one_learning_rate_against_the_gradient() -> None:
    state = network.initial_state(np.random.default_rng(0), 4, 3, 2)
    gradients = {name: np.full_like(state[name], -0.7) for name in network.WEIGHTS}
    after = network.adam(state, gradients, 1, 0.01)
    for name in network.WEIGHTS:
        assert np.allclose(after[name] - state[name], 0.01, atol=1e-6)


# -------------------------------------------------------------------------- training


def train(data: corpus.Corpus, seed: int, first: int, last: int, state: network.State):
    training, _ = docstrings.split(len(data.labels), seed, 0.2)
    for step in range(first, last + 1):
        state, _ = docstrings.train_step(state, data, training, seed, step, PARAMETERS)
    return state


@settings(max_examples=10)
@given(seed=st.integers(0, 2**63 - 1), stops=st.lists(st.integers(1, 29), max_size=3))
def test_going_on_from_stored_arrays_gives_the_same_bits(seed: int, stops: list[int]) -> None:
    data = corpus.decode(corpus.build(made_up(), 3, 1000, 60))
    start = docstrings.initial_state(seed, data, PARAMETERS)
    straight = train(data, seed, 1, 30, start)
    state, done = start, 0
    for stop in [*sorted(set(stops)), 30]:
        state = train(data, seed, done + 1, stop, state)
        state = {name: np.array(array) for name, array in state.items()}
        done = stop
    assert checkpoints.weights_sha256(state) == checkpoints.weights_sha256(straight)


def test_it_learns_and_another_seed_learns_something_else(data: corpus.Corpus) -> None:
    hashes = set()
    for seed in (1, 2):
        start = docstrings.initial_state(seed, data, PARAMETERS)
        state = train(data, seed, 1, 200, start)
        training, _ = docstrings.split(len(data.labels), seed, 0.2)
        assert network.accuracy(state, data.features[training], data.labels[training]) > 0.9
        hashes.add(checkpoints.weights_sha256(network.weights_of(state)))
    assert len(hashes) == 2


@given(
    texts=st.integers(2, 200),
    seed=st.integers(0, 2**63 - 1),
    share=st.floats(0.01, 0.99),
    size=st.integers(1, 64),
)
def test_a_pass_sees_each_training_text_at_most_once_and_no_other(
    texts: int, seed: int, share: float, size: int
) -> None:
    training, validation = docstrings.split(texts, seed, share)
    assert sorted([*training, *validation]) == list(range(texts))
    assert len(training) > 0
    assert len(validation) > 0
    size = min(size, len(training))
    steps = len(training) // size
    seen = [
        n for step in range(1, steps + 1) for n in docstrings.batch_of(training, seed, step, size)
    ]
    assert len(seen) == len(set(seen)) == steps * size
    assert set(seen) <= set(training)


# ---------------------------------------------------------------------------- primes


def test_primes_below_round_numbers() -> None:
    """Known values of the prime-counting function (OEIS A006880)."""
    known = {10: 4, 100: 25, 1000: 168, 10_000: 1229, 100_000: 9592}
    assert {bound: primes_below(bound) for bound in known} == known


@given(bound=st.integers(2, 5000), segment=st.integers(1, 700))
def test_segments_add_up(bound: int, segment: int) -> None:
    small = primes.small_primes(math.isqrt(bound - 1))
    total = sum(
        primes.count_segment(start, min(start + segment, bound), small)
        for start in range(0, bound, segment)
    )
    assert total == primes_below(bound)
