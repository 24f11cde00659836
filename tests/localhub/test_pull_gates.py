"""What stands between a pull request and its merge: approvals, conversations, required checks, rules of a branch."""

from __future__ import annotations

from typing import Any

from tests.localhub.repository import SAMPLE, branch, propose, protect, put


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
        put(bot, "later.txt", "later\n", "topic")
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
        put(alice, "topic.txt", "zero\none\nTWO\nthree\n", "topic")
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
        branch(alice, "topic")
        sha = put(alice, "x.txt", "x\n", "topic")
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
