"""One llama.cpp inference server as a process of its own.

`python -m veristack_lab.backends.engine_process --model FILE --port N --slots N --context N`
serves one GGUF on loopback until SIGTERM. One thread: on a small shared machine two threads an
engine wait for each other as soon as anything else runs. Ready when `GET /health` says 200.
"""

from __future__ import annotations

import argparse
import signal
from pathlib import Path
from typing import Any

HTTP_THREADS = 32
"""A request that waits for a slot holds one of these, and `/health` must still answer."""


def parameters(options: argparse.Namespace) -> Any:
    """llama.cpp's parameters for one engine, from the command line's options."""
    from xllamacpp import CommonParams, llama_load_mode

    params = CommonParams()
    params.model.path = str(options.model)
    params.hostnames = ["127.0.0.1"]
    params.port = options.port
    params.n_parallel = options.slots
    params.n_ctx = options.slots * options.context  # llama.cpp divides it among the slots
    params.kv_unified = False
    params.cache_ram_mib = options.cache_mib
    params.cache_idle_slots = False
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.n_threads_http = HTTP_THREADS
    params.load_mode = llama_load_mode.LLAMA_LOAD_MODE_MMAP
    params.n_gpu_layers = 0
    params.fit_params = False
    params.endpoint_metrics = params.endpoint_slots = True
    params.ui = False
    params.use_jinja = True
    params.warmup = True
    if options.chat_template is not None:
        params.chat_template = options.chat_template
    if options.embeddings:
        params.embedding = True
        params.n_batch = params.n_ubatch = options.context  # an encoder sees a text whole
    return params


def main(argv: list[str] | None = None) -> None:
    """Serve one model until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(description="Serve one GGUF model with llama.cpp.")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--context", type=int, default=2048, help="tokens a request")
    parser.add_argument("--embeddings", action="store_true")
    parser.add_argument(
        "--cache-mib",
        type=int,
        default=0,
        help="RAM for prompts that lost their slot; with 0 such a prompt is cold",
    )
    parser.add_argument("--chat-template", help="replaces the template inside the model's file")
    options = parser.parse_args(argv)

    # Blocked before the server's threads start, so that they inherit it and only we hear them.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    from xllamacpp import Server

    server = Server(parameters(options))
    print(f"listening on {server.listening_address}", flush=True)
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
    del server  # its destructor ends the threads and closes the port


if __name__ == "__main__":
    main()
