"""Pull requests: their life, merging, reviews and threads, all over HTTP."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

SAMPLE = "/repos/alice/sample"


def head_of(client: httpx.Client, branch: str) -> str:
    return str(client.get(f"{SAMPLE}/git/ref/heads/{branch}").json()["object"]["sha"])


def put(client: httpx.Client, branch: str, path: str, text: str) -> str:
    """Commit a file to a branch (made from main when new); the commit's SHA."""
    if client.get(f"{SAMPLE}/git/ref/heads/{branch}").status_code == 404:
        made = client.post(f"{SAMPLE}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": head_of(client, "main")})
        assert made.status_code == 201
    body = {"message": f"Write {path}", "content": base64.b64encode(text.encode()).decode(), "branch": branch}
    old = client.get(f"{SAMPLE}/contents/{path}", params={"ref": branch})
    if old.status_code == 200:
        body["sha"] = old.json()["sha"]
    done = client.put(f"{SAMPLE}/contents/{path}", json=body)
    assert done.status_code in (200, 201), done.text
    return str(done.json()["commit"]["sha"])


def propose(client: httpx.Client, branch: str, text: str = "one\ntwo\nthree\n", **more: Any) -> dict[str, Any]:
    put(client, branch, f"{branch}.txt", text)
    made = client.post(f"{SAMPLE}/pulls", json={"title": f"Bring {branch}", "head": branch, "base": "main", **more})
    assert made.status_code == 201, made.text
    return dict(made.json())


def protect(client: httpx.Client, **wanted: Any) -> None:
    body = {
        "required_status_checks": None,
        "enforce_admins": True,
        "required_pull_request_reviews": None,
        "restrictions": None,
    }
    done = client.put(f"{SAMPLE}/branches/main/protection", json=body | wanted)
    assert done.status_code == 200, done.text


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
        put(alice, "topic", "more.txt", "more\n")
        put(alice, "main", "other.txt", "other\n")
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
        put(alice, "main", "topic.txt", "quite another\n")
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
        sha = put(alice, "topic", "more.txt", "x\n")
        told = validate_hook(hub.hooks.delivery("pull_request", "synchronize"))
        assert (told["before"], told["after"]) == (pull["head"]["sha"], sha)
        assert head_of(alice, "topic") == alice.get(url).json()["head"]["sha"] == sha
        assert alice.get(f"{SAMPLE}/git/ref/pull/1/head").json()["object"]["sha"] == sha
        put(alice, "main", "base.txt", "y\n")
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


