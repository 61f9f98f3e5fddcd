"""What s3fs does to a bucket, told as assertions.

A program of its own: s3fs wants another botocore than boto3 does, so it may run in another
environment than the tests. Arguments: the URL of the server, and a name for a bucket.
"""

from __future__ import annotations

import sys

import s3fs

MIB = 1024 * 1024


def main(url: str, bucket: str) -> None:
    files = s3fs.S3FileSystem(
        endpoint_url=url,
        key="access",
        secret="secret",
        client_kwargs={"region_name": "us-east-1"},
        skip_instance_cache=True,
    )
    files.mkdir(bucket)
    files.pipe({f"{bucket}/a/{n}": bytes(n) for n in range(4)})
    with files.open(f"{bucket}/large", "wb", block_size=5 * MIB) as file:
        for letter in b"abc":
            file.write(bytes([letter]) * 4 * MIB)
    assert files.cat_file(f"{bucket}/large", start=4 * MIB - 1, end=4 * MIB + 1) == b"ab"
    assert files.info(f"{bucket}/large")["ETag"].endswith('-2"')
    assert [path.rpartition("/")[2] for path in files.ls(f"{bucket}/a")] == ["0", "1", "2", "3"]
    files.copy(f"{bucket}/large", f"{bucket}/copy")
    files.mv(f"{bucket}/a/1", f"{bucket}/moved")
    assert files.cat_file(f"{bucket}/moved") == bytes(1)
    assert files.get_tags(f"{bucket}/moved") == {}
    files.setxattr(f"{bucket}/moved", note="kept")
    assert files.getxattr(f"{bucket}/moved", "note") == "kept"
    assert not files.is_bucket_versioned(bucket)
    files.chmod(f"{bucket}/moved", "private")
    aware = s3fs.S3FileSystem(
        endpoint_url=url,
        key="access",
        secret="secret",
        client_kwargs={"region_name": "us-east-1"},
        version_aware=True,
        skip_instance_cache=True,
    )
    assert [v["VersionId"] for v in aware.object_version_info(f"{bucket}/moved")] == ["null"]
    files.rm([f"{bucket}/a/2", f"{bucket}/a/3"])
    assert sorted(files.find(bucket)) == [
        f"{bucket}/{name}" for name in ("a/0", "copy", "large", "moved")
    ]
    files.rm(bucket, recursive=True)
    assert not files.exists(bucket)


if __name__ == "__main__":
    main(*sys.argv[1:])
