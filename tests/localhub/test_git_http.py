"""git over HTTP: who may, protocols, sizes, and what is served of the repository besides."""

from __future__ import annotations

import base64
import io
import os
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.localhub.clone import Work, git
from tests.localhub.repository import SAMPLE


@pytest.mark.parametrize("service", ["git-upload-pack", "git-receive-pack"])
def test_who_gets_which_status(hub: Any, service: str) -> None:
    def status(name: str, token: str | None) -> tuple[int, str]:
        auth = ("x-access-token", token) if token else None
        answer = httpx.get(f"{hub.url}/{name}.git/info/refs", params={"service": service}, auth=auth, trust_env=False)
        return answer.status_code, answer.headers.get("WWW-Authenticate", "")

    pushing = service == "git-receive-pack"
    login = 'Basic realm="GitHub"'
    assert status("alice/sample", None) == (401, login)
    assert status("alice/none", None) == (401, login), "what is not there looks like what is private"
    assert status("alice/sample", "ghp_wrong") == (401, login)
    assert status("alice/sample", hub.pat("mallory"))[0] == 404
    assert status("alice/none", hub.pat("alice"))[0] == 404
    assert status("alice/sample", hub.pat("carol"))[0] == (403 if pushing else 200)
    assert status("alice/sample", hub.pat("bob"))[0] == 200
    assert status("alice/sample", hub.bot_token({"contents": "read"}))[0] == (403 if pushing else 200)
    assert status("alice/sample", hub.bot_token({"contents": "write"}))[0] == 200
    assert status("alice/sample", hub.bot_token({"issues": "write"}))[0] == 403
    assert status("alice/open", None)[0] == (401 if pushing else 200)
    assert status("alice/open", hub.pat("mallory"))[0] == (403 if pushing else 200)
    token = hub.bot_token()
    hub.admin(f"/installations/{hub.installation_id}", {"action": "suspend"})
    assert status("alice/sample", token)[0] in (401, 403)


def test_a_file_that_is_served_is_no_door_to_others(hub: Any) -> None:
    for path in ("HEAD", "config", "objects/info/packs", "../../localhub.sqlite3"):
        answer = hub.client("alice", prefix="").get(f"/alice/sample.git/{path}")
        assert answer.status_code == 404, path
    dumb = httpx.get(f"{hub.url}/alice/open.git/info/refs", trust_env=False)
    assert dumb.status_code in (200, 403)
    assert b"refs/heads" not in dumb.content


def test_protocol_two_shallow_and_partial_clones(hub: Any, work: Work, tmp_path: Path) -> None:
    for number in range(3):
        work.commit(f"{number}.txt", str(number).encode())
    work("push", "-q", "origin", "main")
    url = hub.git_url("alice/sample", hub.pat("carol"))
    trace = git(tmp_path, "-c", "protocol.version=2", "ls-remote", url, GIT_TRACE_PACKET="1").stderr
    assert "version 2" in trace
    git(tmp_path, "clone", "-q", "--depth", "1", url, "shallow")
    assert git(tmp_path / "shallow", "rev-list", "--count", "HEAD").stdout.strip() == "1"
    git(tmp_path / "shallow", "fetch", "-q", "--unshallow")
    git(tmp_path, "clone", "-q", "--filter=blob:none", "--no-checkout", url, "partial")
    missing = git(tmp_path / "partial", "rev-list", "--objects", "--missing=print", "HEAD").stdout
    assert "?" in missing
    assert git(tmp_path / "partial", "show", "HEAD:2.txt").stdout == "2"
    git(tmp_path, "clone", "-q", "--depth", "1", f"{url}", "pusher")
    (tmp_path / "pusher" / "new.txt").write_text("new")
    git(tmp_path / "pusher", "add", ".")
    git(tmp_path / "pusher", "commit", "-qm", "From a shallow clone")
    git(tmp_path / "pusher", "push", "-q", hub.git_url("alice/sample", hub.pat("bob")), "HEAD:from-shallow")
    tip = git(tmp_path / "pusher", "rev-parse", "HEAD").stdout.strip()
    assert hub.client("bob").get(f"{SAMPLE}/git/ref/heads/from-shallow").json()["object"]["sha"] == tip


