"""Reviews over REST: pending ones, where a comment may stand, and how long it may be."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localhub.graph import BEGIN_REVIEW, ask, data
from tests.localhub.repository import SAMPLE


def test_a_pending_review_is_its_authors_alone(hub: Any, pull: Any, validate: Any, validate_hook: Any) -> None:
    url = f"{SAMPLE}/pulls/{pull['number']}"
    with hub.client("alice") as alice, hub.client("bob") as bob:
        drafts = [
            {"path": "a.txt", "line": 3, "side": "RIGHT", "body": "One, @carol"},
            {"path": "a.txt", "start_line": 28, "line": 30, "start_side": "RIGHT", "side": "RIGHT", "body": "Two"},
        ]
        review = validate(bob.post(f"{url}/reviews", json={"comments": drafts}), "PullRequestReview")
        assert (review["state"], "submitted_at" in review) == ("PENDING", False)
        own = validate(bob.get(f"{url}/reviews/{review['id']}/comments"), "list[ReviewComment]")
        assert [each["body"] for each in own] == ["One, @carol", "Two"]
        assert (own[1]["start_line"], own[1]["line"], own[1]["start_side"]) == (28, 30, "RIGHT")
        hub.settle()
        again = bob.post(f"{url}/reviews", json={})
        assert (again.status_code, again.json()["errors"]) == (
            422, ["User can only have one pending review per pull request"],
        )  # fmt: skip
        single = bob.post(f"{url}/comments", json={
            "body": "b", "commit_id": pull["head"]["sha"], "path": "a.txt", "line": 3, "side": "RIGHT"})  # fmt: skip
        assert single.json()["errors"][0]["field"] == "user_id"
        comment = f"{SAMPLE}/pulls/comments/{own[0]['id']}"
        for path in (f"{url}/reviews/{review['id']}", f"{url}/reviews/{review['id']}/comments", comment):
            assert bob.get(path).status_code == 200
            assert alice.get(path).status_code == 404
        assert alice.patch(comment, json={"body": "Mine"}).status_code == 404
        assert alice.delete(comment).status_code == 404
        assert alice.post(f"{url}/comments/{own[0]['id']}/replies", json={"body": "No"}).status_code == 404
        assert alice.get(f"{url}/reviews").json() == alice.get(f"{url}/comments").json() == []
        assert alice.get(url).json()["review_comments"] == 0
        threads = (
            "query($id: ID!) { node(id: $id) { ... on PullRequest { reviewThreads(first: 9) { nodes { id } } } } }"
        )
        seen = data(bob, threads, id=pull["node_id"])["node"]["reviewThreads"]["nodes"]
        assert (len(seen), data(alice, threads, id=pull["node_id"])["node"]["reviewThreads"]["nodes"]) == (2, [])
        for id in (review["node_id"], own[0]["node_id"], seen[0]["id"]):
            hidden = ask(alice, "query($id: ID!) { node(id: $id) { id } }", id=id)
            assert hidden["errors"][0]["type"] == "NOT_FOUND"
        assert bob.patch(comment, json={"body": "One more, @carol"}).status_code == 200
        assert bob.put(f"{url}/reviews/{review['id']}", json={"body": "All in all"}).json()["body"] == "All in all"
        hub.settle()
        assert hub.hooks.deliveries == []
        assert all(one["reason"] != "mention" for one in hub.client("carol").get("/notifications").json())

        done = bob.post(f"{url}/reviews/{review['id']}/events", json={"event": "REQUEST_CHANGES"})
        assert validate(done, "PullRequestReview")["state"] == "CHANGES_REQUESTED"
        told = validate_hook(hub.hooks.delivery("pull_request_review", "submitted"))
        assert (told["review"]["state"], told["review"]["body"]) == ("changes_requested", "All in all")
        hub.hooks.delivery("pull_request_review_comment", "created", 2)
        for one in hub.hooks.find("pull_request_review_comment", "created"):
            assert validate_hook(one)["comment"]["pull_request_review_id"] == review["id"]
        (mail,) = hub.client("carol").get("/notifications").json()
        assert mail["reason"] == "mention"
        assert len(validate(alice.get(f"{url}/comments"), "list[PullRequestReviewComment]")) == 2
        assert alice.get(url).json()["review_comments"] == 2
        assert bob.post(f"{url}/reviews/{review['id']}/events", json={"event": "COMMENT"}).status_code == 422
        assert bob.delete(f"{url}/reviews/{review['id']}").status_code == 422


def test_a_pending_review_is_thrown_away(hub: Any, pull: Any) -> None:
    url = f"{SAMPLE}/pulls/{pull['number']}"
    with hub.client("alice") as alice, hub.client("bob") as bob:
        draft = {"path": "a.txt", "line": 3, "body": "One"}
        review = bob.post(f"{url}/reviews", json={"body": "b", "comments": [draft]}).json()
        assert alice.delete(f"{url}/reviews/{review['id']}").status_code == 404
        assert bob.delete(f"{url}/reviews/{review['id']}").json()["state"] == "PENDING"
        assert bob.get(f"{url}/reviews").json() == bob.get(f"{url}/comments").json() == []
        hub.settle()
        assert hub.hooks.deliveries == []


@pytest.mark.parametrize(("place", "name", "words", "of_review"), [
    ({"line": 20}, "line", "must be part of the diff", "Line could not be resolved"),
    ({"line": 3, "path": "b.txt"}, "path", None, "Path could not be resolved"),
    ({"line": 30, "start_line": 30}, "start_line", "must precede the end line.",
     "Pull request review thread start line must precede the end line."),
    ({"line": 30, "start_line": 3}, "start_line", "must be part of the same hunk as the line.",
     "Pull request review thread start line must be part of the same hunk as the line."),
])  # fmt: skip
def test_places_outside_of_the_diff(
    hub: Any, pull: Any, place: Any, name: str, words: str | None, of_review: str
) -> None:
    url, draft = f"{SAMPLE}/pulls/{pull['number']}", {"path": "a.txt", "side": "RIGHT", "body": "b"} | place
    with hub.client("bob") as bob:
        alone = bob.post(f"{url}/comments", json=draft | {"commit_id": pull["head"]["sha"]})
        first = alone.json()["errors"][0]
        named = f"pull_request_review_thread.{name}"
        assert (alone.status_code, first["field"]) == (422, named)
        assert first.get("message") == (words and f"{named} {words}")
        answer = bob.post(f"{url}/reviews", json={"event": "COMMENT", "comments": [draft]})
        assert (answer.status_code, answer.json()["errors"]) == (422, [of_review])
        assert bob.get(f"{url}/reviews").json() == []


def test_commits_that_are_not_the_pull_requests(hub: Any, pull: Any) -> None:
    url, base = f"{SAMPLE}/pulls/{pull['number']}", pull["base"]["sha"]
    with hub.client("bob") as bob:
        answer = bob.post(f"{url}/reviews", json={"event": "COMMENT", "body": "b", "commit_id": base})
        assert (answer.status_code, answer.json()["errors"]) == (422, ["The commitOID is not part of the pull request"])
        for sha in (base, "0" * 40):
            alone = bob.post(f"{url}/comments", json={"body": "b", "commit_id": sha, "path": "a.txt", "line": 3})
            assert alone.json()["errors"][0]["message"] == "commit_id is not part of the pull request"


def test_every_review_comment_counts_as_created(hub: Any, pull: Any) -> None:
    hub.admin("/limits", {"creations_minute": 3})
    with hub.client("bob") as bob:
        drafts = [{"path": "a.txt", "line": 3, "body": f"{n}"} for n in range(3)]
        answer = bob.post(f"{SAMPLE}/pulls/{pull['number']}/reviews", json={"event": "COMMENT", "comments": drafts})
        assert (answer.status_code, "content creation" in answer.json()["message"]) == (403, True)
        assert bob.get(f"{SAMPLE}/pulls/{pull['number']}/reviews").json() == []


def test_bodies_that_are_too_long(hub: Any, pull: Any) -> None:
    url, long = f"{SAMPLE}/pulls/{pull['number']}", "x" * 65_537
    message = "body is too long (maximum is 65536 characters)"
    place = {"commit_id": pull["head"]["sha"], "path": "a.txt", "line": 3}
    with hub.client("bob") as bob:
        made = bob.post(f"{url}/comments", json=place | {"body": long[1:]}).json()
        for verb, path, body in (
            ("POST", f"{url}/comments", place | {"body": long}),
            ("POST", f"{url}/comments/{made['id']}/replies", {"body": long}),
            ("PATCH", f"{SAMPLE}/pulls/comments/{made['id']}", {"body": long}),
            ("PATCH", f"{SAMPLE}/issues/{pull['number']}", {"body": long}),
            ("POST", f"{SAMPLE}/issues", {"title": "t", "body": long}),
            ("POST", f"{SAMPLE}/issues/{pull['number']}/comments", {"body": long}),
        ):
            answer = bob.request(verb, path, json=body)
            assert (answer.status_code, answer.json()["errors"][0]["message"]) == (422, message), path
        review = ask(bob, BEGIN_REVIEW.replace("$id}", "$id, event: COMMENT, body: $b}").replace("$id: ID!", "$id: ID!, $b: String"),
                     id=pull["node_id"], b=long)["errors"][0]  # fmt: skip
        assert (review["type"], review["message"]) == ("UNPROCESSABLE", message.capitalize())
        answer = bob.post(f"{url}/reviews", json={"event": "COMMENT", "body": long})
        assert (answer.status_code, answer.json()["errors"]) == (422, [message.capitalize()])
