"""Ollama's API: what its replies look like. See `ollama_api` for its requests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from veristack_lab.llmcache.engines.base import ModelDetails, Usage
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.llmcache.ollama_api import TextCall

VERSION = "0.17.4"
"""The version of Ollama whose replies these are."""


NEVER = "9999-12-31T23:59:59Z"


NANOSECONDS_PER_MS = 1_000_000


def now() -> str:
    """This moment, as Ollama writes it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def piece(call: TextCall, model: str, text: str) -> dict[str, Any]:
    """One line of a stream."""
    return {"model": model, "created_at": now(), **_answer(call, text), "done": False}


def end(
    call: TextCall,
    model: str,
    text: str,
    reason: str,
    usage: Usage,
    durations_ns: tuple[int, int],
    context: list[int] | None,
) -> dict[str, Any]:
    """The last line of a stream, or the whole reply if it is not streamed.

    Args:
        durations_ns: total, and how long it took until an engine was at work.
        context: the tokens of prompt and answer, where Ollama gives them.
    """
    total_ns, load_ns = durations_ns
    with_context = {} if context is None else {"context": context}
    return {
        "model": model,
        "created_at": now(),
        **_answer(call, text),
        "done": True,
        "done_reason": reason,
        **with_context,
        "total_duration": total_ns,
        "load_duration": load_ns,
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_cached_count": usage.cached_tokens,
        "prompt_eval_duration": round(usage.prompt_ms * NANOSECONDS_PER_MS),
        "eval_count": usage.output_tokens,
        "eval_duration": round(usage.decode_ms * NANOSECONDS_PER_MS),
    }


def loaded(call: TextCall, model: str) -> dict[str, Any]:
    """The reply to a call without a prompt."""
    reason = "unload" if call.unloads else "load"
    return {
        "model": model,
        "created_at": now(),
        **_answer(call, ""),
        "done": True,
        "done_reason": reason,
    }


def _answer(call: TextCall, text: str) -> dict[str, Any]:
    if call.chat:
        return {"message": {"role": "assistant", "content": text}}
    return {"response": text}


def model_entry(facts: EngineFacts, details: ModelDetails, since: str) -> dict[str, Any]:
    """One model of `/api/tags`. The digest is empty: engines do not report it."""
    return {
        "name": facts.model,
        "model": facts.model,
        "modified_at": since,
        "size": facts.size_bytes,
        "digest": "",
        "details": model_details(details),
    }


def running_entry(facts: EngineFacts, details: ModelDetails) -> dict[str, Any]:
    """One model of `/api/ps`. Engines here keep their model loaded."""
    return {
        "name": facts.model,
        "model": facts.model,
        "size": facts.size_bytes,
        "digest": "",
        "details": model_details(details),
        "expires_at": NEVER,
        "size_vram": 0,
        "context_length": facts.context_tokens,
    }


def model_details(details: ModelDetails) -> dict[str, Any]:
    """The `details` object of a model."""
    return {
        "parent_model": "",
        "format": "gguf",
        "family": details.family,
        "families": [details.family] if details.family else [],
        "parameter_size": parameter_size(details.parameter_count),
        "quantization_level": details.quantization or "unknown",
    }


def parameter_size(count: int) -> str:
    """134515008 -> '134.52M', as Ollama writes it; empty when unknown."""
    for unit, size in (("B", 1_000_000_000), ("M", 1_000_000), ("K", 1_000)):
        if count >= size:
            return f"{count / size:.2f}{unit}" if unit != "B" else f"{count / size:.1f}B"
    return str(count) if count else ""


def show(facts: EngineFacts, details: ModelDetails, since: str) -> dict[str, Any]:
    """The reply of `/api/show`, as far as an engine reports it; an extra field says whether the
    weights are random."""
    architecture = details.family or "unknown"
    return {
        "modelfile": f"FROM {facts.model}\n",
        "template": details.template,
        "details": model_details(details),
        "model_info": {
            "general.architecture": architecture,
            "general.parameter_count": details.parameter_count,
            f"{architecture}.context_length": details.train_context_tokens,
            f"{architecture}.embedding_length": details.embedding_length,
            f"{architecture}.vocab_size": details.vocabulary,
            "veristack.random_weights": facts.random_weights,
        },
        "capabilities": ["embedding"] if facts.capability == "embeddings" else ["completion"],
        "modified_at": since,
    }
