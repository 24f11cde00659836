"""git clients and the git half of REST, against one hub."""

from __future__ import annotations

import base64
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

SAMPLE = "/repos/alice/sample"
WHO = {
    f"GIT_{role}_{key}": value
    for role in ("AUTHOR", "COMMITTER")
    for key, value in (("NAME", "Bob"), ("EMAIL", "bob@example.org"))
}


def git(cwd: Path, *args: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **WHO,
    }
    done = subprocess.run(["git", *args], cwd=cwd, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done


def pushes(hub: Any) -> list[dict[str, Any]]:
    return [delivery.payload for delivery in hub.hooks.find("push")]


def clone(hub: Any, tmp_path: Path, name: str = "clone", who: str = "bob") -> Path:
    git(tmp_path, "clone", "-q", hub.git_url("alice/sample", hub.pat(who)), name)
    return tmp_path / name


def commit(work: Path, path: str, content: str, message: str = "Change") -> str:
    (work / path).parent.mkdir(parents=True, exist_ok=True)
    (work / path).write_text(content)
    git(work, "add", ".")
    git(work, "commit", "-qm", message)
    return git(work, "rev-parse", "HEAD").stdout.strip()


def test_a_push_is_told_of_with_its_commits(hub: Any, tmp_path: Path, validate: Any) -> None:
    work = clone(hub, tmp_path)
    git(work, "checkout", "-qb", "topic/one")
    sha = commit(work, "src/a.txt", "one\n", "Add a")
    git(work, "push", "-q", "origin", "topic/one")
    created = validate(hub.hooks.wait("create"), "WebhookCreate")
    assert (created["ref"], created["ref_type"], created["sender"]["login"]) == ("topic/one", "branch", "bob")
    push = validate(hub.hooks.wait("push"), "WebhookPush")
    assert (push["ref"], push["after"], push["created"], push["forced"]) == ("refs/heads/topic/one", sha, True, False)
    assert [(each["id"], each["added"], each["author"]["username"]) for each in push["commits"]] == [
        (sha, ["src/a.txt"], "bob")
    ]
    git(work, "push", "-q", "origin", ":topic/one")
    assert validate(hub.hooks.wait("delete"), "WebhookDelete")["ref"] == "topic/one"
    hub.settle()
    assert [push["deleted"] for push in pushes(hub)] == [False, True]


def test_who_may_push_and_fetch(hub: Any, tmp_path: Path) -> None:
    work = clone(hub, tmp_path)
    commit(work, "b.txt", "b\n")
    refused = git(work, "push", hub.git_url("alice/sample", hub.pat("mallory")), "main", check=False)
    assert "not found" in refused.stderr
    refused = git(work, "push", hub.git_url("alice/sample", hub.pat("carol")), "main", check=False)
    assert "403" in refused.stderr
    refused = git(work, "push", hub.git_url("alice/sample", hub.bot_token({"contents": "read"})), "main", check=False)
    assert "403" in refused.stderr
    refused = git(work, "push", hub.git_url("alice/sample", "no-such-token"), "main", check=False)
    assert "Authentication failed" in refused.stderr
    assert git(tmp_path, "ls-remote", f"{hub.url}/alice/sample.git", check=False).returncode != 0
    git(tmp_path, "ls-remote", f"{hub.url}/alice/open.git")
    assert git(tmp_path, "ls-remote", hub.git_url("alice/sample", hub.bot_token())).returncode == 0


def test_protected_branches_refuse_before_the_ref_moves(hub: Any, tmp_path: Path) -> None:
    wanted = {
        "required_status_checks": {"strict": False, "contexts": ["tests"]},
        "enforce_admins": True,
        "required_pull_request_reviews": None,
        "restrictions": None,
    }
    with hub.client("alice") as alice:
        assert alice.put(f"{SAMPLE}/branches/main/protection", json=wanted).status_code == 200
        before = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        work = clone(hub, tmp_path)
        sha = commit(work, "c.txt", "c\n")
        refused = git(work, "push", "origin", "main", check=False)
        assert "GH006" in refused.stderr
        assert 'Required status check "tests" is expected.' in refused.stderr
        assert alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"] == before
        git(work, "push", "-q", "origin", "main:candidate")
        refused = alice.patch(f"{SAMPLE}/git/refs/heads/main", json={"sha": sha})
        assert refused.status_code == 422
        assert "Required status check" in refused.json()["message"]
        assert git(work, "push", "origin", ":main", check=False).returncode == 1
        assert git(work, "push", "origin", "main:refs/pull/1/head", check=False).returncode == 1
        assert alice.delete(f"{SAMPLE}/branches/main/protection").status_code == 204
        git(work, "push", "-q", "origin", "main")


def test_sixteen_pushers_at_once_lose_nothing(hub: Any, tmp_path: Path) -> None:
    """Four to a branch, so that they race for it and git's own retry is needed."""
    alice = hub.client("alice")
    start = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
    for lane in range(4):
        alice.post(f"{SAMPLE}/git/refs", json={"ref": f"refs/heads/lane{lane}", "sha": start})

    def work(number: int) -> None:
        lane = f"lane{number % 4}"
        mine = clone(hub, tmp_path, f"clone{number}")
        git(mine, "checkout", "-q", lane)
        commit(mine, f"file{number}.txt", f"{number}\n")
        for _ in range(40):
            if git(mine, "push", "-q", "origin", lane, check=False).returncode == 0:
                return
            git(mine, "pull", "-q", "--rebase", "origin", lane)
        raise AssertionError("never got through")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, range(16)))
    for lane in range(4):
        names = {each["path"] for each in alice.get(f"{SAMPLE}/git/trees/lane{lane}").json()["tree"]}
        assert {f"file{number}.txt" for number in range(lane, 16, 4)} <= names
    hub.settle()
    told = [each["id"] for push in pushes(hub) for each in push["commits"]]
    assert len(told) == len(set(told)) == 16


