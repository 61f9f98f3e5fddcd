"""The models that the lab serves by itself: what they are, and which are installed.

Two come out of wheels (see `install`), the third is written by the lab on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from veristack_lab.backends import minilm, tiny_model
from veristack_lab.errors import BackendUnavailable
from veristack_lab.llmcache.facts import Capability
from veristack_lab.runtime import paths

INSTALL_COMMAND = "veristack backends install models"

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""ChatML without the system message that SmolLM2's own template puts in front.

With that message the smallest SmolLM2 answers "What is the capital of France?" with a loop of
French words; without it, with Paris.
"""


@dataclass(frozen=True)
class Model:
    """One model that llama.cpp can serve from a file of the lab."""

    name: str
    """Its public name, for example `smollm2:135m`."""
    capability: Capability
    file_name: str
    context_tokens: int
    """How many tokens one request gets: a size for a lab, not the model's limit."""
    slots: int
    kv_bytes_per_token: int
    """2 * layers * kv_heads * head_dim * 2 bytes; 0 for an encoder, which keeps nothing."""
    licence: str
    random_weights: bool = False
    chat_template: str | None = None
    """Replaces the template inside the file."""

    @property
    def path(self) -> Path:
        """Where its file is, once installed."""
        return folder() / self.file_name


SMOLLM2 = Model(
    name="smollm2:135m",
    capability="text",
    file_name="smollm2-135m-instruct-q4_1.gguf",
    context_tokens=2048,
    slots=2,
    kv_bytes_per_token=2 * 30 * 3 * 64 * 2,
    licence="Apache-2.0",
    chat_template=CHATML,
)
MINILM = Model(
    name="minilm:l6",
    capability="embeddings",
    file_name="minilm-l6-v2-q8_0.gguf",
    context_tokens=minilm.CONTEXT_TOKENS,
    slots=4,
    kv_bytes_per_token=0,
    licence="Apache-2.0",
)
TINY = Model(
    name="tiny:random",
    capability="text",
    file_name=tiny_model.FILE_NAME,
    context_tokens=2048,
    slots=2,
    kv_bytes_per_token=tiny_model.KV_BYTES_PER_TOKEN,
    licence="Apache-2.0",
    random_weights=True,
)
MODELS = (SMOLLM2, MINILM, TINY)


def folder() -> Path:
    """Where model files are kept."""
    return paths.home() / "models"


def installed() -> dict[str, Path]:
    """The models whose files are there, by public name."""
    return {model.name: model.path for model in MODELS if model.path.is_file()}


def ensure(model: Model) -> Path:
    """The model's file.

    Raises:
        BackendUnavailable: it is not installed; the message names the command.
    """
    if model is TINY:
        return tiny_model.ensure(folder())
    if not model.path.is_file():
        raise BackendUnavailable(f"the model {model.name} is not installed; `{INSTALL_COMMAND}`")
    return model.path
