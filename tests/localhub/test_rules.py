"""What a branch demands, by classic protection and by rulesets alike: over REST, git, GraphQL, merges and auto-merge."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.localhub.repository import SAMPLE, branch, head_of, propose, put

KINDS = ("classic", "ruleset")


def begin(client: httpx.Client, name: str) -> str:
    """A branch with a commit of its own, which is returned."""
    branch(client, name)
    return put(client, f"{name}.txt", "one\n", name)


def settled(hub: Any, client: httpx.Client, name: str) -> dict[str, Any]:
    """A pull request whose mergeability is known."""
    made = propose(client, name)
    hub.settle()
    return made


def graphql(client: httpx.Client, mutation: str, pull: dict[str, Any], **more: str) -> dict[str, Any]:
    extra = "".join(f", {key}: {value}" for key, value in more.items())
    document = f"mutation($id: ID!) {{ {mutation}(input: {{pullRequestId: $id{extra}}}) {{ pullRequest {{ state merged }} }} }}"
    body: dict[str, Any] = client.post(
        "/graphql", json={"query": document, "variables": {"id": pull["node_id"]}}
    ).json()
    return body


class Guard:
    """Sets the rules of main, in either of the two ways."""

    def __init__(self, hub: Any, kind: str) -> None:
        self.hub, self.kind = hub, kind
        self._alice = hub.client("alice")

    def __call__(self, **wanted: Any) -> None:
        """checks: list of contexts or (context, app id); strict, approvals, stale, linear, resolve."""
        if self.kind == "classic":
            answer = self._alice.put(f"{SAMPLE}/branches/main/protection", json=self._classic(**wanted))
        else:
            body = {
                "name": "main", "target": "branch", "enforcement": "active", "rules": self._rules(**wanted),
                "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
            }  # fmt: skip
            answer = self._alice.post(f"{SAMPLE}/rulesets", json=body)
        assert answer.is_success, answer.text

    def _classic(
        self, checks: Any = None, strict: bool = False, approvals: int | None = None, stale: bool = False,
        linear: bool = False, resolve: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        named = [
            {"context": c, "app_id": -1} if isinstance(c, str) else {"context": c[0], "app_id": c[1]}
            for c in checks or []
        ]
        reviews = {"required_approving_review_count": approvals, "dismiss_stale_reviews": stale}
        return {
            "required_status_checks": {"strict": strict, "checks": named} if checks else None,
            "enforce_admins": True,
            "required_pull_request_reviews": reviews if approvals is not None else None,
            "restrictions": None,
            "required_linear_history": linear,
            "required_conversation_resolution": resolve,
        }

    def _rules(
        self, checks: Any = None, strict: bool = False, approvals: int | None = None, stale: bool = False,
        linear: bool = False, resolve: bool = False,
    ) -> list[dict[str, Any]]:  # fmt: skip
        rules: list[dict[str, Any]] = []
        if checks:
            named = [
                {"context": c} if isinstance(c, str) else {"context": c[0], "integration_id": c[1]} for c in checks
            ]
            rules.append({"type": "required_status_checks", "parameters": {
                "required_status_checks": named, "strict_required_status_checks_policy": strict}})  # fmt: skip
        if approvals is not None or resolve:
            rules.append({"type": "pull_request", "parameters": {
                "required_approving_review_count": approvals or 0, "dismiss_stale_reviews_on_push": stale,
                "require_code_owner_review": False, "require_last_push_approval": False,
                "required_review_thread_resolution": resolve}})  # fmt: skip
        if linear:
            rules.append({"type": "required_linear_history"})
        return rules

    def words(self, message: str, reason: str) -> None:
        """A refusal over REST says why; a ruleset's begins as all of them do."""
        assert reason in message, message
        assert message.startswith("Repository rule violations found") == (self.kind == "ruleset"), message


@pytest.fixture(params=KINDS)
def guard(hub: Any, request: Any) -> Guard:
    return Guard(hub, request.param)