def test_git_objects_over_rest(hub: Any, validate: Any) -> None:
    with hub.bot() as bot:
        head = validate(bot.get(f"{SAMPLE}/git/ref/heads/main"), "GitRef")["object"]["sha"]
        parent = validate(bot.get(f"{SAMPLE}/git/commits/{head}"), "GitCommit")
        blob = bot.post(f"{SAMPLE}/git/blobs", json={"content": "aGk=", "encoding": "base64"}).json()
        validate(bot.get(f"{SAMPLE}/git/blobs/{blob['sha']}"), "Blob")
        rows = [
            {"path": "d/hi", "mode": "100644", "type": "blob", "sha": blob["sha"]},
            {"path": "run.sh", "mode": "100755", "type": "blob", "content": "exit 0\n"},
            {"path": "README.md", "mode": "100644", "type": "blob", "sha": None},
        ]
        made = bot.post(f"{SAMPLE}/git/trees", json={"base_tree": parent["tree"]["sha"], "tree": rows})
        tree = validate(made, "GitTree")
        assert {(row["path"], row["mode"]) for row in tree["tree"]} == {("d", "040000"), ("run.sh", "100755")}
        new = {"message": "By hand", "tree": tree["sha"], "parents": [head]}
        sha = validate(bot.post(f"{SAMPLE}/git/commits", json=new), "GitCommit")["sha"]
        made = bot.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/hand", "sha": sha})
        assert made.status_code == 201
        assert hub.hooks.wait("create")["ref"] == "hand"
        assert validate(hub.hooks.wait("push"), "WebhookPush")["sender"]["type"] == "Bot"
        assert bot.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/hand", "sha": sha}).status_code == 422
        assert bot.patch(f"{SAMPLE}/git/refs/heads/hand", json={"sha": head}).status_code == 422
        assert (
            bot.patch(f"{SAMPLE}/git/refs/heads/hand", json={"sha": head, "force": True}).json()["object"]["sha"]
            == head
        )
        assert bot.patch(f"{SAMPLE}/git/refs/heads/hand", json={"sha": sha}).status_code == 200
        tag = {"tag": "v1", "message": "One", "object": sha, "type": "commit"}
        made = validate(bot.post(f"{SAMPLE}/git/tags", json=tag), "GitTag")
        bot.post(f"{SAMPLE}/git/refs", json={"ref": "refs/tags/v1", "sha": made["sha"]})
        validate(bot.get(f"{SAMPLE}/git/matching-refs/"), "list[GitRef]")
        whole = validate(bot.get(f"{SAMPLE}/commits/v1"), "Commit")
        assert whole["stats"]["total"] == 3
        validate(bot.get(f"{SAMPLE}/commits"), "list[Commit]")
        compared = validate(bot.get(f"{SAMPLE}/compare/main...hand"), "CommitComparison")
        assert (compared["status"], compared["ahead_by"], len(compared["files"])) == ("ahead", 1, 3)
        validate(bot.get(f"{SAMPLE}/branches/hand"), "BranchWithProtection")
        validate(bot.get(f"{SAMPLE}/branches"), "list[ShortBranch]")
        assert bot.delete(f"{SAMPLE}/git/refs/heads/hand").status_code == 204
        assert bot.get(f"{SAMPLE}/git/ref/heads/hand").status_code == 404


