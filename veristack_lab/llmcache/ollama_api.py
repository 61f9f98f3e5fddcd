"""Ollama's API: what its requests mean, and what its replies look like.

Pure translation between JSON and the gateway's own types. Shapes, status codes and wording
follow what Ollama 0.17 answers, so that its official client cannot tell the difference.
Durations are in nanoseconds. One field is added: `prompt_eval_cached_count`, how many of the
`prompt_eval_count` tokens the engine did not have to compute, or null when it does not say.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from veristack_lab.errors import VeriStackError
from veristack_lab.llmcache.engines.base import TextRequest
from veristack_lab.llmcache.engines.options import WrongOptionType, checked

_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)")
_DURATION = re.compile(rf"[+-]?(?:0|(?:{_DURATION_PART.pattern})+)")
INT64 = range(-(2**63), 2**63)
"""What Go's `int` holds."""
_GO_NAMES = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "bool",
    int: "number",
    float: "number",
}


class ApiError(VeriStackError):
    """A request that Ollama answers with `{"error": message}` and this status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class TextCall:
    """A call of `/api/generate` or `/api/chat`."""

    model: str
    chat: bool
    stream: bool
    text: TextRequest
    loads_only: bool
    """No prompt was given: the call only wants the model loaded (or unloaded)."""
    unloads: bool


@dataclass(frozen=True)
class EmbedCall:
    """A call of `/api/embed` or of the older `/api/embeddings`."""

    model: str
    texts: tuple[str, ...]
    truncate: bool
    dimensions: int | None


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        ApiError: 400, with the words of Go's JSON decoder.
    """
    if not body:
        raise ApiError(400, "missing request body")
    try:
        parsed = json.loads(body)
    except json.JSONDecodeError as error:
        rest = error.doc[error.pos :].lstrip()
        if not rest or error.msg.startswith("Unterminated string"):
            raise ApiError(400, "unexpected EOF") from None
        raise ApiError(
            400, f"invalid character '{rest[0]}' looking for beginning of value"
        ) from None
    except UnicodeDecodeError:
        raise ApiError(400, "the request body is not UTF-8") from None
    if not isinstance(parsed, dict):
        raise ApiError(
            400, f"json: cannot unmarshal {_go_name(parsed)} into Go value of type api.Request"
        )
    return parsed


def parse_generate(body: Mapping[str, Any]) -> TextCall:
    """The meaning of a body of `/api/generate`.

    Raises:
        ApiError: a field has a wrong type, or asks for what no engine here can do.
    """
    fields = _Fields(body, "GenerateRequest")
    model = fields.get("model", str, "")
    for name in ("images", "suffix"):
        if body.get(name):
            raise ApiError(400, f'"{model}" does not support {name}')
    _refuse_unsupported(body, model)
    prompt = fields.get("prompt", str, "")
    text = TextRequest(
        prompt=prompt,
        system=fields.get("system", str, None),
        raw=fields.get("raw", bool, False),
        context=tuple(fields.integers("context")),
        truncate=fields.get("truncate", bool, True),
        options=_options(fields),
        json_schema=_schema(body.get("format")),
    )
    return _text_call(fields, model, text, chat=False, empty=not prompt)


def parse_chat(body: Mapping[str, Any]) -> TextCall:
    """The meaning of a body of `/api/chat`.

    Raises:
        ApiError: a field has a wrong type, or asks for what no engine here can do.
    """
    fields = _Fields(body, "ChatRequest")
    model = fields.get("model", str, "")
    if body.get("tools"):
        raise ApiError(400, f"{model} does not support tools")
    _refuse_unsupported(body, model)
    messages = []
    for message in fields.get("messages", list, []):
        turn = _Fields(_object(message, "ChatRequest.messages"), "Message")
        if turn.body.get("images"):
            raise ApiError(400, f'"{model}" does not support images')
        messages.append(
            {"role": turn.get("role", str, ""), "content": turn.get("content", str, "")}
        )
    text = TextRequest(
        messages=tuple(messages),
        truncate=fields.get("truncate", bool, True),
        options=_options(fields),
        json_schema=_schema(body.get("format")),
    )
    return _text_call(fields, model, text, chat=True, empty=not messages)