def test_required_checks(hub: Any, guard: Guard, tmp_path: Path) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob, hub.bot() as bot:
        assert alice.patch(SAMPLE, json={"allow_auto_merge": True}).is_success
        guard(checks=["tests", "lint"])
        pull = settled(hub, bob, "topic")
        url, head = f"{SAMPLE}/pulls/{pull['number']}", pull["head"]["sha"]
        assert bob.get(url).json()["mergeable_state"] == "blocked"
        refused = bob.put(f"{url}/merge")
        assert refused.status_code == 405
        guard.words(refused.json()["message"], "2 of 2 required status checks are expected.")
        (error,) = graphql(bob, "mergePullRequest", pull)["errors"]
        assert (error["type"], "2 of 2 required status checks" in error["message"]) == ("UNPROCESSABLE", True)
        moved = bob.patch(f"{SAMPLE}/git/refs/heads/main", json={"sha": head})
        assert moved.status_code == 422
        assert "2 of 2 required status checks are expected." in moved.json()["message"]
        said = push(hub, tmp_path, head)
        number = (
            "GH006: Protected branch update failed" if guard.kind == "classic" else "GH013: Repository rule violations"
        )
        assert f"{number}" in said
        assert "2 of 2 required status checks are expected." in said
        assert "errors" not in graphql(bob, "enablePullRequestAutoMerge", pull, mergeMethod="SQUASH")
        bot.post(f"{SAMPLE}/statuses/{head}", json={"state": "success", "context": "lint"})
        hub.settle()
        assert alice.get(url).json()["merged"] is False
        run = {"name": "tests", "head_sha": head, "status": "completed", "conclusion": "failure"}
        bot.post(f"{SAMPLE}/check-runs", json=run)
        hub.settle()
        assert alice.get(url).json()["merged"] is False
        bot.post(f"{SAMPLE}/check-runs", json=run | {"conclusion": "neutral"})
        hub.settle()
        now = alice.get(url).json()
        assert (now["merged"], now["merged_by"]["login"]) == (True, "bob")
        assert len(alice.get(f"{SAMPLE}/commits/main").json()["parents"]) == 1


