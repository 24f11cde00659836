"""What a push over HTTP moves, what is refused and in which words, what is told."""

from __future__ import annotations

from typing import Any

from tests.localhub.clone import Work
from tests.localhub.repository import SAMPLE


def test_pull_requests_can_be_fetched_and_not_pushed(hub: Any, work: Work) -> None:
    work("checkout", "-qb", "topic")
    sha = work.commit()
    work("push", "-q", "origin", "topic")
    number = (
        hub.client("bob").post(f"{SAMPLE}/pulls", json={"title": "x", "head": "topic", "base": "main"}).json()["number"]
    )
    work("fetch", "-q", "origin", f"refs/pull/{number}/head:refs/heads/fetched")
    assert work("rev-parse", "fetched") == sha
    other = work.commit("b.txt")
    assert "hidden ref" in work("push", "origin", f"{other}:refs/pull/{number}/head", ok=False)
    assert "hidden ref" in work("push", "origin", f":refs/pull/{number}/head", ok=False)
    denied = hub.client("bob").post(f"{SAMPLE}/git/refs", json={"ref": "refs/pull/9/head", "sha": sha})
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
    push = validate(hub.told("push")[0], "WebhookPush")
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
    forced = hub.told("push")[-1]
    assert (forced["forced"], forced["before"], forced["after"]) == (True, second, third)
    assert [each["id"] for each in forced["commits"]] == [third]
    work("push", "-q", "origin", "main:copy")
    copy = hub.told("push")[-1]
    assert (copy["created"], copy["base_ref"], copy["commits"], copy["head_commit"]["id"]) == (
        True,
        "refs/heads/main",
        [],
        third,
    )
    assert copy["before"] == "0" * 40
    work("push", "-q", "origin", ":copy")
    gone = hub.told("push")[-1]
    assert (gone["deleted"], gone["after"], gone["head_commit"], gone["commits"]) == (True, "0" * 40, None, [])


def test_tags_are_told_of_up_to_three_at_once(hub: Any, work: Work, validate: Any) -> None:
    work("tag", "light")
    work("tag", "-am", "Annotated", "heavy")
    work("push", "-q", "origin", "--tags")
    created = hub.told("create")
    assert sorted((each["ref"], each["ref_type"], each["master_branch"]) for each in created) == [
        ("heavy", "tag", "main"),
        ("light", "tag", "main"),
    ]
    pushed = {each["ref"]: each for each in hub.told("push")}
    assert set(pushed) == {"refs/tags/heavy", "refs/tags/light"}
    assert pushed["refs/tags/heavy"]["after"] == work("rev-parse", "heavy"), "the tag object itself"
    assert pushed["refs/tags/heavy"]["head_commit"]["id"] == work("rev-parse", "main")
    work("push", "-q", "origin", ":light")
    assert validate(hub.told("delete")[0], "WebhookDelete")["ref_type"] == "tag"
    hub.hooks.clear()
    for number in range(4):
        work("tag", f"v{number}")
    work("push", "-q", "origin", "v0", "v1", "v2", "v3", "main:four-branches")
    assert [each["ref"] for each in hub.told("create")] == ["four-branches"], "four tags at once are told by none"
    assert len(hub.client("bob").get(f"{SAMPLE}/git/matching-refs/tags/v").json()) == 4


def test_all_or_nothing(hub: Any, work: Work) -> None:
    work.commit()
    refused = work("push", "--atomic", "origin", "main:fine", "main:refs/heads/bad..name", ok=False)
    assert refused
    other = work("rev-parse", "HEAD~1")
    work("push", "-q", "origin", f"{other}:refs/heads/ahead")
    work("push", "-q", "-f", "origin", "main:ahead")
    refused = work("push", "--atomic", "origin", f"{other}:ahead", "main:atomic", ok=False)
    assert "rejected" in refused
    assert hub.client("bob").get(f"{SAMPLE}/git/ref/heads/atomic").status_code == 404
    work("push", "-q", "--atomic", "origin", "main:atomic", "main:second")
    assert {each["ref"] for each in hub.told("create")} >= {"atomic", "second"}


def test_one_refused_ref_keeps_no_other_back(hub: Any, work: Work) -> None:
    """As git has it: each ref by itself, unless the push is atomic or brings what no ref may."""
    alice = hub.client("alice")
    rules = {"required_status_checks": None, "enforce_admins": True, "restrictions": None}
    reviews = {"required_pull_request_reviews": {"required_approving_review_count": 1}}
    assert alice.put(f"{SAMPLE}/branches/main/protection", json=rules | reviews).status_code == 200
    before = work("rev-parse", "origin/main")
    sha = work.commit()
    work("tag", "v1")
    refused = work("push", "--atomic", "origin", "main", "main:one", ok=False)
    assert "GH006" in refused
    assert alice.get(f"{SAMPLE}/git/ref/heads/one").status_code == 404
    assert hub.told("push") == []
    refused = work("push", "origin", "main", "main:one", "v1", "main:it's", ok=False)
    assert "GH006: Protected branch update failed for refs/heads/main." in refused
    assert "[remote rejected] main -> main (hook declined)" in refused
    assert "[new branch]      main -> one" in refused
    assert {each["ref"] for each in hub.told("push")} == {"refs/heads/one", "refs/heads/it's", "refs/tags/v1"}
    assert alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"] == before
    assert alice.get(f"{SAMPLE}/git/ref/heads/it's").json()["object"]["sha"] == sha
    hub.admin("/limits", {"object_bytes": 100})
    work("checkout", "-qb", "large")
    work.commit("large.bin", b"x" * 101)
    refused = work("push", "origin", "large", "HEAD~1:refs/heads/small", ok=False)
    assert "GH001" in refused
    assert refused.count("(pre-receive hook declined)") == 2
    assert alice.get(f"{SAMPLE}/git/ref/heads/small").status_code == 404
    work("push", "-q", "origin", "HEAD~1:refs/heads/small", "HEAD~1:main", ok=False)
    work("push", "-q", "origin", "HEAD~1:refs/heads/smaller")
    assert alice.get(f"{SAMPLE}/git/ref/heads/smaller").status_code == 200


def test_options_of_a_push_are_taken(hub: Any, work: Work) -> None:
    work.commit()
    work("push", "-q", "-o", "ci.skip", "-o", "a=b", "origin", "main")
    assert hub.told("push")[0]["ref"] == "refs/heads/main"


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
