"""The S3 face under clients of other projects: pyarrow, minio, s3fs and aws-cli.

boto3 has tests of its own. These clients come with an extra, and a client that is not there is
skipped. s3fs wants another botocore than boto3 does, so it may be in an environment of its own:
VERISTACK_S3FS_PYTHON names its Python. aws-cli is found beside this Python or on the PATH, or
VERISTACK_AWS_CLI names it.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import veristack_lab.veristore as veristore
from tests.faulty_disk import quick_folder
from veristack_lab.veristore import ObjectStore
from veristack_lab.veristore.s3 import Credentials, serve_in_thread

pytestmark = pytest.mark.backends

MIB = 1024 * 1024
CREDENTIALS = Credentials("access", "secret")
EXTRA = "see the clients extra"
LIMIT_S = 240


@pytest.fixture(scope="module")
def objects() -> Iterator[ObjectStore]:
    with quick_folder() as folder, veristore.open(folder / "store") as store:
        yield ObjectStore(store)


@pytest.fixture(scope="module")
def url(objects: ObjectStore) -> Iterator[str]:
    with serve_in_thread(objects, credentials=CREDENTIALS) as url:
        yield url


def run(*command: str | Path, folder: Path | None = None) -> str:
    """Run a client; its output. Fails with what it said."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
        "AWS_ACCESS_KEY_ID": CREDENTIALS.access_key,
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS.secret_key,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUTF8": "1",
    }
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


# ------------------------------------------------------------------ pyarrow


@pytest.fixture
def arrow(url: str) -> Any:
    fs = pytest.importorskip("pyarrow.fs", reason=EXTRA)
    return fs.S3FileSystem(
        endpoint_override=url.removeprefix("http://"),
        scheme="http",
        region="us-east-1",
        access_key=CREDENTIALS.access_key,
        secret_key=CREDENTIALS.secret_key,
        allow_bucket_creation=True,
        allow_bucket_deletion=True,
    )