def parse_embed(body: Mapping[str, Any]) -> EmbedCall:
    """The meaning of a body of `/api/embed`.

    Raises:
        ApiError: a field has a wrong type.
    """
    fields = _Fields(body, "EmbedRequest")
    given = body.get("input")
    if given is None or given == "":
        texts: list[str] = []
    elif isinstance(given, str):
        texts = [given]
    elif isinstance(given, list) and all(isinstance(text, str) for text in given):
        texts = given
    else:
        raise ApiError(400, "invalid input type")
    return EmbedCall(
        fields.get("model", str, ""),
        tuple(texts),
        fields.get("truncate", bool, True),
        fields.get("dimensions", int, None) or None,
    )


def parse_embeddings(body: Mapping[str, Any]) -> EmbedCall:
    """The meaning of a body of the older `/api/embeddings`, which takes one `prompt`."""
    fields = _Fields(body, "EmbeddingRequest")
    prompt = fields.get("prompt", str, "")
    return EmbedCall(fields.get("model", str, ""), (prompt,) if prompt else (), True, None)


def _text_call(
    fields: _Fields, model: str, text: TextRequest, *, chat: bool, empty: bool
) -> TextCall:
    unloads = empty and _keep_alive(fields.body.get("keep_alive")) == 0
    stream = fields.get("stream", bool, True)
    return TextCall(model, chat, stream, text, loads_only=empty, unloads=unloads)


class _Fields:
    """Typed access to a JSON object, complaining as Go's decoder does."""

    def __init__(self, body: Mapping[str, Any], go_type: str) -> None:
        self.body = body
        self.go_type = go_type

    def get(self, name: str, kind: type, default: Any) -> Any:
        value = self.body.get(name)
        if value is None:
            return default
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise self._wrong(name, value, kind)
        return value

    def integers(self, name: str) -> list[int]:
        values: list[object] = self.get(name, list, [])
        for value in values:
            if not isinstance(value, int) or isinstance(value, bool) or value not in INT64:
                raise self._wrong(name, value, int)
        return [value for value in values if isinstance(value, int)]

    def _wrong(self, name: str, value: Any, kind: type) -> ApiError:
        wanted = {str: "string", bool: "bool", int: "int", list: "[]", dict: "map[string]"}[kind]
        return ApiError(
            400,
            f"json: cannot unmarshal {_go_name(value)} into Go struct field "
            f"{self.go_type}.{name} of type {wanted}",
        )


def _go_name(value: Any) -> str:
    return _GO_NAMES.get(type(value), "null")


def _object(value: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ApiError(
            400,
            f"json: cannot unmarshal {_go_name(value)} into Go struct field {where} "
            "of type api.Message",
        )
    return value


def _options(fields: _Fields) -> dict[str, Any]:
    try:
        return checked(fields.get("options", dict, {}))
    except WrongOptionType as error:
        raise ApiError(500, str(error)) from None


def _schema(given: Any) -> Mapping[str, Any] | None:
    if given is None or given == "":
        return None
    if given == "json":
        return {"type": "object"}
    if isinstance(given, dict):
        return given
    raise ApiError(
        500,
        f'invalid format: "{json.dumps(json.dumps(given))[1:-1]}"; '
        'expected "json" or a valid JSON Schema object',
    )


def _keep_alive(given: Any) -> float | None:
    """Seconds that the model should stay loaded; None if not given.

    Checked as Ollama does. Engines here keep their model loaded regardless.
    """
    if given is None or isinstance(given, int | float):
        return given
    text = str(given)
    if not _DURATION.fullmatch(text):
        raise ApiError(400, f'time: invalid duration "{text}"')
    return math.fsum(float(n) * _UNIT_S[unit] for n, unit in _DURATION_PART.findall(text))


def _refuse_unsupported(body: Mapping[str, Any], model: str) -> None:
    if body.get("think"):
        raise ApiError(400, f'"{model}" does not support thinking')
    if body.get("logprobs"):
        raise ApiError(400, "this gateway does not report logprobs: ask the engine itself")


# ------------------------------------------------------------------- replies