def test_sizes(hub: Any, work: Work) -> None:
    hub.admin("/limits", {"object_bytes": 100_000})
    work.commit("fine.bin", b"x" * 100_000)
    work("push", "-q", "origin", "main")
    work.commit("deep/big.bin", os.urandom(100_001))
    refused = work("push", "origin", "main", ok=False)
    assert "remote: error: File deep/big.bin is 0.10 MB; this exceeds GitHub's file size limit of 0.10 MB" in refused
    assert "GH001: Large files detected." in refused
    work("rm", "-q", "deep/big.bin")
    work("commit", "-qm", "Away")
    assert "GH001" in work("push", "origin", "main", ok=False), "it is in the history still"
    hub.admin("/limits", {"object_bytes": 10**8, "push_bytes": 50_000})
    assert "exceeds maximum allowed size" in work("push", "origin", "main", ok=False)
    hub.admin("/limits", {"push_bytes": 10**8})
    work("push", "-q", "origin", "main")


def test_a_push_of_many_megabytes(hub: Any, work: Work, tmp_path: Path) -> None:
    content = os.urandom(8 * 1024 * 1024)
    sha = work.commit("large.bin", content)
    work("push", "-q", "origin", "main")
    git(tmp_path, "clone", "-q", hub.git_url("alice/sample", hub.pat("carol")), "again")
    assert (tmp_path / "again" / "large.bin").read_bytes() == content
    shown = hub.client("carol").get(f"{SAMPLE}/contents/large.bin").json()
    assert (shown["encoding"], shown["content"], shown["size"]) == ("none", "", len(content))
    raw = hub.client("carol").get(f"{SAMPLE}/contents/large.bin", headers={"Accept": "application/vnd.github.raw+json"})
    assert raw.content == content
    assert hub.told("push")[-1]["after"] == sha


def test_symbolic_links_submodules_and_folders(hub: Any, work: Work) -> None:
    (work.folder / "d").mkdir()
    (work.folder / "d" / "real.txt").write_text("real")
    (work.folder / "d" / "link.txt").symlink_to("real.txt")
    (work.folder / "out.txt").symlink_to("../../etc/passwd")
    (work.folder / ".gitmodules").write_text('[submodule "lib"]\n\tpath = d/lib\n\turl = https://example.org/lib.git\n')
    work("add", ".")
    work("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},d/lib")
    work("commit", "-qm", "Kinds")
    work("push", "-q", "origin", "main")
    bob = hub.client("bob")
    followed = bob.get(f"{SAMPLE}/contents/d/link.txt").json()
    assert (followed["type"], base64.b64decode(followed["content"])) == ("file", b"real")
    outside = bob.get(f"{SAMPLE}/contents/out.txt").json()
    assert (outside["type"], outside["target"]) == ("symlink", "../../etc/passwd")
    module = bob.get(f"{SAMPLE}/contents/d/lib").json()
    assert (module["type"], module["submodule_git_url"]) == ("submodule", "https://example.org/lib.git")
    assert {each["name"]: each["type"] for each in bob.get(f"{SAMPLE}/contents/d").json()} == {
        "lib": "file",
        "link.txt": "symlink",
        "real.txt": "file",
    }
    whole = bob.get(f"{SAMPLE}/contents/d", headers={"Accept": "application/vnd.github.object+json"}).json()
    assert (whole["type"], len(whole["entries"])) == ("dir", 3)


def test_archives(hub: Any, work: Work) -> None:
    bob = hub.client("bob")
    for kind in ("zipball", "tarball"):
        led = bob.get(f"{SAMPLE}/{kind}/main")
        assert led.status_code == 302
        content = httpx.get(led.headers["Location"], trust_env=False).content
        if kind == "zipball":
            names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        else:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                names = archive.getnames()
        assert any(name.endswith("/README.md") for name in names)
    assert bob.get(f"{SAMPLE}/zipball/none").status_code == 404
    other = led.headers["Location"].replace("key=", "key=0")
    assert httpx.get(other, trust_env=False).status_code == 404
    hub.admin("/clock", {"advance": 400})
    assert httpx.get(led.headers["Location"], trust_env=False).status_code == 404


def test_a_body_that_only_says_it_is_zipped(hub: Any) -> None:
    with hub.client("bob", prefix="") as bob:
        for service in ("git-upload-pack", "git-receive-pack"):
            told = {"Content-Type": f"application/x-{service}-request", "Content-Encoding": "gzip"}
            assert bob.post(f"/alice/sample.git/{service}", content=b"no zip", headers=told).status_code == 400