def test_reviews_and_required_approvals(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob, hub.bot() as bot:
        protect(
            alice, required_pull_request_reviews={"required_approving_review_count": 1, "dismiss_stale_reviews": True}
        )
        pull = propose(bot, "topic")
        url = f"{SAMPLE}/pulls/{pull['number']}"
        asked = validate(alice.post(f"{url}/requested_reviewers", json={"reviewers": ["bob"]}), "PullRequestSimple")
        assert [each["login"] for each in asked["requested_reviewers"]] == ["bob"]
        validate_hook(hub.hooks.delivery("pull_request", "review_requested"))
        validate(alice.get(f"{url}/requested_reviewers"), "PullRequestReviewRequest")
        hub.settle()
        assert bob.get(url).json()["mergeable_state"] == "blocked"
        refused = bob.put(f"{url}/merge")
        assert (refused.status_code, "approving review" in refused.json()["message"]) == (405, True)
        assert bot.post(f"{url}/reviews", json={"event": "APPROVE"}).status_code == 422
        no = validate(bob.post(f"{url}/reviews", json={"event": "REQUEST_CHANGES", "body": "No"}), "PullRequestReview")
        told = validate_hook(hub.hooks.delivery("pull_request_review", "submitted"))
        assert told["review"]["state"] == "changes_requested"
        assert bob.get(url).json()["requested_reviewers"] == []
        alice.put(f"{url}/reviews/{no['id']}/dismissals", json={"message": "done"})
        validate_hook(hub.hooks.delivery("pull_request_review", "dismissed"))
        assert bob.post(f"{url}/reviews", json={"event": "APPROVE"}).json()["state"] == "APPROVED"
        assert bob.get(url).json()["mergeable_state"] == "clean"
        put(bot, "topic", "later.txt", "later\n")
        assert [each["state"] for each in validate(bob.get(f"{url}/reviews"), "list[PullRequestReview]")] == [
            "DISMISSED",
            "DISMISSED",
        ]
        assert bob.put(f"{url}/merge").status_code == 405
        bob.post(f"{url}/reviews", json={"event": "APPROVE"})
        assert bob.put(f"{url}/merge").status_code == 200


def settle_thread(hub: Any, number: int, validate_hook: Any) -> dict[str, Any]:
    """Resolve the first thread and reopen it, as GraphQL does; what the first webhook said."""
    from localhub import pulls, reviewthreads
    from localhub.auth import Actor

    repo = hub.hub.access.repo_row("alice", "sample")
    thread = reviewthreads.threads(hub.hub, pulls.find(hub.hub, repo, number)["id"])[0]
    actor = Actor("user", repo["owner_id"], "alice")
    thread = reviewthreads.resolve(hub.hub, repo, thread, actor, resolved=True)
    reviewthreads.resolve(hub.hub, repo, thread, actor, resolved=False)
    validate_hook(hub.hooks.delivery("pull_request_review_thread", "unresolved"))
    return dict(validate_hook(hub.hooks.delivery("pull_request_review_thread", "resolved")))


def test_comments_threads_and_pending_reviews(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        pull = propose(alice, "topic")
        url, head = f"{SAMPLE}/pulls/{pull['number']}", pull["head"]["sha"]
        place = {"commit_id": head, "path": "topic.txt", "line": 2, "side": "RIGHT"}
        made = validate(bob.post(f"{url}/comments", json={**place, "body": "Why?"}), "PullRequestReviewComment")
        assert (made["position"], made["diff_hunk"]) == (2, "@@ -0,0 +1,3 @@\n+one\n+two")
        told = validate_hook(hub.hooks.delivery("pull_request_review_comment", "created"))
        assert told["comment"]["body"] == "Why?"
        assert bob.post(f"{url}/comments", json={**place, "line": 9, "body": "No"}).status_code == 422
        reply = alice.post(f"{url}/comments/{made['id']}/replies", json={"body": "Because."})
        assert validate(reply, "PullRequestReviewComment")["in_reply_to_id"] == made["id"]
        pending = {"comments": [{"path": "topic.txt", "position": 1, "body": "First"}]}
        review = validate(bob.post(f"{url}/reviews", json=pending), "PullRequestReview")
        assert review["state"] == "PENDING"
        assert len(alice.get(f"{url}/reviews").json()) == 2
        assert len(validate(alice.get(f"{url}/comments"), "list[PullRequestReviewComment]")) == 2
        done = bob.post(f"{url}/reviews/{review['id']}/events", json={"event": "COMMENT", "body": "So"})
        assert done.json()["state"] == "COMMENTED"
        validate(bob.get(f"{url}/reviews/{review['id']}/comments"), "list[ReviewComment]")
        assert len(alice.get(f"{url}/comments").json()) == 3
        told = settle_thread(hub, pull["number"], validate_hook)
        assert [each["id"] for each in told["thread"]["comments"]] == [made["id"], reply.json()["id"]]
        edited = bob.patch(f"{SAMPLE}/pulls/comments/{made['id']}", json={"body": "Why on earth?"})
        assert edited.json()["body"] == "Why on earth?"
        validate_hook(hub.hooks.delivery("pull_request_review_comment", "edited"))
        put(alice, "topic", "topic.txt", "zero\none\nTWO\nthree\n")
        lines = [each["line"] for each in alice.get(f"{url}/comments").json()]
        assert lines == [None, None, 2]
        assert bob.delete(f"{SAMPLE}/pulls/comments/{made['id']}").status_code == 204
        validate_hook(hub.hooks.delivery("pull_request_review_comment", "deleted"))


def test_auto_merge_waits_for_the_required_check(hub: Any, validate_hook: Any) -> None:
    from localhub import automerge, pulls
    from localhub.auth import Actor

    with hub.client("alice") as alice, hub.bot() as bot:
        assert alice.patch(SAMPLE, json={"allow_auto_merge": True}).status_code == 200
        protect(alice, required_status_checks={"strict": True, "contexts": ["tests"]})
        pull = propose(bot, "topic", body="Closes #2")
        alice.post(f"{SAMPLE}/issues", json={"title": "Wanted"})
        hub.settle()
        repo = hub.hub.access.repo_row("alice", "sample")
        row, actor = pulls.find(hub.hub, repo, pull["number"]), Actor("user", repo["owner_id"], "alice")
        automerge.enable(hub.hub, repo, row, actor, "squash")
        validate_hook(hub.hooks.delivery("pull_request", "auto_merge_enabled"))
        status = {"state": "pending", "context": "tests"}
        bot.post(f"{SAMPLE}/statuses/{pull['head']['sha']}", json=status)
        hub.settle()
        url = f"{SAMPLE}/pulls/{pull['number']}"
        assert alice.get(url).json()["mergeable_state"] == "blocked"
        bot.post(f"{SAMPLE}/statuses/{pull['head']['sha']}", json={**status, "state": "success"})
        hub.settle()
        now = alice.get(url).json()
        assert (now["merged"], now["merged_by"]["login"]) == (True, "alice")
        issue = alice.get(f"{SAMPLE}/issues/2").json()
        assert (issue["state"], issue["state_reason"]) == ("closed", "completed")


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


def test_rules_of_a_branch(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        ruleset = {
            "name": "main",
            "enforcement": "active",
            "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
            "rules": [
                {"type": "deletion"},
                {
                    "type": "required_status_checks",
                    "parameters": {
                        "strict_required_status_checks_policy": True,
                        "required_status_checks": [{"context": "tests"}],
                    },
                },
            ],
        }
        made = validate(alice.post(f"{SAMPLE}/rulesets", json=ruleset), "RepositoryRuleset")
        rules = bot.get(f"{SAMPLE}/rules/branches/main").json()
        assert [(each["type"], each["ruleset_id"]) for each in rules] == [
            (r["type"], made["id"]) for r in ruleset["rules"]
        ]
        assert bot.get(f"{SAMPLE}/rules/branches/other").json() == []
        assert bot.post(f"{SAMPLE}/rulesets", json=ruleset).status_code == 403
        sha = put(alice, "topic", "x.txt", "x\n")
        assert bot.patch(f"{SAMPLE}/git/refs/heads/main", json={"sha": sha}).status_code == 422
        passing = {
            "bypass_actors": [
                {"actor_id": hub.app().get("/app").json()["id"], "actor_type": "Integration", "bypass_mode": "always"}
            ]
        }
        assert alice.put(f"{SAMPLE}/rulesets/{made['id']}", json=passing).status_code == 200
        assert alice.patch(f"{SAMPLE}/git/refs/heads/main", json={"sha": sha}).status_code == 422
        assert bot.patch(f"{SAMPLE}/git/refs/heads/main", json={"sha": sha}).status_code == 200
        protect(alice, required_linear_history=True)
        validate(alice.get(f"{SAMPLE}/branches/main/protection"), "BranchProtection")
        validate(alice.get(f"{SAMPLE}/branches/main"), "BranchWithProtection")
