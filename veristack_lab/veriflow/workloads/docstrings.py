"""Training: which package of the standard library is this docstring from?

Every step depends on (seed, step) and the data alone: the batch is drawn from a shuffle that
is made anew from (seed, pass over the data), and all other state (weights, Adam's averages) is
in the checkpoint. So a run that goes on from step s computes what an uninterrupted one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from veristack_lab.veriflow.checkpoints import weights_sha256
from veristack_lab.veriflow.workloads import corpus, network
from veristack_lab.veriflow.workloads.corpus import Corpus
from veristack_lab.veriflow.workloads.network import Labels, State

if TYPE_CHECKING:
    from veristack_lab.veriflow.context import RunContext

SPLIT, WEIGHTS, SHUFFLE = 1, 2, 3
"""What a random stream is for; (seed, purpose, ...) seeds it."""


class Parameters(BaseModel):
    """How to train."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    steps: int = Field(1000, ge=1, le=1_000_000, description="Optimizer steps.")
    batch: int = Field(32, ge=1, le=4096, description="Texts per step.")
    hidden: int = Field(96, ge=1, le=4096, description="Width of the hidden layer.")
    learning_rate: float = Field(5e-4, gt=0, le=1, description="Adam's step size.")
    checkpoint_every: int = Field(100, ge=1, description="Steps between checkpoints.")
    measure_every: int = Field(10, ge=1, description="Steps between measurements.")
    packages: int = Field(12, ge=2, le=100, description="Packages to tell apart.")
    texts_per_package: int = Field(200, ge=10, le=5000, description="At most, for balance.")
    words: int = Field(2000, ge=50, le=50_000, description="Size of the vocabulary.")
    validation_share: float = Field(0.2, gt=0, lt=1, description="Texts kept from training.")


def run(context: RunContext, parameters: Parameters) -> Mapping[str, Any]:
    """Train from the newest checkpoint to the last step.

    Returns:
        Hash of the final weights, final accuracies, and what they were measured on.
    """
    data = corpus.load(
        context.objects,
        packages=parameters.packages,
        texts_per_package=parameters.texts_per_package,
        words=parameters.words,
    )
    training, validation = split(len(data.labels), context.seed, parameters.validation_share)
    found = context.resume(data.sha256)
    first = 0 if found is None else found.saved.step
    state = initial_state(context.seed, data, parameters) if found is None else dict(found.arrays)
    for step in range(first + 1, parameters.steps + 1):
        state, loss = train_step(state, data, training, context.seed, step, parameters)
        last = step == parameters.steps
        if step % parameters.measure_every == 0 or last:
            context.report(step, {"loss": loss, "accuracy": _accuracy(state, data, validation)})
        if step % parameters.checkpoint_every == 0 or last:
            context.save(step, state, data.sha256)
    return {
        "weights_sha256": weights_sha256(network.weights_of(state)),
        "validation_accuracy": _accuracy(state, data, validation),
        "training_accuracy": _accuracy(state, data, training),
        "training_texts": len(training),
        "validation_texts": len(validation),
        "steps": parameters.steps,
        "resumed_from_step": first,
        "data_sha256": data.sha256,
    }


def split(texts: int, seed: int, validation_share: float) -> tuple[Labels, Labels]:
    """Indices for training and for validation: disjoint, both non-empty, by seed alone."""
    order = np.random.default_rng([seed, SPLIT]).permutation(texts)
    kept = min(texts - 1, max(1, round(texts * validation_share)))
    return order[kept:], order[:kept]


def initial_state(seed: int, data: Corpus, parameters: Parameters) -> State:
    """Step 0."""
    rng = np.random.default_rng([seed, WEIGHTS])
    words, packages = data.features.shape[1], len(data.packages)
    return network.initial_state(rng, words, parameters.hidden, packages)


def batch_of(training: Labels, seed: int, step: int, size: int) -> Labels:
    """The texts of one step: a slice of the shuffle of its pass over the data.

    Args:
        step: 1 for the first step.
    """
    size = min(size, len(training))
    per_pass = len(training) // size
    number, place = divmod(step - 1, per_pass)
    order = np.random.default_rng([seed, SHUFFLE, number]).permutation(len(training))
    return training[order[place * size : (place + 1) * size]]


def train_step(
    state: State, data: Corpus, training: Labels, seed: int, step: int, parameters: Parameters
) -> tuple[State, float]:
    """The state after a step, and the loss before it."""
    batch = batch_of(training, seed, step, parameters.batch)
    loss, gradients = network.loss_and_gradients(state, data.features[batch], data.labels[batch])
    return network.adam(state, gradients, step, parameters.learning_rate), loss


def _accuracy(state: State, data: Corpus, texts: Labels) -> float:
    return network.accuracy(state, data.features[texts], data.labels[texts])
