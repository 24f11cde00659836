"""Forks, pull requests that come from them, and merges that reach other repositories."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.localhub.repository import branch, put

OPEN = "/repos/alice/open"
FORK = "/repos/mallory/open"


@pytest.fixture
def forked(hub: Any) -> dict[str, Any]:
    """mallory's fork of alice/open, with a branch that has a commit of its own; the app hears of alice/open."""
    alice, mallory = hub.client("alice"), hub.client("mallory")
    put(alice, "a.txt", "one\n", "main", OPEN)
    hub.admin(f"/installations/{hub.installation_id}", {"action": "repositories", "add": ["alice/open"]})
    made = mallory.post(f"{OPEN}/forks")
    assert made.status_code == 202, made.text
    branch(mallory, "topic", FORK)
    put(mallory, "b.txt", "two\n", "topic", FORK)
    hub.settle()
    found: dict[str, Any] = made.json()
    return found


def propose(client: httpx.Client, **more: Any) -> dict[str, Any]:
    body = {"title": "From afar", "head": "mallory:topic", "base": "main", **more}
    made = client.post(f"{OPEN}/pulls", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def test_a_fork(hub: Any, forked: Any, validate: Any, validate_hook: Any) -> None:
    validate(forked, "FullRepository")
    assert (forked["full_name"], forked["fork"]) == ("mallory/open", True)
    assert forked["parent"]["full_name"] == forked["source"]["full_name"] == "alice/open"
    told = validate_hook(hub.hooks.delivery("fork"))
    assert told["forkee"]["full_name"] == "mallory/open"
    with hub.client("alice") as alice, hub.client("mallory") as mallory:
        assert mallory.post(f"{OPEN}/forks").json()["id"] == forked["id"]
        assert [one["full_name"] for one in validate(alice.get(f"{OPEN}/forks"), "list[MinimalRepository]")] == [
            "mallory/open"
        ]
        assert alice.get(OPEN).json()["forks_count"] == 1
        assert alice.post(f"{OPEN}/forks").status_code == 422
        assert mallory.post("/repos/alice/sample/forks").status_code == 404
        assert mallory.get(f"{FORK}/contents/a.txt").status_code == 200
        named = hub.client("bob").post(f"{OPEN}/forks", json={"organization": "acme", "name": "copy"})
        assert (named.status_code, named.json()["full_name"]) == (202, "acme/copy")
        only = hub.client("carol").post(f"{FORK}/forks", json={"default_branch_only": True}).json()
        assert (only["parent"]["full_name"], only["source"]["full_name"]) == ("mallory/open", "alice/open")
        assert [one["name"] for one in hub.client("carol").get("/repos/carol/open/branches").json()] == ["main"]


def test_one_account_has_one_fork_however_often_it_asks(hub: Any, forked: Any) -> None:
    clients = [hub.client("bob") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda client: client.post(f"{OPEN}/forks"), clients))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_pull_request_from_a_fork_is_merged(hub: Any, forked: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("mallory") as mallory:
        pull = validate(propose(mallory, body="Please"), "PullRequest")
        assert (pull["head"]["label"], pull["head"]["repo"]["full_name"]) == ("mallory:topic", "mallory/open")
        assert (pull["base"]["label"], pull["maintainer_can_modify"]) == ("alice:main", True)
        opened = validate_hook(hub.hooks.delivery("pull_request", "opened"))
        assert opened["pull_request"]["head"]["repo"]["fork"] is True
        assert (
            mallory.post(f"{OPEN}/pulls", json={"title": "x", "head": "mallory:topic", "base": "main"}).status_code
            == 422
        )
        assert (
            mallory.post(f"{OPEN}/pulls", json={"title": "x", "head": "nobody:topic", "base": "main"}).status_code
            == 422
        )
        url = f"{OPEN}/pulls/{pull['number']}"
        assert [one["filename"] for one in alice.get(f"{url}/files").json()] == ["b.txt"]
        listed = alice.get(f"{OPEN}/pulls", params={"head": "mallory:topic"}).json()
        assert [one["number"] for one in validate(listed, "list[PullRequestSimple]")] == [pull["number"]]
        assert alice.get(f"{OPEN}/pulls", params={"head": "alice:topic"}).json() == []
        sha = put(mallory, "c.txt", "three\n", "topic", FORK)
        synced = validate_hook(hub.hooks.delivery("pull_request", "synchronize"))
        assert (synced["after"], synced["repository"]["full_name"]) == (sha, "alice/open")
        assert alice.get(f"{OPEN}/git/ref/pull/{pull['number']}/head").json()["object"]["sha"] == sha
        comment = {"path": "c.txt", "line": 1, "body": "Why?", "commit_id": sha}
        validate(alice.post(f"{url}/comments", json=comment), "PullRequestReviewComment", 201)
        assert mallory.put(f"{url}/merge").status_code == 403
        hub.settle()
        assert alice.get(url).json()["mergeable"] is True
        assert alice.patch(OPEN, json={"delete_branch_on_merge": True}).is_success
        assert alice.put(f"{url}/merge", json={"sha": sha}).status_code == 200
        message = alice.get(f"{OPEN}/commits/main").json()["commit"]["message"]
        assert message.startswith(f"Merge pull request #{pull['number']} from mallory/topic")
        assert alice.get(f"{OPEN}/contents/c.txt").status_code == 200
        assert mallory.get(f"{FORK}/git/ref/heads/topic").status_code == 200, "a fork's branch is its owner's"


def test_it_is_closed_and_opened_again(hub: Any, forked: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.client("mallory") as mallory:
        pull = propose(mallory)
        url = f"{OPEN}/pulls/{pull['number']}"
        assert mallory.patch(url, json={"state": "closed"}).json()["state"] == "closed"
        sha = put(mallory, "c.txt", "three\n", "topic", FORK)
        again = mallory.patch(url, json={"state": "open"}).json()
        assert (again["state"], again["head"]["sha"]) == ("open", sha)
        assert mallory.delete(f"{FORK}/git/refs/heads/topic").status_code == 204
        assert alice.get(url).json()["state"] == "closed"
        assert mallory.patch(url, json={"state": "open"}).status_code == 422
        branch(mallory, "other", FORK)
        put(mallory, "d.txt", "four\n", "other", FORK)
        second = propose(mallory, head="mallory:other")
        assert mallory.delete(FORK).status_code == 204
        left = validate(alice.get(f"{OPEN}/pulls/{second['number']}"), "PullRequest")
        assert (left["state"], left["head"]["repo"], left["head"]["label"]) == ("closed", None, "mallory:other")


def test_maintainers_may_write_what_is_proposed(hub: Any, forked: Any, tmp_path: Path) -> None:
    with hub.client("alice") as alice, hub.client("mallory") as mallory:
        pull = propose(mallory)
        put(alice, "base.txt", "x\n", "main", OPEN)
        url = f"{OPEN}/pulls/{pull['number']}"
        assert hub.client("bob").put(f"{url}/update-branch").status_code == 403
        assert alice.put(f"{url}/update-branch").status_code == 202
        head = mallory.get(f"{FORK}/git/ref/heads/topic").json()["object"]["sha"]
        assert alice.get(url).json()["head"]["sha"] == head != pull["head"]["sha"]
        clone = tmp_path / "clone"
        where = hub.git_url("mallory/open", hub.pat("alice"))
        subprocess.run(["git", "clone", "-q", where, clone], check=True, capture_output=True)
        commands = ["git checkout -q topic", "git -c user.name=a -c user.email=a@x commit -q --allow-empty -m Mine"]
        for command in commands:
            subprocess.run(command.split(), cwd=clone, check=True, capture_output=True)

        def push(to: str) -> subprocess.CompletedProcess[str]:
            return subprocess.run(
                ["git", "push", "-q", "origin", f"HEAD:{to}"], cwd=clone, capture_output=True, text=True, check=False
            )

        assert push("main").returncode != 0
        done = push("topic")
        assert done.returncode == 0, done.stderr
        assert alice.get(url).json()["commits"] == 3
        assert mallory.patch(url, json={"maintainer_can_modify": False}).json()["maintainer_can_modify"] is False
        assert alice.put(f"{url}/update-branch").status_code in (403, 422)


def test_compare_and_graphql(hub: Any, forked: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.client("mallory") as mallory:
        for span in ("main...mallory:topic", "main...mallory:open:topic", "alice:main...mallory:topic"):
            found = validate(alice.get(f"{OPEN}/compare/{span}"), "CommitComparison")
            assert (found["ahead_by"], [one["filename"] for one in found["files"]]) == (1, ["b.txt"])
        assert alice.get(f"{OPEN}/compare/main...nobody:topic").status_code == 404
        ids = {"base": alice.get(OPEN).json()["node_id"], "fork": forked["node_id"]}
        create = """mutation($base: ID!, $fork: ID) { createPullRequest(input: {repositoryId: $base, headRepositoryId: $fork,
          headRefName: "topic", baseRefName: "main", title: "T", maintainerCanModify: false}) { pullRequest {
          isCrossRepository maintainerCanModify headRepository { nameWithOwner isFork parent { nameWithOwner } }
          headRepositoryOwner { login } headRef { name } baseRepository { forkCount } } } }"""
        answer = mallory.post("/graphql", json={"query": create, "variables": ids}).json()
        assert answer["data"]["createPullRequest"]["pullRequest"] == {
            "isCrossRepository": True, "maintainerCanModify": False,
            "headRepository": {"nameWithOwner": "mallory/open", "isFork": True, "parent": {"nameWithOwner": "alice/open"}},
            "headRepositoryOwner": {"login": "mallory"}, "headRef": {"name": "topic"}, "baseRepository": {"forkCount": 1},
        }  # fmt: skip


def test_a_merge_closes_issues_elsewhere_if_one_may_write_there(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        wanted = [alice.post("/repos/alice/other/issues", json={"title": title}).json()["number"] for title in "ab"]
        for number, (who, name) in zip(wanted, ((bob, "one"), (alice, "two")), strict=True):
            branch(alice, name, "/repos/alice/sample")
            put(alice, f"{name}.txt", "x\n", name, "/repos/alice/sample")
            body = {"title": name, "head": name, "base": "main", "body": f"Closes alice/other#{number}"}
            pull = alice.post("/repos/alice/sample/pulls", json=body).json()
            hub.settle()
            assert who.put(f"/repos/alice/sample/pulls/{pull['number']}/merge").status_code == 200
        states = [alice.get(f"/repos/alice/other/issues/{number}").json()["state"] for number in wanted]
        assert states == ["open", "closed"], "bob sees nothing of alice/other"
