"""A network of two layers and its optimizer, in numpy, exact to the bit.

Softmax cross-entropy on a ReLU layer, trained by Adam (Kingma and Ba, 2015). Every function is
pure: the same arrays give the same bits, given one thread and one machine. Parameters and
optimizer state are one flat dict of float32 arrays, which is what a checkpoint holds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float32]]
Labels = np.ndarray[Any, np.dtype[np.int64]]
State = dict[str, Floats]

WEIGHTS = ("w1", "b1", "w2", "b2")
DECAY_1, DECAY_2, EPSILON = 0.9, 0.999, np.float32(1e-8)


def initial_state(rng: np.random.Generator, inputs: int, hidden: int, outputs: int) -> State:
    """Weights after He et al. (2015), and a fresh optimizer."""
    weights = {
        "w1": rng.normal(0, np.sqrt(2 / inputs), (inputs, hidden)),
        "b1": np.zeros(hidden),
        "w2": rng.normal(0, np.sqrt(2 / hidden), (hidden, outputs)),
        "b2": np.zeros(outputs),
    }
    state = {name: array.astype(np.float32) for name, array in weights.items()}
    for name in WEIGHTS:
        state[f"m.{name}"] = np.zeros_like(state[name])
        state[f"v.{name}"] = np.zeros_like(state[name])
    return state


def weights_of(state: State) -> State:
    """The weights alone, without the optimizer's memory."""
    return {name: state[name] for name in WEIGHTS}


def logits(state: State, inputs: Floats) -> Floats:
    """(texts, words) -> (texts, packages): unnormalised log-probabilities."""
    hidden = np.maximum(inputs @ state["w1"] + state["b1"], 0)
    outputs: Floats = hidden @ state["w2"] + state["b2"]
    return outputs


def accuracy(state: State, inputs: Floats, labels: Labels) -> float:
    """Share of texts whose most likely package is the right one."""
    return float(np.mean(logits(state, inputs).argmax(axis=1) == labels))


def loss_and_gradients(state: State, inputs: Floats, labels: Labels) -> tuple[float, State]:
    """Mean cross-entropy (nats) and its gradient for each weight."""
    rows = np.arange(len(labels))
    before = inputs @ state["w1"] + state["b1"]
    hidden = np.maximum(before, 0)
    scores = hidden @ state["w2"] + state["b2"]
    scores -= scores.max(axis=1, keepdims=True)
    likely = np.exp(scores)
    likely /= likely.sum(axis=1, keepdims=True)
    loss = float(-np.mean(np.log(np.maximum(likely[rows, labels], 1e-30))))
    error = likely
    error[rows, labels] -= 1
    error /= np.float32(len(labels))
    backward = (error @ state["w2"].T) * (before > 0)
    return loss, {
        "w1": inputs.T @ backward,
        "b1": backward.sum(axis=0),
        "w2": hidden.T @ error,
        "b2": error.sum(axis=0),
    }


def adam(state: State, gradients: State, step: int, learning_rate: float) -> State:
    """The state after one step of Adam.

    Args:
        step: 1 for the first step; decides how much the young averages are corrected.
    """
    after = dict(state)
    correction_1 = np.float32(1 - DECAY_1**step)
    correction_2 = np.float32(1 - DECAY_2**step)
    for name, gradient in gradients.items():
        mean: Floats = np.float32(DECAY_1) * state[f"m.{name}"] + np.float32(1 - DECAY_1) * gradient
        square: Floats = np.float32(DECAY_2) * state[f"v.{name}"]
        square += np.float32(1 - DECAY_2) * gradient * gradient
        # One named array a step: numpy's types lose the 32 bits in a longer expression.
        change: Floats = mean / correction_1
        spread: Floats = np.sqrt(square / correction_2)
        spread += EPSILON
        change /= spread
        after[name] = state[name] - np.float32(learning_rate) * change
        after[f"m.{name}"], after[f"v.{name}"] = mean, square
    return after
