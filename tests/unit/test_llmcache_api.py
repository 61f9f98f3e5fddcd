"""What Ollama's requests mean, and how wrong ones are refused."""

from __future__ import annotations

from typing import Any

import pytest

from veristack_lab.llmcache import ollama_api as api
from veristack_lab.llmcache import ollama_replies as replies
from veristack_lab.llmcache.engines.ollama_engine import without_accents
from veristack_lab.llmcache.engines.options import for_llamacpp


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "missing request body"),
        (b'{"model": "tiny",', "unexpected EOF"),
        (b'{"model": "ti', "unexpected EOF"),
        (b"hello", "invalid character 'h' looking for beginning of value"),
    ],
)
def test_broken_json(body: bytes, message: str) -> None:
    with pytest.raises(api.ApiError) as caught:
        api.parse_body(body)
    assert (caught.value.status, str(caught.value)) == (400, message)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"prompt": 7}, 400, "cannot unmarshal number into Go struct field GenerateRequest.prompt"),
        ({"stream": "yes"}, 400, "string into Go struct field GenerateRequest.stream of type bool"),
        ({"context": [1, "a"]}, 400, "GenerateRequest.context of type int"),
        ({"context": [2**63]}, 400, "GenerateRequest.context of type int"),
        ({"options": {"num_predict": "a"}}, 500, 'option "num_predict" must be of type integer'),
        ({"options": {"temperature": []}}, 500, 'option "temperature" must be of type float32'),
        ({"options": {"stop": [1]}}, 500, 'option "stop" must be of type array'),
        ({"format": "xml"}, 500, r'invalid format: "\"xml\""; expected "json" or a valid JSON'),
        ({"model": "m", "images": ["x"]}, 400, '"m" does not support images'),
        ({"model": "m", "think": True}, 400, '"m" does not support thinking'),
        ({"logprobs": True}, 400, "logprobs"),
        ({"keep_alive": "soon"}, 400, 'time: invalid duration "soon"'),
    ],
)
def test_wrong_fields(body: dict[str, Any], status: int, message: str) -> None:
    with pytest.raises(api.ApiError) as caught:
        api.parse_generate(body)
    assert caught.value.status == status
    assert message in str(caught.value)


def test_streams_by_default_and_ignores_what_it_does_not_know() -> None:
    call = api.parse_generate({"model": "m", "prompt": "p", "unheard_of": 1})
    assert call.stream
    assert not call.loads_only
    assert api.parse_generate({"model": "m", "keep_alive": 0}).unloads


@pytest.mark.parametrize(
    ("given", "unloads"), [(0, True), ("0", True), ("0s", True), ("1h30m", False), (-1, False)]
)
def test_keep_alive_zero_unloads(given: object, unloads: bool) -> None:
    assert api.parse_generate({"model": "m", "keep_alive": given}).unloads is unloads


def test_embedding_inputs() -> None:
    assert api.parse_embed({"model": "m", "input": "a"}).texts == ("a",)
    assert api.parse_embed({"model": "m", "input": ["a", "b"]}).texts == ("a", "b")
    assert api.parse_embed({"model": "m", "input": []}).texts == ()
    with pytest.raises(api.ApiError, match="invalid input type"):
        api.parse_embed({"model": "m", "input": [1]})


@pytest.mark.parametrize(("given", "sent"), [(0, -1), (-1, -1), (-2, -1), (5, 5)])
def test_num_predict_zero_is_no_limit(given: int, sent: int) -> None:
    assert for_llamacpp({"num_predict": given})["n_predict"] == sent


@pytest.mark.parametrize(
    ("count", "written"),
    [(134_515_008, "134.52M"), (2_515_200, "2.52M"), (8_030_000_000, "8.0B"), (0, "")],
)
def test_parameter_sizes(count: int, written: str) -> None:
    assert replies.parameter_size(count) == written


def test_accents_are_taken_off_for_an_uncased_tokeniser() -> None:
    assert without_accents("Übergrößenträger à la crème") == "Ubergroßentrager a la creme"