def push(hub: Any, tmp_path: Path, sha: str) -> str:
    """What a refused push of a commit to main says."""
    url, clone = hub.git_url("alice/sample", hub.pat("bob")), tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", url, clone], check=True, capture_output=True)
    done = subprocess.run(
        ["git", "push", "-q", "origin", f"{sha}:refs/heads/main"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stderr


def test_a_check_of_one_app_is_not_anothers(hub: Any, guard: Guard) -> None:
    with hub.client("bob") as bob, hub.bot() as bot:
        app = hub.app().get("/app").json()["id"]
        guard(checks=[("tests", app)])
        pull = settled(hub, bob, "topic")
        url, head = f"{SAMPLE}/pulls/{pull['number']}", pull["head"]["sha"]
        bob.post(f"{SAMPLE}/statuses/{head}", json={"state": "success", "context": "tests"})
        assert bob.put(f"{url}/merge").status_code == 405
        bot.post(f"{SAMPLE}/check-runs", json={"name": "tests", "head_sha": head, "conclusion": "success"})
        assert bob.put(f"{url}/merge").status_code == 200


def test_strict_checks_want_the_newest_base(hub: Any, guard: Guard) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob, hub.bot() as bot:
        pull = settled(hub, bob, "topic")
        put(alice, "other.txt", "x\n")
        guard(checks=["tests"], strict=True)
        url = f"{SAMPLE}/pulls/{pull['number']}"

        def green() -> None:
            head = bob.get(url).json()["head"]["sha"]
            bot.post(f"{SAMPLE}/statuses/{head}", json={"state": "success", "context": "tests"})
            hub.settle()

        green()
        bob.get(url)
        hub.settle()
        assert bob.get(url).json()["mergeable_state"] == "behind"
        refused = bob.put(f"{url}/merge")
        assert (refused.status_code, "Head branch is out of date" in refused.json()["message"]) == (405, True)
        assert bob.put(f"{url}/update-branch").status_code == 202
        assert bob.put(f"{url}/merge").status_code == 405
        green()
        assert bob.put(f"{url}/merge").status_code == 200


def test_required_reviews_and_what_makes_them_stale(hub: Any, guard: Guard) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob, hub.client("carol") as carol:
        guard(approvals=1, stale=True)
        pull = settled(hub, bob, "topic")
        url = f"{SAMPLE}/pulls/{pull['number']}"
        refused = bob.put(f"{url}/merge")
        guard.words(
            refused.json()["message"], "At least 1 approving review is required by reviewers with write access."
        )
        direct = bob.patch(f"{SAMPLE}/git/refs/heads/main", json={"sha": pull["head"]["sha"]})
        assert "Changes must be made through a pull request." in direct.json()["message"]
        assert carol.post(f"{url}/reviews", json={"event": "APPROVE"}).json()["state"] == "APPROVED"
        assert bob.put(f"{url}/merge").status_code == 405, "carol may not write"
        alice.post(f"{url}/reviews", json={"event": "APPROVE"})
        put(bob, "more.txt", "y\n", "topic")
        assert {one["state"] for one in bob.get(f"{url}/reviews").json()} == {"DISMISSED"}
        assert bob.put(f"{url}/merge").status_code == 405
        alice.post(f"{url}/reviews", json={"event": "APPROVE"})
        assert bob.put(f"{url}/merge").status_code == 200


def test_a_rebase_that_changes_nothing_keeps_approvals(hub: Any, guard: Guard) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        pull = settled(hub, bob, "topic")
        url = f"{SAMPLE}/pulls/{pull['number']}"
        put(alice, "base.txt", "x\n")
        guard(approvals=1, stale=True)
        alice.post(f"{url}/reviews", json={"event": "APPROVE"})
        assert bob.put(f"{url}/update-branch").status_code == 202
        assert [one["state"] for one in bob.get(f"{url}/reviews").json()] == ["APPROVED"]
        assert bob.put(f"{url}/merge").status_code == 200


def test_a_request_for_changes_and_open_conversations_block(hub: Any, guard: Guard) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        guard(approvals=0, resolve=True)
        pull = settled(hub, bob, "topic")
        url = f"{SAMPLE}/pulls/{pull['number']}"
        place = {"path": "topic.txt", "line": 1, "body": "Why?"}
        pending = alice.post(f"{url}/reviews", json={"comments": [place]}).json()
        assert bob.get(url).json()["mergeable_state"] == "clean", "what is pending blocks nobody"
        alice.post(f"{url}/reviews/{pending['id']}/events", json={"event": "REQUEST_CHANGES", "body": "No"})
        message = bob.put(f"{url}/merge").json()["message"]
        assert "Changes have been requested" in message
        assert "All comments must be resolved." in message
        alice.post(f"{url}/reviews", json={"event": "APPROVE"})
        document = (
            "query($id: ID!) { node(id: $id) { ... on PullRequest { reviewThreads(first: 1) { nodes { id } } } } }"
        )
        found = bob.post("/graphql", json={"query": document, "variables": {"id": pull["node_id"]}}).json()
        thread = found["data"]["node"]["reviewThreads"]["nodes"][0]["id"]
        resolve = "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { isResolved } } }"
        bob.post("/graphql", json={"query": resolve, "variables": {"id": thread}})
        assert bob.put(f"{url}/merge").status_code == 200


def test_linear_history(hub: Any, guard: Guard, tmp_path: Path) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        assert alice.patch(SAMPLE, json={"allow_auto_merge": True}).is_success
        guard(linear=True)
        pull = settled(hub, bob, "topic")
        url = f"{SAMPLE}/pulls/{pull['number']}"
        assert bob.put(f"{url}/merge", json={"merge_method": "merge"}).status_code == 405
        (error,) = graphql(bob, "mergePullRequest", pull, mergeMethod="MERGE")["errors"]
        assert error["type"] == "UNPROCESSABLE"
        assert "errors" in graphql(bob, "enablePullRequestAutoMerge", pull, mergeMethod="MERGE")
        begin(bob, "side")
        merged = bob.post(f"{SAMPLE}/merges", json={"base": "side", "head": "topic"}).json()["sha"]
        said = push(hub, tmp_path, merged)
        assert "must not contain merge commits" in said
        into = bob.post(f"{SAMPLE}/merges", json={"base": "main", "head": "side"})
        assert into.status_code in (403, 409, 422)
        assert bob.put(f"{url}/merge", json={"merge_method": "rebase"}).status_code == 200
        assert len(alice.get(f"{SAMPLE}/commits/main").json()["parents"]) == 1


def test_rulesets_stop_creation_update_and_methods(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:

        def rule(name: str, include: str, *rules: dict[str, Any]) -> None:
            body = {"name": name, "enforcement": "active", "rules": list(rules),
                    "conditions": {"ref_name": {"include": [include], "exclude": []}}}  # fmt: skip
            assert alice.post(f"{SAMPLE}/rulesets", json=body).is_success

        begin(bob, "release")
        rule("frozen", "refs/heads/release*", {"type": "creation"}, {"type": "update"}, {"type": "deletion"})
        rule("squash", "~DEFAULT_BRANCH", {"type": "pull_request", "parameters": {
            "required_approving_review_count": 0, "dismiss_stale_reviews_on_push": False,
            "require_code_owner_review": False, "require_last_push_approval": False,
            "required_review_thread_resolution": False, "allowed_merge_methods": ["squash"]}})  # fmt: skip
        made = bob.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/release-2", "sha": head_of(bob)})
        assert (made.status_code, "creations being restricted" in made.json()["message"]) == (422, True)
        moved = bob.patch(f"{SAMPLE}/git/refs/heads/release", json={"sha": begin(bob, "topic"), "force": True})
        assert (moved.status_code, "Cannot update this protected ref." in moved.json()["message"]) == (422, True)
        assert bob.delete(f"{SAMPLE}/git/refs/heads/release").status_code == 422
        pull = bob.post(f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main"}).json()
        hub.settle()
        assert bob.put(f"{SAMPLE}/pulls/{pull['number']}/merge").status_code == 405
        assert bob.put(f"{SAMPLE}/pulls/{pull['number']}/merge", json={"merge_method": "squash"}).status_code == 200