def test_pyarrow_files(arrow: Any, unique_name: str) -> None:
    from pyarrow.fs import FileSelector, FileType

    arrow.create_dir(unique_name)
    arrow.create_dir(f"{unique_name}/folder/below")
    large = bytes(range(256)) * (45 * MIB // 1024)  # more than one part
    for name, content in (("small", b"abc"), ("large", large)):
        with arrow.open_output_stream(f"{unique_name}/{name}") as stream:
            stream.write(content)
    with arrow.open_input_file(f"{unique_name}/large") as file:
        assert file.size() == len(large)
        file.seek(10 * MIB)
        assert file.read(3) == large[10 * MIB : 10 * MIB + 3]
    arrow.copy_file(f"{unique_name}/large", f"{unique_name}/copy")
    arrow.move(f"{unique_name}/copy", f"{unique_name}/moved")
    kinds = [
        arrow.get_file_info(f"{unique_name}/{name}").type for name in ("moved", "copy", "folder")
    ]
    assert kinds == [FileType.File, FileType.NotFound, FileType.Directory]
    found = arrow.get_file_info(FileSelector(unique_name, recursive=True))
    assert {info.path.removeprefix(f"{unique_name}/") for info in found} == {
        *("small", "large", "moved", "folder", "folder/below"),
    }
    arrow.delete_file(f"{unique_name}/small")
    arrow.delete_dir(f"{unique_name}/folder")
    arrow.delete_dir_contents(unique_name)
    assert arrow.get_file_info(FileSelector(unique_name)) == []
    arrow.delete_dir(unique_name)
    assert arrow.get_file_info(unique_name).type is FileType.NotFound


def test_pyarrow_tables_and_metadata(arrow: Any, objects: ObjectStore, unique_name: str) -> None:
    import pyarrow as pa
    from pyarrow import dataset, parquet

    arrow.create_dir(unique_name)
    table = pa.table({"n": [1, 2, 3], "part": ["x", "y", "x"]})
    where = {"filesystem": arrow, "format": "parquet", "partitioning": ["part"]}
    dataset.write_dataset(table, f"{unique_name}/set", **where)
    back = dataset.dataset(f"{unique_name}/set", **where).to_table().sort_by("n")
    assert back.to_pydict() == table.to_pydict()
    parquet.write_table(table, f"{unique_name}/t.parquet", filesystem=arrow)
    assert parquet.read_table(f"{unique_name}/t.parquet", filesystem=arrow) == table
    with arrow.open_output_stream(
        f"{unique_name}/noted", metadata={"Content-Type": "text/x", "Cache-Control": "no-cache"}
    ) as stream:
        stream.write(b"x")
    info = objects.head(unique_name, "noted")
    assert (info.content_type, info.headers) == ("text/x", {"cache-control": "no-cache"})


# ------------------------------------------------------------------ minio


def test_minio(url: str, unique_name: str) -> None:
    minio = pytest.importorskip("minio", reason=EXTRA)
    from minio.commonconfig import ComposeSource, CopySource
    from minio.deleteobjects import DeleteObject

    client = minio.Minio(
        url.removeprefix("http://"),
        access_key=CREDENTIALS.access_key,
        secret_key=CREDENTIALS.secret_key,
        secure=False,
    )
    client.make_bucket(unique_name)
    assert client.bucket_exists(unique_name)
    client.put_object(unique_name, "a/1", io.BytesIO(b"hello"), 5, metadata={"n": "1"})
    large = bytes(12 * MIB)
    client.put_object(unique_name, "large", io.BytesIO(large), -1, part_size=5 * MIB)
    assert client.stat_object(unique_name, "a/1").metadata["x-amz-meta-n"] == "1"
    assert client.get_object(unique_name, "a/1", offset=1, length=3).read() == b"ell"
    client.copy_object(unique_name, "copy", CopySource(unique_name, "a/1"))
    sources = [ComposeSource(unique_name, name) for name in ("large", "a/1")]
    client.compose_object(unique_name, "composed", sources)
    assert client.stat_object(unique_name, "composed").size == len(large) + 5
    listed = client.list_objects(unique_name, recursive=True, include_version=True)
    versions = [(found.object_name, found.version_id) for found in listed]
    assert versions == [(name, "null") for name in ("a/1", "composed", "copy", "large")]
    assert client.get_object_tags(unique_name, "copy") is None
    assert not client.get_bucket_versioning(unique_name).status
    for setting in ("tags", "lifecycle", "encryption", "replication"):
        assert getattr(client, f"get_bucket_{setting}")(unique_name) is None
    doomed = [DeleteObject(name) for name, _ in versions]
    assert list(client.remove_objects(unique_name, doomed)) == []
    client.remove_bucket(unique_name)
    assert unique_name not in [bucket.name for bucket in client.list_buckets()]


# ------------------------------------------------------------------ s3fs


def test_s3fs(url: str, unique_name: str) -> None:
    python = os.environ.get("VERISTACK_S3FS_PYTHON")
    if python is None:
        if importlib.util.find_spec("s3fs") is None:
            pytest.skip(f"{EXTRA}; or let VERISTACK_S3FS_PYTHON name a Python with s3fs")
        python = sys.executable
    run(python, Path(__file__).with_name("s3fs_story.py"), url, unique_name)


# ------------------------------------------------------------------ aws-cli


@pytest.fixture
def aws(url: str) -> Any:
    beside = Path(sys.executable).with_name("aws")
    program = os.environ.get("VERISTACK_AWS_CLI") or (
        str(beside) if beside.exists() else shutil.which("aws")
    )
    if program is None:
        pytest.skip(f"{EXTRA}; or let VERISTACK_AWS_CLI name an aws-cli")

    def call(*arguments: str | Path) -> str:
        return run(program, "--endpoint-url", url, "--output", "json", *arguments)

    return call


def test_aws_cli(aws: Any, objects: ObjectStore, unique_name: str, tmp_path: Path) -> None:
    first, second = f"s3://{unique_name}", f"s3://{unique_name}-2"
    content = os.urandom(9 * MIB)  # above 8 MiB it copies in parts
    (tmp_path / "tree" / "sub").mkdir(parents=True)
    (tmp_path / "tree" / "sub" / "ü b").write_text("in a folder")
    (tmp_path / "large").write_bytes(content)
    aws("s3", "mb", first)
    objects.create_bucket(f"{unique_name}-2")
    aws("s3", "cp", "--no-progress", tmp_path / "large", f"{first}/large")
    aws("s3", "cp", "--no-progress", f"{first}/large", f"{second}/large")
    aws("s3", "cp", "--no-progress", f"{second}/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content
    aws("s3", "sync", "--no-progress", tmp_path / "tree", f"{first}/tree")
    assert objects.get(unique_name, "tree/sub/ü b") == b"in a folder"
    assert "tree/sub/ü b" in aws("s3", "ls", first, "--recursive")
    where = ("--bucket", f"{unique_name}-2", "--key", "large")
    assert json.loads(aws("s3api", "get-object-tagging", *where))["TagSet"] == []
    part = json.loads(aws("s3api", "head-object", *where, "--part-number", "2"))
    assert (part["ContentLength"], part["PartsCount"]) == (MIB, 2)
    named = ("--object-attributes", "ObjectSize", "ObjectParts")
    attributes = json.loads(aws("s3api", "get-object-attributes", *where, *named))
    assert attributes["ObjectParts"]["TotalPartsCount"] == 2
    aws("s3", "rb", "--force", first)
    assert unique_name not in objects.buckets()
