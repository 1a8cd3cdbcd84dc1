"""A file arrives whole and checked, or one sentence says why not."""

import hashlib
import io
import json
import tarfile

import pytest

from tests.servers import nobody, serving, silent_host
from tlhelpers import fetch as fetching
from tlhelpers.fetch import fetch, npm_pack

CONTENT = b"four hundred photos"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_a_file_is_downloaded_once_and_checked(tmp_path):
    """The second call needs no host."""
    with serving({"/file": CONTENT}) as host:
        path = fetch(f"{host}/file", tmp_path / "new" / "file", SHA256)
    assert path.read_bytes() == CONTENT
    assert fetch(f"{host}/file", path, SHA256) == path


def test_a_damaged_file_is_fetched_again(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT[:5])
    with serving({"/file": CONTENT}) as host:
        fetch(f"{host}/file", path, SHA256)
    assert path.read_bytes() == CONTENT


def test_a_wrong_file_is_refused_and_not_kept(tmp_path):
    """What a proxy says instead of the file never reaches the cache."""
    with serving({"/file": b"<html>please log in</html>"}) as host:
        with pytest.raises(RuntimeError, match=f"another SHA-256 than {SHA256}"):
            fetch(f"{host}/file", tmp_path / "file", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with serving({}) as host, pytest.raises(RuntimeError, match="/file failed"):
        fetch(f"{host}/file", tmp_path / "file", SHA256)


def test_a_host_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(RuntimeError, match="cannot be reached .ConnectionError"):
        fetch(f"{nobody()}/file", tmp_path / "file", SHA256)


def test_a_host_that_never_answers_is_given_up(tmp_path, monkeypatch):
    """Without the limit the download would wait for ever."""
    monkeypatch.setattr(fetching, "HOST_SECONDS", 0.2)
    with silent_host() as host, pytest.raises(RuntimeError, match="cannot be reached"):
        fetch(f"{host}/file", tmp_path / "file", SHA256)


def test_both_waits_together_are_under_ten_seconds():
    assert fetching.HOST_SECONDS + fetching.REGISTRY_SECONDS < 10


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """A file stands where the cache folder should be: as with a read-only folder, no write is possible."""
    (tmp_path / "cache").write_text("in the way")
    with (
        serving({"/file": CONTENT}) as host,
        pytest.raises(RuntimeError, match="cannot write to .*cache.*TLHELPERS_CACHE"),
    ):
        fetch(f"{host}/file", tmp_path / "cache" / "file", SHA256)


def npm_registry(name: str, tarball: bytes, host: str) -> dict[str, bytes]:
    """What an npm registry answers for a package of one version."""
    integrity = hashlib.sha1(tarball).hexdigest()
    version = {"name": name, "version": "1.0.0", "dist": {"tarball": f"{host}/{name}.tgz", "shasum": integrity}}
    about = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    return {f"/{name}": json.dumps(about).encode(), f"/{name}.tgz": tarball}


def tiny_tarball() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = json.dumps({"name": "tiny", "version": "1.0.0"}).encode()
        info = tarfile.TarInfo("package/package.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_npm_packs_from_a_registry(tmp_path, monkeypatch):
    """The real npm, a registry on this machine."""
    tarball, files = tiny_tarball(), {}
    with serving(files) as host:
        files |= npm_registry("tiny", tarball, host)
        monkeypatch.setenv("npm_config_registry", host)
        sha256 = hashlib.sha256(tarball).hexdigest()
        assert npm_pack("tiny@1.0.0", tmp_path, sha256).read_bytes() == tarball
        with pytest.raises(RuntimeError, match=f"SHA-256 {sha256} instead of 1234"):
            npm_pack("tiny@1.0.0", tmp_path, "1234")
        with pytest.raises(RuntimeError, match="npm view absent@1.0.0 failed .*404"):
            npm_pack("absent@1.0.0", tmp_path, sha256)


def test_a_registry_that_never_answers_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(fetching, "REGISTRY_SECONDS", 1.5)
    with silent_host() as host:
        monkeypatch.setenv("npm_config_registry", host)
        with pytest.raises(RuntimeError, match="registry did not answer within 1.5 seconds"):
            npm_pack("tiny@1.0.0", tmp_path, SHA256)
