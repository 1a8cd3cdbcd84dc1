"""A file arrives complete and verified, or one sentence says why not."""

import hashlib
import io
import json
import tarfile

import pytest

from tests.servers import nobody, scripted, serving, silent_host
from tlhelpers.download import Limits
from tlhelpers.fetch import REGISTRY_TIMEOUT, fetch, npm_pack

CONTENT = b"four hundred photos"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def test_a_file_is_downloaded_once_and_checked(tmp_path):
    """The second call needs no host."""
    with serving({"/file": CONTENT}) as host:
        path = fetch(f"{host}/file", tmp_path / "new" / "file", SHA256)
    assert path.read_bytes() == CONTENT
    assert fetch(f"{host}/file", path, SHA256) == path


def test_a_damaged_file_is_downloaded_again(tmp_path, capsys):
    """A file whose hash is wrong is replaced; it is kept under another name, and a line says so."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT[:5])
    with serving({"/file": CONTENT}) as host:
        fetch(f"{host}/file", path, SHA256)
    assert path.read_bytes() == CONTENT
    assert (tmp_path / "file.damaged-1").read_bytes() == CONTENT[:5] and len(list(tmp_path.iterdir())) == 2
    assert f"{path} was damaged (its SHA-256 is not {SHA256}); it is now called file.dam" in capsys.readouterr().out


def test_a_damaged_file_without_a_host_is_called_damaged(tmp_path):
    """The error names the file and says what is wrong with it, at every call; the file stays where it is."""
    path = tmp_path / "file"
    path.write_bytes(CONTENT[:5])
    for _ in range(2):
        with pytest.raises(RuntimeError, match="^[^ ]*/file is damaged .*, and a new one could not be made"):
            fetch(f"{nobody()}/file", path, SHA256)
    assert path.read_bytes() == CONTENT[:5] and list(tmp_path.iterdir()) == [path]


def test_the_first_digits_of_a_hash_are_enough(tmp_path):
    """The names of torchvision's files have eight of them."""
    with serving({"/file": CONTENT}) as host:
        assert fetch(f"{host}/file", tmp_path / "right", SHA256[:8]).read_bytes() == CONTENT
        with pytest.raises(RuntimeError, match="another SHA-256 than 12345678"):
            fetch(f"{host}/file", tmp_path / "wrong", "12345678")


def test_the_host_is_asked_once_and_for_the_file_itself(tmp_path):
    """Some hosts refuse HEAD: the first request is the one that downloads."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(CONTENT)
    with scripted([answer, CONTENT]) as (host, requests):
        fetch(f"{host}/file", tmp_path / "file", SHA256)
    assert [request.split(" HTTP")[0] for request in requests] == ["GET /file"]


def test_a_wrong_file_is_refused_and_not_kept(tmp_path):
    """The login page of a proxy does not become a file in the cache."""
    with (
        serving({"/file": b"<html>please log in</html>"}) as host,
        pytest.raises(RuntimeError, match=f"another SHA-256 than {SHA256}"),
    ):
        fetch(f"{host}/file", tmp_path / "file", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_is_named(tmp_path):
    """The host answers, but has no such file: the error names the address."""
    with serving({}) as host, pytest.raises(RuntimeError, match="/file failed"):
        fetch(f"{host}/file", tmp_path / "file", SHA256)


def test_a_missing_host_is_named(tmp_path):
    """Nobody listens at the address: the error says so."""
    with pytest.raises(RuntimeError, match="cannot be reached .ConnectionError"):
        fetch(f"{nobody()}/file", tmp_path / "file", SHA256)


def test_a_host_that_never_answers_is_given_up(tmp_path):
    """Without a timeout the download would wait forever."""
    with silent_host() as host, pytest.raises(RuntimeError, match="cannot be reached .*(no answer|Timeout)"):
        fetch(f"{host}/file", tmp_path / "file", SHA256, limits=Limits(answer=0.2))


def test_both_timeouts_together_are_under_ten_seconds():
    """Without a network, load_resnet50 tries a host and then the registry."""
    assert Limits().answer + REGISTRY_TIMEOUT < 10


def test_a_folder_that_cannot_be_created_is_named(tmp_path):
    """A file is where the cache folder should be, so that nothing can be written, as in a read-only folder."""
    (tmp_path / "cache").write_text("in the way")
    with (
        serving({"/file": CONTENT}) as host,
        pytest.raises(RuntimeError, match="cannot write to .*cache.*TLHELPERS_CACHE"),
    ):
        fetch(f"{host}/file", tmp_path / "cache" / "file", SHA256)


def npm_registry(name: str, tarball: bytes, host: str) -> dict[str, bytes]:
    """Return the answers of an npm registry that has one version of a package."""
    integrity = hashlib.sha1(tarball).hexdigest()
    version = {"name": name, "version": "1.0.0", "dist": {"tarball": f"{host}/{name}.tgz", "shasum": integrity}}
    about = {"name": name, "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    return {f"/{name}": json.dumps(about).encode(), f"/{name}.tgz": tarball}


def tiny_tarball() -> bytes:
    """Return the smallest package that npm accepts."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        content = json.dumps({"name": "tiny", "version": "1.0.0"}).encode()
        info = tarfile.TarInfo("package/package.json")
        info.size = len(content)
        archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.slow
def test_npm_packs_from_a_registry(tmp_path, monkeypatch):
    """The real npm downloads from a registry on this machine; a wrong hash and a missing package are named."""
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
    """Without a timeout npm would wait for minutes."""
    with silent_host() as host:
        monkeypatch.setenv("npm_config_registry", host)
        with pytest.raises(RuntimeError, match="registry did not answer within 1 seconds"):
            npm_pack("tiny@1.0.0", tmp_path, SHA256, timeout=1)
