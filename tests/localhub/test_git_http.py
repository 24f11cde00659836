"""git's own client against localhub: what the protocol offers, what is refused and in which words, what is told."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest

REPO = "/repos/alice/sample"
WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Bob"), ("EMAIL", "bob@example.org"))
}


def git(cwd: Path, *args: str, ok: bool = True, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
    }
    done = subprocess.run(
        ["git", *args], cwd=cwd, env={**clean, **WHO, **env}, capture_output=True, text=True, timeout=60, check=False
    )
    assert not ok or done.returncode == 0, done.stderr
    return done


class Work:
    """A clone of alice/sample."""

    def __init__(self, hub: Any, folder: Path) -> None:
        self.hub, self.folder = hub, folder / "work"
        git(folder, "clone", "-q", hub.git_url("alice/sample", hub.pat("bob")), "work")

    def __call__(self, *args: str, ok: bool = True, **env: str) -> str:
        done = git(self.folder, *args, ok=ok, **env)
        return done.stdout.strip() if ok else done.stderr

    def commit(self, path: str = "file.txt", content: bytes = b"x\n", message: str = "Change") -> str:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        self("add", ".")
        self("commit", "-qm", message)
        return self("rev-parse", "HEAD")


@pytest.fixture
def work(hub: Any, tmp_path: Path) -> Work:
    return Work(hub, tmp_path)


def told(hub: Any, event: str) -> list[dict[str, Any]]:
    hub.settle()
    return [each.payload for each in hub.hooks.find(event)]


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
    assert hub.client("bob").get(f"{REPO}/git/ref/heads/from-shallow").json()["object"]["sha"] == tip


def test_pull_requests_can_be_fetched_and_not_pushed(hub: Any, work: Work) -> None:
    work("checkout", "-qb", "topic")
    sha = work.commit()
    work("push", "-q", "origin", "topic")
    number = (
        hub.client("bob").post(f"{REPO}/pulls", json={"title": "x", "head": "topic", "base": "main"}).json()["number"]
    )
    work("fetch", "-q", "origin", f"refs/pull/{number}/head:refs/heads/fetched")
    assert work("rev-parse", "fetched") == sha
    other = work.commit("b.txt")
    assert "hidden ref" in work("push", "origin", f"{other}:refs/pull/{number}/head", ok=False)
    assert "hidden ref" in work("push", "origin", f":refs/pull/{number}/head", ok=False)
    denied = hub.client("bob").post(f"{REPO}/git/refs", json={"ref": "refs/pull/9/head", "sha": sha})
    assert denied.status_code == 422


def test_a_push_in_full(hub: Any, work: Work, validate: Any) -> None:
    before = work("rev-parse", "HEAD")
    (work.folder / "README.md").unlink()
    (work.folder / "old.txt").write_text("old")
    work("add", "-A")
    work("commit", "-qm", "First")
    first = work("rev-parse", "HEAD")
    second = work.commit("old.txt", b"new", "Second\n\nCo-authored-by: Carol <carol@example.org>")
    work("push", "-q", "origin", "main")
    push = validate(told(hub, "push")[0], "WebhookPush")
    assert (push["before"], push["after"], push["created"], push["deleted"], push["forced"]) == (
        before,
        second,
        False,
        False,
        False,
    )
    assert push["compare"] == f"{hub.url}/alice/sample/compare/{before[:12]}...{second[:12]}"
    assert [(c["id"], c["added"], c["removed"], c["modified"], c["distinct"]) for c in push["commits"]] == [
        (first, ["old.txt"], ["README.md"], [], True), (second, [], [], ["old.txt"], True),
    ]  # fmt: skip
    assert (push["head_commit"]["id"], push["pusher"]["name"], push["base_ref"]) == (second, "bob", None)
    work("reset", "-q", "--hard", first)
    third = work.commit("c.txt")
    assert "non-fast-forward" in work("push", "origin", "main", ok=False)
    work("push", "-qf", "origin", "main")
    forced = told(hub, "push")[-1]
    assert (forced["forced"], forced["before"], forced["after"]) == (True, second, third)
    assert [each["id"] for each in forced["commits"]] == [third]
    work("push", "-q", "origin", "main:copy")
    copy = told(hub, "push")[-1]
    assert (copy["created"], copy["base_ref"], copy["commits"], copy["head_commit"]["id"]) == (
        True,
        "refs/heads/main",
        [],
        third,
    )
    assert copy["before"] == "0" * 40
    work("push", "-q", "origin", ":copy")
    gone = told(hub, "push")[-1]
    assert (gone["deleted"], gone["after"], gone["head_commit"], gone["commits"]) == (True, "0" * 40, None, [])


def test_tags_are_told_of_up_to_three_at_once(hub: Any, work: Work, validate: Any) -> None:
    work("tag", "light")
    work("tag", "-am", "Annotated", "heavy")
    work("push", "-q", "origin", "--tags")
    created = told(hub, "create")
    assert sorted((each["ref"], each["ref_type"], each["master_branch"]) for each in created) == [
        ("heavy", "tag", "main"),
        ("light", "tag", "main"),
    ]
    pushed = {each["ref"]: each for each in told(hub, "push")}
    assert set(pushed) == {"refs/tags/heavy", "refs/tags/light"}
    assert pushed["refs/tags/heavy"]["after"] == work("rev-parse", "heavy"), "the tag object itself"
    assert pushed["refs/tags/heavy"]["head_commit"]["id"] == work("rev-parse", "main")
    work("push", "-q", "origin", ":light")
    assert validate(told(hub, "delete")[0], "WebhookDelete")["ref_type"] == "tag"
    hub.hooks.clear()
    for number in range(4):
        work("tag", f"v{number}")
    work("push", "-q", "origin", "v0", "v1", "v2", "v3", "main:four-branches")
    assert [each["ref"] for each in told(hub, "create")] == ["four-branches"], "four tags at once are told by none"
    assert len(hub.client("bob").get(f"{REPO}/git/matching-refs/tags/v").json()) == 4


def test_all_or_nothing(hub: Any, work: Work) -> None:
    work.commit()
    refused = work("push", "--atomic", "origin", "main:fine", "main:refs/heads/bad..name", ok=False)
    assert refused
    other = work("rev-parse", "HEAD~1")
    work("push", "-q", "origin", f"{other}:refs/heads/ahead")
    work("push", "-q", "-f", "origin", "main:ahead")
    refused = work("push", "--atomic", "origin", f"{other}:ahead", "main:atomic", ok=False)
    assert "rejected" in refused
    assert hub.client("bob").get(f"{REPO}/git/ref/heads/atomic").status_code == 404
    work("push", "-q", "--atomic", "origin", "main:atomic", "main:second")
    assert {each["ref"] for each in told(hub, "create")} >= {"atomic", "second"}


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
    shown = hub.client("carol").get(f"{REPO}/contents/large.bin").json()
    assert (shown["encoding"], shown["content"], shown["size"]) == ("none", "", len(content))
    raw = hub.client("carol").get(f"{REPO}/contents/large.bin", headers={"Accept": "application/vnd.github.raw+json"})
    assert raw.content == content
    assert told(hub, "push")[-1]["after"] == sha


def test_workflows_need_their_own_permission(hub: Any, work: Work) -> None:
    work.commit(".github/workflows/ci.yml", b"on: push\n")
    bot = hub.git_url("alice/sample", hub.bot_token())
    refused = work("push", bot, "main:bots", ok=False)
    assert (
        "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission"
        in refused
    )
    work("push", "-q", "origin", "main")
    work.commit("other.txt")
    (
        work("push", "-q", hub.git_url("alice/sample", hub.bot_token()), "main:bots"),
        "what is there already may come along",
    )
    granted = {"contents": "write", "workflows": "write", "metadata": "read"}
    hub.admin(f"/installations/{hub.installation_id}", {"action": "permissions", "permissions": granted})
    work.commit(".github/workflows/ci.yml", b"on: pull_request\n")
    work("push", "-q", hub.git_url("alice/sample", hub.bot_token()), "main:bots")


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
    followed = bob.get(f"{REPO}/contents/d/link.txt").json()
    assert (followed["type"], base64.b64decode(followed["content"])) == ("file", b"real")
    outside = bob.get(f"{REPO}/contents/out.txt").json()
    assert (outside["type"], outside["target"]) == ("symlink", "../../etc/passwd")
    module = bob.get(f"{REPO}/contents/d/lib").json()
    assert (module["type"], module["submodule_git_url"]) == ("submodule", "https://example.org/lib.git")
    assert {each["name"]: each["type"] for each in bob.get(f"{REPO}/contents/d").json()} == {
        "lib": "file",
        "link.txt": "symlink",
        "real.txt": "file",
    }
    whole = bob.get(f"{REPO}/contents/d", headers={"Accept": "application/vnd.github.object+json"}).json()
    assert (whole["type"], len(whole["entries"])) == ("dir", 3)


def test_archives(hub: Any, work: Work) -> None:
    bob = hub.client("bob")
    for kind in ("zipball", "tarball"):
        led = bob.get(f"{REPO}/{kind}/main")
        assert led.status_code == 302
        content = httpx.get(led.headers["Location"], trust_env=False).content
        if kind == "zipball":
            names = zipfile.ZipFile(io.BytesIO(content)).namelist()
        else:
            with tarfile.open(fileobj=io.BytesIO(content)) as archive:
                names = archive.getnames()
        assert any(name.endswith("/README.md") for name in names)
    assert bob.get(f"{REPO}/zipball/none").status_code == 404
    other = led.headers["Location"].replace("key=", "key=0")
    assert httpx.get(other, trust_env=False).status_code == 404
    hub.admin("/clock", {"advance": 400})
    assert httpx.get(led.headers["Location"], trust_env=False).status_code == 404