def test_contents(hub: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        readme = validate(alice.get(f"{SAMPLE}/contents/README.md"), "ContentFile")
        assert base64.b64decode(readme["content"]).startswith(b"#")
        raw = alice.get(f"{SAMPLE}/contents/README.md", headers={"Accept": "application/vnd.github.raw+json"})
        assert raw.content == base64.b64decode(readme["content"])
        body = {"message": "Add", "content": base64.b64encode(b"hello\n").decode(), "branch": "main"}
        made = alice.put(f"{SAMPLE}/contents/dir/new file.txt", json=body)
        assert made.status_code == 201
        file = validate(made, "FileCommit")["content"]
        assert alice.put(f"{SAMPLE}/contents/dir/new file.txt", json=body).status_code == 422
        assert alice.put(f"{SAMPLE}/contents/dir/new file.txt", json={**body, "sha": "0" * 40}).status_code == 409
        assert alice.put(f"{SAMPLE}/contents/dir/new file.txt", json={**body, "sha": file["sha"]}).status_code == 200
        listing = alice.get(f"{SAMPLE}/contents/dir").json()
        assert [(each["name"], each["type"]) for each in listing] == [("new file.txt", "file")]
        gone = alice.request(
            "DELETE", f"{SAMPLE}/contents/dir/new file.txt", json={"message": "Away", "sha": file["sha"]}
        )
        assert gone.status_code == 200
        assert alice.get(f"{SAMPLE}/contents/dir").status_code == 404
        assert alice.get(f"{SAMPLE}/contents/README.md?ref=nope").status_code == 404
        workflow = bot.put(f"{SAMPLE}/contents/.github/workflows/x.yml", json={"message": "w", "content": ""})
        assert workflow.status_code == 403


def test_of_two_writers_of_one_file_one_wins(hub: Any) -> None:
    """Both name the blob that they have seen; the later one is told that it is stale."""
    seen = hub.client("alice").get(f"{SAMPLE}/contents/README.md").json()["sha"]
    clients = [hub.client("alice") for _ in range(6)]

    def write(number: int) -> int:
        content = base64.b64encode(f"by {number}".encode()).decode()
        body = {"message": f"By {number}", "content": content, "sha": seen}
        return int(clients[number].put(f"{SAMPLE}/contents/README.md", json=body).status_code)

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(write, range(6))) == [200, 409, 409, 409, 409, 409]
    assert len(hub.client("alice").get(f"{SAMPLE}/commits").json()) == 2


def test_paths_that_are_none(hub: Any) -> None:
    """git would pass over them, and a commit would lack a file without a word."""
    alice = hub.client("alice")
    slash, malformed = "cannot start with a slash", "contains a malformed path component"
    for path, words in (
        ("/x", slash), ("a/../x", malformed), (".git/x", malformed), ("a//b", malformed), ("a/", malformed),
        ("./a", malformed), ("a/.GIT/x", malformed), ("", malformed),
    ):  # fmt: skip
        row = {"path": path, "mode": "100644", "type": "blob", "content": "x"}
        refused = alice.post(f"{SAMPLE}/git/trees", json={"tree": [row]})
        assert (refused.status_code, refused.json()["message"]) == (422, f"tree.path {words}"), path
    for path in ("a/%2e%2e/x", "a//b", ".git/config", "a/.git/b", "/x"):
        refused = alice.put(f"{SAMPLE}/contents/{path}", json={"message": "m", "content": "eA=="})
        told = refused.json()
        assert (refused.status_code, told["errors"]) == (
            422,
            [{"resource": "Commit", "field": "path", "code": "invalid"}],
        )
    assert alice.get(f"{SAMPLE}/commits").json()[1:] == []


def test_objects_and_refs_of_an_empty_repository(hub: Any) -> None:
    alice, repo, sha = hub.client("alice"), "/repos/alice/other", "0" * 40
    for method, path, body in (
        ("POST", "blobs", {"content": "x"}), ("POST", "trees", {"tree": []}), ("POST", "commits", {"message": "m", "tree": sha}),
        ("POST", "refs", {"ref": "refs/heads/x", "sha": sha}), ("GET", "ref/heads/main", None), ("GET", "trees/main", None),
        ("GET", "matching-refs/heads", None), ("DELETE", "refs/heads/x", None),
    ):  # fmt: skip
        answer = alice.request(method, f"{repo}/git/{path}", json=body)
        assert (answer.status_code, answer.json()["message"]) == (409, "Git Repository is empty."), path
    assert (
        alice.put(f"{repo}/contents/x", json={"message": "m", "content": "eA==", "branch": "trunk"}).status_code == 201
    )
    assert alice.post(f"{repo}/git/blobs", json={"content": "x"}).status_code == 201


def test_a_blob_as_it_is(hub: Any) -> None:
    alice = hub.client("alice")
    made = alice.post(f"{SAMPLE}/git/blobs", json={"content": "/wA=", "encoding": "base64"}).json()
    raw = alice.get(f"{SAMPLE}/git/blobs/{made['sha']}", headers={"Accept": "application/vnd.github.raw+json"})
    assert (raw.content, raw.headers["Content-Type"]) == (b"\xff\0", "application/vnd.github.raw; charset=utf-8")
