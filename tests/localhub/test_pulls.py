"""Pull requests: their life, edits, pushes to them and merging, all over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localhub.repository import SAMPLE, head_of, propose, put


def test_a_draft_becomes_ready_and_is_merged(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        pull = propose(bot, "topic", draft=True, body="Because.")
        validate(pull, "PullRequest")
        assert (pull["draft"], pull["mergeable"], pull["mergeable_state"]) == (True, None, "unknown")
        assert (pull["commits"], pull["additions"], pull["changed_files"]) == (1, 3, 1)
        opened = validate_hook(hub.hooks.delivery("pull_request", "opened"))
        assert opened["pull_request"]["user"]["login"] == pull["user"]["login"]
        hub.settle()
        url = f"{SAMPLE}/pulls/{pull['number']}"
        now = alice.get(url).json()
        assert (now["mergeable"], now["mergeable_state"]) == (True, "draft")
        tried = alice.get(f"{SAMPLE}/commits/pull/{pull['number']}/merge").json()
        assert [each["sha"] for each in tried["parents"]] == [pull["base"]["sha"], pull["head"]["sha"]]
        assert alice.put(f"{url}/merge").status_code == 405
        ready(hub, pull["number"])
        validate_hook(hub.hooks.delivery("pull_request", "ready_for_review"))
        assert [
            each["number"]
            for each in validate(alice.get(f"{SAMPLE}/pulls?head=alice:topic"), "list[PullRequestSimple]")
        ] == [pull["number"]]
        assert alice.get(f"{SAMPLE}/pulls?head=alice:other").json() == []
        files = validate(alice.get(f"{url}/files"), "list[DiffEntry]")
        assert (files[0]["filename"], files[0]["patch"]) == ("topic.txt", "@@ -0,0 +1,3 @@\n+one\n+two\n+three")
        assert len(validate(alice.get(f"{url}/commits"), "list[Commit]")) == 1
        assert alice.get(url, headers={"Accept": "application/vnd.github.diff"}).text.startswith(
            "diff --git a/topic.txt"
        )
        assert alice.get(url, headers={"Accept": "application/vnd.github.patch"}).text.startswith("From ")
        raw = alice.get(f"{hub.url}/alice/sample/raw/topic/topic.txt")
        assert raw.text == "one\ntwo\nthree\n"
        assert alice.get(pull["diff_url"]).text.startswith("diff --git a/topic.txt")
        assert alice.get(pull["patch_url"]).text.startswith("From ")
        assert alice.put(f"{url}/merge", json={"sha": "0" * 40}).status_code == 409
        done = validate(alice.put(f"{url}/merge", json={"sha": pull["head"]["sha"]}), "PullRequestMergeResult")
        assert head_of(alice, "main") == done["sha"]
        closed = validate_hook(hub.hooks.delivery("pull_request", "closed"))
        assert (closed["pull_request"]["merged"], closed["pull_request"]["merge_commit_sha"]) == (True, done["sha"])
        assert alice.get(f"{url}/merge").status_code == 204
        assert alice.put(f"{url}/merge").status_code == 405
        merge = validate(alice.get(f"{SAMPLE}/commits/{done['sha']}"), "Commit")
        assert merge["commit"]["message"] == "Merge pull request #1 from alice/topic\n\nBring topic"
        hub.settle()
        assert hub.hooks.find("push")[-1].payload["ref"] == "refs/heads/main"


def ready(hub: Any, number: int) -> None:
    from localhub import pulls
    from localhub.auth import Actor

    repo = hub.hub.access.repo_row("alice", "sample")
    pulls.set_draft(
        hub.hub, repo, pulls.find(hub.hub, repo, number), Actor("user", repo["owner_id"], "alice"), draft=False
    )


@pytest.mark.parametrize(("method", "parents"), [("squash", 1), ("rebase", 1), ("merge", 2)])
def test_ways_to_merge(hub: Any, method: str, parents: int) -> None:
    with hub.client("alice") as alice:
        pull = propose(alice, "topic")
        put(alice, "more.txt", "more\n", "topic")
        put(alice, "other.txt", "other\n")
        done = alice.put(f"{SAMPLE}/pulls/{pull['number']}/merge", json={"merge_method": method})
        assert done.status_code == 200, done.text
        commit = alice.get(f"{SAMPLE}/commits/{done.json()['sha']}").json()
        assert len(commit["parents"]) == parents
        names = {each["name"] for each in alice.get(f"{SAMPLE}/contents").json()}
        assert {"topic.txt", "more.txt", "other.txt"} <= names
        if method == "squash":
            assert commit["commit"]["message"].startswith("Bring topic (#1)\n\n* Write topic.txt")
        assert alice.get(f"{SAMPLE}/pulls/{pull['number']}").json()["merged"] is True
        assert len(alice.get(f"{SAMPLE}/pulls/{pull['number']}/commits").json()) == 2


def test_conflicts_are_dirty_and_stay_out(hub: Any) -> None:
    with hub.client("alice") as alice:
        pull = propose(alice, "topic")
        put(alice, "topic.txt", "quite another\n")
        url = f"{SAMPLE}/pulls/{pull['number']}"
        hub.settle()
        assert alice.get(url).json()["mergeable"] in (None, False)
        hub.settle()
        now = alice.get(url).json()
        assert (now["mergeable"], now["mergeable_state"]) == (False, "dirty")
        assert alice.put(f"{url}/merge").status_code == 405
        assert alice.put(f"{url}/update-branch").status_code == 422


def test_a_train_pushed_to_the_base_marks_its_pull_requests_merged(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        one, two = propose(bot, "one"), propose(bot, "two")
        first = bot.post(f"{SAMPLE}/merges", json={"base": "main", "head": "one"}).json()["sha"]
        assert bot.get(f"{SAMPLE}/pulls/{one['number']}").json()["merged"] is True
        bot.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/train", "sha": first})
        second = bot.post(f"{SAMPLE}/merges", json={"base": "train", "head": "two"}).json()["sha"]
        assert bot.get(f"{SAMPLE}/pulls/{two['number']}").json()["merged"] is False
        assert bot.patch(f"{SAMPLE}/git/refs/heads/main", json={"sha": second}).status_code == 200
        now = alice.get(f"{SAMPLE}/pulls/{two['number']}").json()
        assert (now["merged"], now["state"], now["merge_commit_sha"]) == (True, "closed", second)
        assert now["merged_by"]["type"] == "Bot"


def test_pushes_to_the_head(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice:
        pull = propose(alice, "topic")
        url = f"{SAMPLE}/pulls/{pull['number']}"
        sha = put(alice, "more.txt", "x\n", "topic")
        told = validate_hook(hub.hooks.delivery("pull_request", "synchronize"))
        assert (told["before"], told["after"]) == (pull["head"]["sha"], sha)
        assert head_of(alice, "topic") == alice.get(url).json()["head"]["sha"] == sha
        assert alice.get(f"{SAMPLE}/git/ref/pull/1/head").json()["object"]["sha"] == sha
        put(alice, "base.txt", "y\n")
        assert validate(
            alice.put(f"{url}/update-branch", json={"expected_head_sha": sha}),
            "ReposOwnerRepoPullsPullNumberUpdateBranchPutResponse202",
        )
        assert alice.put(f"{url}/update-branch", json={"expected_head_sha": sha}).status_code == 422
        assert alice.delete(f"{SAMPLE}/git/refs/heads/topic").status_code == 204
        assert alice.get(url).json()["state"] == "closed"
        assert alice.patch(url, json={"state": "open"}).status_code == 422


def test_edits_and_refusals(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("mallory") as mallory, hub.client("carol") as carol:
        pull = propose(alice, "topic")
        url = f"{SAMPLE}/pulls/{pull['number']}"
        again = {"title": "Again", "head": "topic", "base": "main"}
        assert "already exists" in alice.post(f"{SAMPLE}/pulls", json=again).json()["errors"][0]["message"]
        assert alice.post(f"{SAMPLE}/pulls", json={**again, "base": "nope"}).json()["errors"][0]["field"] == "base"
        assert (
            "No commits between"
            in alice.post(f"{SAMPLE}/pulls", json={**again, "head": "main"}).json()["errors"][0]["message"]
        )
        assert mallory.get(url).status_code == 404
        assert carol.patch(url, json={"title": "Mine"}).status_code == 403
        assert carol.put(f"{url}/merge").status_code == 403
        assert alice.patch(url, json={"title": "New", "body": "b"}).json()["title"] == "New"
        edited = validate_hook(hub.hooks.delivery("pull_request", "edited"))
        assert edited["changes"]["title"]["from"] == "Bring topic"
        alice.post(f"{SAMPLE}/issues/{pull['number']}/labels", json={"labels": ["bug"]})
        validate_hook(hub.hooks.delivery("pull_request", "labeled"))
        assert [each["name"] for each in validate(alice.get(url), "PullRequest")["labels"]] == ["bug"]
        issue = validate(alice.get(f"{SAMPLE}/issues/{pull['number']}"), "Issue")
        assert issue["node_id"] == pull["node_id"]
        closed = alice.patch(f"{SAMPLE}/issues/{pull['number']}", json={"state": "closed"}).json()
        assert (closed["state"], alice.get(url).json()["state"]) == ("closed", "closed")
        assert alice.patch(url, json={"state": "open"}).json()["state"] == "open"
        assert alice.patch(url, json={"state": "closed"}).json()["state"] == "closed"
        validate_hook(hub.hooks.delivery("pull_request", "closed"))
        assert validate(alice.patch(url, json={"state": "open"}), "PullRequest")["state"] == "open"
        validate_hook(hub.hooks.delivery("pull_request", "reopened"))


def test_what_a_killed_server_had_moved_is_told_after_the_start(hub: Any) -> None:
    from localhub import refs
    from localhub.auth import Actor
    from localhub.gitcore import RefChange

    with hub.client("alice") as alice:
        pull = propose(alice, "topic")
        repo = hub.hub.access.repo_row("alice", "sample")
        change = RefChange("refs/heads/main", head_of(alice, "main"), pull["head"]["sha"])
        refs.promise(hub.hub, repo, [change], Actor("user", repo["owner_id"], "alice"))
        refs.git_of(hub.hub, repo).update_refs([change])  # and here the process dies
        refs.recover(hub.hub)  # as the next one does at its start
        assert alice.get(f"{SAMPLE}/pulls/{pull['number']}").json()["merged"] is True
        hub.settle()
        assert hub.hooks.find("push")[-1].payload["after"] == pull["head"]["sha"]
        assert hub.hub.db.value("SELECT COUNT(*) FROM ref_promises") == 0
