"""The facts of an engine that a person wrote: what is wrong is named."""

from __future__ import annotations

import json

import pytest

from veristack_lab.errors import InvalidInput
from veristack_lab.llmcache.facts import EngineFacts
from veristack_lab.llmcache.facts_json import EXAMPLE, parse

FACTS = json.loads(EXAMPLE)


def test_the_example_in_the_message_is_accepted() -> None:
    assert parse(EXAMPLE) == EngineFacts(**FACTS)
    assert parse(json.dumps({**FACTS, "pid": 1, "random_weights": True})).pid == 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"kind": "vllm"}, "kind is 'llama.cpp' or 'ollama', not \"vllm\""),
        ({"kind": ["ollama"]}, "kind is "),
        ({"kind": {}}, "kind is "),
        ({"capability": "images"}, "capability is 'text' or 'embeddings'"),
        ({"node_id": ""}, "node_id is a name"),
        ({"node_id": 7}, "node_id is a name"),
        ({"model": None}, "model is a name"),
        ({"url": "127.0.0.1:8080"}, "url is an address"),
        ({"url": "http://"}, "url is an address"),
        ({"url": "http://127.0.0.1:99999"}, "url is an address"),
        ({"url": "ftp://127.0.0.1"}, "url is an address"),
        ({"url": 1}, "url is an address"),
        ({"slots": 0}, "slots is a whole number from 1"),
        ({"slots": "1"}, "slots is a whole number from 1"),
        ({"slots": True}, "slots is a whole number from 1"),
        ({"context_tokens": 1.5}, "context_tokens is a whole number from 1"),
        ({"size_bytes": -1}, "size_bytes is a whole number from 0"),
        ({"size_bytes": 10**30}, "size_bytes is a whole number from 0"),
        ({"random_weights": "no"}, "random_weights is true or false"),
        ({"pid": 0}, "pid is a whole number, or null"),
        ({"gpu": 1}, "'gpu' is not one of its fields"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, object], told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(json.dumps({**FACTS, **change}))
    assert told in str(refused.value)
    assert EXAMPLE in str(refused.value)


@pytest.mark.parametrize("field", ["node_id", "kind", "url", "slots"])
def test_a_missing_field_is_named(field: str) -> None:
    told = {name: value for name, value in FACTS.items() if name != field}
    with pytest.raises(InvalidInput, match=f"it lacks {field}"):
        parse(json.dumps(told))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "7", '"text"', "[" * 100_000])
def test_what_is_no_json_object_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="it is not "):
        parse(text)
