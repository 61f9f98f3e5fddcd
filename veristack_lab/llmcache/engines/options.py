"""Ollama's request options: their types, their defaults, and llama.cpp's names for them.

Unknown options are accepted and ignored, a wrong type is an error with Ollama's words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

INTEGERS = frozenset(
    (
        *("num_keep", "seed", "num_predict", "top_k", "repeat_last_n", "num_ctx", "mirostat"),
        *("num_batch", "num_gpu", "main_gpu", "num_thread"),
    )
)
FLOATS = frozenset(
    (
        *("temperature", "top_p", "min_p", "typical_p", "tfs_z", "mirostat_tau", "mirostat_eta"),
        *("repeat_penalty", "presence_penalty", "frequency_penalty"),
    )
)
BOOLEANS = frozenset(["use_mmap", "numa", "penalize_newline"])

DEFAULTS: Mapping[str, Any] = {
    "num_keep": 4,
    "num_predict": -1,
    "temperature": 0.8,
    "top_k": 40,
    "top_p": 0.9,
    "min_p": 0.0,
    "typical_p": 1.0,
    "repeat_last_n": 64,
    "repeat_penalty": 1.1,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "seed": -1,
    "stop": [],
}

_SAME_NAME = (
    *("temperature", "top_k", "top_p", "min_p", "typical_p", "seed", "stop"),
    *("repeat_last_n", "repeat_penalty", "presence_penalty", "frequency_penalty"),
)


class WrongOptionType(ValueError):
    """An option has a value of the wrong type."""


def checked(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with checked types; None counts as not given.

    Raises:
        WrongOptionType: a known option has a wrong type.
    """
    found: dict[str, Any] = {}
    for name, value in options.items():
        if value is not None:
            found[name] = _checked(name, value)
    return found


def _checked(name: str, value: Any) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if name in INTEGERS:
        if not is_number:
            raise WrongOptionType(f'option "{name}" must be of type integer')
        return int(value)
    if name in FLOATS:
        if not is_number:
            raise WrongOptionType(f'option "{name}" must be of type float32')
        return float(value)
    if name in BOOLEANS and not isinstance(value, bool):
        raise WrongOptionType(f'option "{name}" must be of type boolean')
    if name == "stop":
        if isinstance(value, str):
            return [value]
        if not (isinstance(value, list) and all(isinstance(part, str) for part in value)):
            raise WrongOptionType('option "stop" must be of type array')
    return value


def for_llamacpp(options: Mapping[str, Any]) -> dict[str, Any]:
    """Sampling parameters of llama.cpp's `/completion` for checked options.

    `num_predict` 0 and -2 mean no limit but the context, as -1 does.
    """
    full = {**DEFAULTS, **options}
    parameters: dict[str, Any] = {name: full[name] for name in _SAME_NAME}
    parameters["n_predict"] = full["num_predict"] if full["num_predict"] > 0 else -1
    parameters["n_keep"] = full["num_keep"]
    return parameters
