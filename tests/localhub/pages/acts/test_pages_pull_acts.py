"""Pull requests: what is done on a page tells and leaves what the API's call does."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.localhub.pages.acts.acting import HOME, REPO, Hand, Scene, ok, same_as

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def _line(s: Scene, line: int, body: str) -> dict[str, Any]:
    return {"path": f"{s.name}.txt", "line": line, "side": "RIGHT", "body": body}


def _alone(c: httpx.Client, s: Scene) -> None:
    head = ok(c.get(s.pull_url))["head"]["sha"]
    ok(c.post(f"{s.pull_url}/comments", json={**_line(s, 2, "Why two?"), "commit_id": head}))


@same_as(_alone)
def test_comment_on_a_line(hand: Hand, s: Scene) -> None:
    hand.line(s, 2, "Why two?", "Add single comment")


@same_as(
    lambda c, s: c.post(
        f"{s.pull_url}/comments/{ok(c.get(f'{s.pull_url}/comments'))[0]['id']}/replies", json={"body": "So."}
    )
)
def test_reply(hand: Hand, s: Scene) -> None:
    hand.pull(s, "/files")
    hand.page.get_by_label("Answer in this thread").fill("So.")
    hand.press("Reply")


@same_as(
    lambda c, s: s.graphql(
        "mutation($id: ID!) { resolveReviewThread(input: {threadId: $id}) { thread { id } } }", id=s.thread()
    )
)
def test_resolve(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    hand.press("Resolve conversation")


def _review(c: httpx.Client, s: Scene) -> None:
    lines = [_line(s, 1, "First"), {**_line(s, 4, "These"), "start_line": 3, "start_side": "RIGHT"}]
    made = ok(c.post(f"{s.pull_url}/reviews", json={"comments": lines}))
    ok(c.post(f"{s.pull_url}/reviews/{made['id']}/events", json={"event": "REQUEST_CHANGES", "body": "Not yet"}))


@same_as(_review)
def test_review_with_several_comments(hand: Hand, s: Scene) -> None:
    hand.line(s, 1, "First", "Start a review")
    hand.line(s, 4, "These", "Add review comment", start=3)
    assert "2 pending comments" in hand.page.locator("#review").inner_text()
    hand.page.get_by_label("Finish your review").fill("Not yet")
    hand.press("Request changes", within="#review")


def _discarded(c: httpx.Client, s: Scene) -> None:
    made = ok(c.post(f"{s.pull_url}/reviews", json={"comments": [_line(s, 1, "Never mind")]}))
    ok(c.delete(f"{s.pull_url}/reviews/{made['id']}"))


@same_as(_discarded)
def test_begin_a_review_and_discard_it(hand: Hand, s: Scene) -> None:
    hand.line(s, 1, "Never mind", "Start a review")
    hand.press("Discard review")


@same_as(lambda c, s: c.post(f"{s.pull_url}/reviews", json={"event": "APPROVE", "body": "Fine"}))
def test_approve(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    hand.page.get_by_label("Review as bob").fill("Fine")
    hand.press("Approve")


@same_as(lambda c, s: c.put(f"{s.pull_url}/reviews/{s.review('APPROVED')}/dismissals", json={"message": "Too early"}))
def test_dismiss(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    block = f"#pullrequestreview-{s.review('APPROVED')}"
    hand.unfold(f"{block} details.menu:has([name=message])")
    hand.page.locator(f"{block} input[name=message]").fill("Too early")
    hand.press("Dismiss review", within=block)


@same_as(lambda c, s: c.post(f"{s.pull_url}/requested_reviewers", json={"reviewers": ["bob"]}))
def test_ask_for_a_review(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    hand.unfold("#reviewers")
    hand.page.locator("#reviewers select").select_option("bob")
    hand.press("Ask")


_DRAFT = "mutation($id: ID!) { convertPullRequestToDraft(input: {pullRequestId: $id}) { clientMutationId } }"
_READY = "mutation($id: ID!) { markPullRequestReadyForReview(input: {pullRequestId: $id}) { clientMutationId } }"
_AUTO = "mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) { clientMutationId } }"
_MANUAL = "mutation($id: ID!) { disablePullRequestAutoMerge(input: {pullRequestId: $id}) { clientMutationId } }"


@same_as(lambda c, s: s.graphql(_DRAFT, id=s.node()))
def test_make_a_draft(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    hand.press("Turn into a draft")


@same_as(lambda c, s: s.graphql(_READY, id=s.node()))
def test_make_ready(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    hand.press("Ready for review")


@same_as(lambda c, s: c.patch(s.pull_url, json={"title": "Bring it", "body": "Text"}))
def test_edit_a_pull_request(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    hand.unfold("#edit-body")
    hand.page.locator("#edit-body input[name=title]").fill("Bring it")
    hand.page.locator("#edit-body textarea").fill("Text")
    hand.press("Save", within="#edit-body")


@same_as(lambda c, s: c.patch(s.pull_url, json={"state": "closed"}))
def test_close_a_pull_request(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    hand.press("Close pull request")


@same_as(lambda c, s: c.patch(s.pull_url, json={"state": "open"}))
def test_reopen_a_pull_request(hand: Hand, s: Scene) -> None:
    hand.pull(s)
    hand.press("Reopen pull request")


def test_merge_when_ready_and_not(twice: Any, kept_hub: Any) -> None:
    rules = {"required_status_checks": {"strict": False, "contexts": ["unit"]}, "enforce_admins": True}
    rules |= {"required_pull_request_reviews": None, "restrictions": None}
    ok(kept_hub.client("bob").put(f"{REPO}/branches/main/protection", json=rules))

    def click(hand: Hand, s: Scene) -> None:
        hand.pull(s)
        button = hand.page.get_by_role("button", name="Merge pull request")
        assert button.is_disabled()
        assert 'Required status check "unit" is expected.' in hand.page.locator("#merge-why").inner_text()
        hand.page.locator("#merge select[name=method]").select_option("squash")
        hand.press("Merge when ready")

    twice(lambda c, s: s.graphql(_AUTO, id=s.node()), click)

    def stop(hand: Hand, s: Scene) -> None:
        hand.pull(s)
        hand.press("Turn auto-merge off")

    twice(lambda c, s: s.graphql(_MANUAL, id=s.node()), stop)
    ok(kept_hub.client("bob").delete(f"{REPO}/branches/main/protection"))


def test_merge_and_delete_the_branch(twice: Any) -> None:
    def click(hand: Hand, s: Scene) -> None:
        hand.pull(s)
        hand.page.locator("#merge select[name=method]").select_option("squash")
        hand.unfold("#merge-words")
        hand.page.locator("#merge-words input[name=title]").fill("Squashed")
        hand.press("Merge pull request")
        assert "Merged" in hand.page.locator(".state").first.inner_text()
        assert hand.page.get_by_role("button", name="Reopen pull request").count() == 0

    told = twice(
        lambda c, s: ok(c.put(f"{s.pull_url}/merge", json={"merge_method": "squash", "commit_title": "Squashed"})),
        click,
    )
    assert ("pull_request", "closed") in [each[:2] for each in told]

    def tidy(hand: Hand, s: Scene) -> None:
        hand.pull(s)
        hand.press("Delete branch")
        assert hand.page.get_by_role("button", name="Restore branch").is_visible()

    twice(lambda c, s: ok(c.delete(f"{REPO}/git/refs/heads/{s.name}")), tidy)


def test_merge_a_new_one_by_each_other_method(kept_hub: Any, scenes: Scene, hand: Hand) -> None:
    for method, words in (("rebase", "Rebase"), ("merge", "Create a merge commit")):
        bob = kept_hub.client("bob")
        sha = ok(bob.get(f"{REPO}/git/ref/heads/main"))["object"]["sha"]
        ok(bob.post(f"{REPO}/git/refs", json={"ref": f"refs/heads/by-{method}", "sha": sha}))
        hand.page.goto(f"{HOME}/new/by-{method}")
        hand.page.get_by_label("Name, with its folders").fill(f"docs/{method}.md")
        hand.page.locator("textarea[name=text]").fill("# New\n")
        hand.press("Commit changes")
        hand.page.goto(f"{HOME}/compare/main...by-{method}")
        hand.press("Create pull request")
        kept_hub.settle()
        hand.page.reload()
        hand.page.locator("#merge select[name=method]").select_option(words)
        hand.press("Merge pull request")
        kept_hub.settle()
        assert kept_hub.hooks.wait("pull_request", "closed")["pull_request"]["merged"] is True
        assert ok(bob.get(f"{REPO}/contents/docs/{method}.md"))["size"] == 6
        parents = ok(bob.get(f"{REPO}/commits/main"))["parents"]
        assert len(parents) == (2 if method == "merge" else 1)
