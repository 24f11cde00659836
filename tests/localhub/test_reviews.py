"""Reviews: pending ones, comments on ranges and files, threads, and what a push does to them; over REST and GraphQL."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

SAMPLE = "/repos/alice/sample"
TEN = "".join(f"line {n}\n" for n in range(1, 11))


def put(client: httpx.Client, branch: str, path: str, text: str) -> str:
    """Commit a file to a branch; the commit's SHA."""
    body = {"message": f"Write {path}", "content": base64.b64encode(text.encode()).decode(), "branch": branch}
    old = client.get(f"{SAMPLE}/contents/{path}", params={"ref": branch})
    if old.status_code == 200:
        body["sha"] = old.json()["sha"]
    done = client.put(f"{SAMPLE}/contents/{path}", json=body)
    assert done.is_success, done.text
    return str(done.json()["commit"]["sha"])


@pytest.fixture
def pull(hub: Any) -> dict[str, Any]:
    """Alice's pull request that changes lines 3 and 30 of a file on main."""
    with hub.client("alice") as alice:
        lines = [f"line {n}" for n in range(1, 41)]
        put(alice, "main", "a.txt", "\n".join(lines) + "\n")
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        lines[2], lines[29] = "LINE 3", "LINE 30"
        put(alice, "topic", "a.txt", "\n".join(lines) + "\n")
        made = alice.post(f"{SAMPLE}/pulls", json={"title": "Topic", "head": "topic", "base": "main"})
        assert made.status_code == 201, made.text
    hub.settle()
    hub.hooks.clear()
    found: dict[str, Any] = made.json()
    return found


def ask(client: httpx.Client, document: str, **variables: Any) -> dict[str, Any]:
    body: dict[str, Any] = client.post("/graphql", json={"query": document, "variables": variables}).json()
    return body


def data(client: httpx.Client, document: str, **variables: Any) -> dict[str, Any]:
    body = ask(client, document, **variables)
    assert "errors" not in body, body["errors"]
    found: dict[str, Any] = body["data"]
    return found


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


def test_pushes_move_comments_or_outdate_them(hub: Any, pull: Any, validate: Any) -> None:
    url, head = f"{SAMPLE}/pulls/{pull['number']}", pull["head"]["sha"]
    with hub.client("alice") as alice, hub.client("bob") as bob:

        def say(**place: Any) -> int:
            made = bob.post(f"{url}/comments", json={"body": "b", "commit_id": head, "path": "a.txt"} | place)
            return int(validate(made, "PullRequestReviewComment", 201)["id"])

        gone, moved, old = say(line=3), say(start_line=29, line=30), say(line=30, side="LEFT")
        file = say(subject_type="file")
        lines = [f"line {n}" for n in range(1, 41)]
        lines[29] = "LINE 30"
        after = put(alice, "topic", "a.txt", "new\n" + "\n".join(lines) + "\n")

        def now(id: int) -> tuple[Any, ...]:
            one = validate(alice.get(f"{SAMPLE}/pulls/comments/{id}"), "PullRequestReviewComment")
            return tuple(one[key] for key in ("line", "original_line", "start_line", "position", "commit_id"))

        assert now(gone) == (None, 3, None, None, head)
        assert now(moved)[:3] == (31, 30, 30)
        assert now(moved)[4] == now(old)[4] == after
        assert now(old)[:3] == (30, 30, None)
        assert now(file)[:3] == (None, 1, None)
        found = data(
            alice,
            """query($id: ID!) { node(id: $id) { ... on PullRequest { reviewThreads(first: 9) { nodes {
          isOutdated line originalLine startLine diffSide startDiffSide subjectType } } } } }""",
            id=pull["node_id"],
        )
        nodes = found["node"]["reviewThreads"]["nodes"]
        assert [one["isOutdated"] for one in nodes] == [True, False, False, False]
        assert (nodes[1]["line"], nodes[1]["startLine"], nodes[1]["startDiffSide"]) == (31, 30, "RIGHT")
        assert (nodes[2]["diffSide"], nodes[3]["subjectType"], nodes[3]["line"]) == ("LEFT", "FILE", None)


def test_comments_are_listed_in_order_and_by_time(hub: Any, pull: Any, validate: Any) -> None:
    url, head = f"{SAMPLE}/pulls/{pull['number']}", pull["head"]["sha"]
    with hub.client("bob") as bob:
        ids = []
        for second in (10, 20):
            hub.admin("/clock", {"advance": second})
            place = {"commit_id": head, "path": "a.txt", "line": 3}
            ids.append(bob.post(f"{url}/comments", json=place | {"body": f"After {second}"}).json()["id"])
        stamp = bob.get(f"{SAMPLE}/pulls/comments/{ids[1]}").json()["created_at"]
        every = f"{SAMPLE}/pulls/comments"
        down = {"sort": "created", "direction": "desc"}
        assert [one["id"] for one in bob.get(every, params=down).json()] == ids[::-1]
        assert [one["id"] for one in bob.get(every, params={"direction": "desc"}).json()] == ids
        assert [one["id"] for one in bob.get(every, params={"since": stamp}).json()] == ids[1:]
        assert bob.get(f"{url}/comments", params={"since": "yesterday"}).status_code == 422
        hub.admin("/clock", {"advance": 5})
        bob.patch(f"{every}/{ids[0]}", json={"body": "Edited"})
        assert [one["id"] for one in bob.get(every, params={"sort": "updated"}).json()] == ids[::-1]


def test_the_last_comment_of_a_silent_review_takes_it_along(hub: Any, pull: Any, validate_hook: Any) -> None:
    url = f"{SAMPLE}/pulls/{pull['number']}"
    with hub.client("bob") as bob:
        place = {"commit_id": pull["head"]["sha"], "path": "a.txt", "line": 3}
        made = bob.post(f"{url}/comments", json=place | {"body": "b"}).json()
        assert len(bob.get(f"{url}/reviews").json()) == 1
        assert bob.delete(f"{SAMPLE}/pulls/comments/{made['id']}").status_code == 204
        validate_hook(hub.hooks.delivery("pull_request_review_comment", "deleted"))
        assert bob.get(f"{url}/reviews").json() == []
        timeline = bob.get(f"{SAMPLE}/issues/{pull['number']}/timeline").json()
        assert "reviewed" not in [one["event"] for one in timeline]


BEGIN = "mutation($id: ID!) { addPullRequestReview(input: {pullRequestId: $id}) { pullRequestReview { id state } } }"
ADD = """mutation($review: ID, $pull: ID, $line: Int, $start: Int) { addPullRequestReviewThread(input: {
  pullRequestReviewId: $review, pullRequestId: $pull, path: "a.txt", line: $line, startLine: $start, body: "Hm" }) {
  thread { id line startLine comments(first: 1) { nodes { id state pullRequestReview { state } } } } } }"""
REPLY = """mutation($id: ID!, $review: ID) { addPullRequestReviewThreadReply(input: {
  pullRequestReviewThreadId: $id, pullRequestReviewId: $review, body: "And"}) { comment { state replyTo { id } } } }"""
SUBMIT = """mutation($id: ID!, $event: PullRequestReviewEvent!) { submitPullRequestReview(input: {
  pullRequestReviewId: $id, event: $event, body: "So"}) { pullRequestReview { state body submittedAt
  comments(first: 9) { totalCount } } } }"""


def test_a_review_is_written_over_graphql(hub: Any, pull: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        review = data(bob, BEGIN, id=pull["node_id"])["addPullRequestReview"]["pullRequestReview"]
        assert review["state"] == "PENDING"
        thread = data(bob, ADD, review=review["id"], line=30, start=28)["addPullRequestReviewThread"]["thread"]
        (first,) = thread["comments"]["nodes"]
        assert (thread["line"], thread["startLine"], first["state"]) == (30, 28, "PENDING")
        assert data(bob, ADD, pull=pull["node_id"], line=3)["addPullRequestReviewThread"]["thread"]["line"] == 3
        assert data(bob, ADD, review=review["id"], line=20)["addPullRequestReviewThread"]["thread"] is None
        hidden = ask(alice, ADD, review=review["id"], line=3)["errors"][0]
        assert (hidden["type"], hidden["path"]) == ("NOT_FOUND", ["addPullRequestReviewThread"])
        answer = data(bob, REPLY, id=thread["id"])["addPullRequestReviewThreadReply"]["comment"]
        assert answer == {"state": "PENDING", "replyTo": {"id": first["id"]}}
        hub.settle()
        assert hub.hooks.deliveries == []
        done = data(bob, SUBMIT, id=review["id"], event="APPROVE")["submitPullRequestReview"]["pullRequestReview"]
        assert (done["state"], done["body"], done["comments"]["totalCount"]) == ("APPROVED", "So", 3)
        validate_hook(hub.hooks.delivery("pull_request_review", "submitted"))
        hub.hooks.delivery("pull_request_review_comment", "created", 3)
        again = ask(bob, SUBMIT, id=review["id"], event="COMMENT")["errors"][0]
        assert again["type"] == "UNPROCESSABLE"
        assert data(alice, REPLY, id=thread["id"])["addPullRequestReviewThreadReply"]["comment"]["state"] == "SUBMITTED"


def test_reviews_are_changed_over_graphql(hub: Any, pull: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        at_once = """mutation($id: ID!) { addPullRequestReview(input: {pullRequestId: $id, event: REQUEST_CHANGES, body: "No",
          threads: [{path: "a.txt", line: 3, body: "Here"}], comments: [{path: "a.txt", position: 2, body: "There"}]}) {
          reviewEdge { node { id state comments(first: 5) { nodes { id body line } } } } } }"""
        review = data(bob, at_once, id=pull["node_id"])["addPullRequestReview"]["reviewEdge"]["node"]
        said = {one["body"]: one for one in review["comments"]["nodes"]}
        assert (review["state"], said["Here"]["line"], said["There"]["line"]) == ("CHANGES_REQUESTED", 3, 2)
        change = """mutation($r: ID!, $c: ID!) {
          updatePullRequestReview(input: {pullRequestReviewId: $r, body: "Not yet"}) { pullRequestReview { body } }
          updatePullRequestReviewComment(input: {pullRequestReviewCommentId: $c, body: "Here!"}) {
            pullRequestReviewComment { body } } }"""
        changed = data(bob, change, r=review["id"], c=said["Here"]["id"])
        assert changed["updatePullRequestReview"]["pullRequestReview"]["body"] == "Not yet"
        validate_hook(hub.hooks.delivery("pull_request_review", "edited"))
        validate_hook(hub.hooks.delivery("pull_request_review_comment", "edited"))
        delete = """mutation($id: ID!) { deletePullRequestReviewComment(input: {id: $id}) {
          pullRequestReview { comments(first: 5) { totalCount } } } }"""
        left = data(bob, delete, id=said["There"]["id"])["deletePullRequestReviewComment"]["pullRequestReview"]
        assert left["comments"]["totalCount"] == 1
        dismiss = """mutation($id: ID!) { dismissPullRequestReview(input: {pullRequestReviewId: $id, message: "Old"}) {
          pullRequestReview { state } } }"""
        with hub.client("carol") as carol:
            assert ask(carol, dismiss, id=review["id"])["errors"][0]["type"] == "FORBIDDEN"
        dismissed = data(alice, dismiss, id=review["id"])["dismissPullRequestReview"]["pullRequestReview"]
        assert dismissed["state"] == "DISMISSED"
        validate_hook(hub.hooks.delivery("pull_request_review", "dismissed"))
        begun = data(bob, BEGIN, id=pull["node_id"])["addPullRequestReview"]["pullRequestReview"]
        drop = """mutation($id: ID!) { deletePullRequestReview(input: {pullRequestReviewId: $id}) {
          pullRequestReview { state } } }"""
        assert data(bob, drop, id=begun["id"])["deletePullRequestReview"]["pullRequestReview"]["state"] == "PENDING"
        own = ask(alice, BEGIN.replace("$id}", "$id, event: APPROVE}"), id=pull["node_id"])["errors"][0]
        assert (own["type"], own["message"]) == ("UNPROCESSABLE", "Review Can not approve your own pull request")


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
        review = ask(bob, BEGIN.replace("$id}", "$id, event: COMMENT, body: $b}").replace("$id: ID!", "$id: ID!, $b: String"),
                     id=pull["node_id"], b=long)["errors"][0]  # fmt: skip
        assert (review["type"], review["message"]) == ("UNPROCESSABLE", message.capitalize())
        answer = bob.post(f"{url}/reviews", json={"event": "COMMENT", "body": long})
        assert (answer.status_code, answer.json()["errors"]) == (422, [message.capitalize()])


def test_reactions_to_a_comment_on_a_line(hub: Any, pull: Any, validate: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        place = {"commit_id": pull["head"]["sha"], "path": "a.txt", "line": 3}
        made = bob.post(f"{SAMPLE}/pulls/{pull['number']}/comments", json=place | {"body": "b"}).json()
        url = f"{SAMPLE}/pulls/comments/{made['id']}"
        reaction = validate(alice.post(f"{url}/reactions", json={"content": "+1"}), "Reaction", 201)
        assert alice.post(f"{url}/reactions", json={"content": "+1"}).status_code == 200
        assert alice.post(f"{url}/reactions", json={"content": "check"}).status_code == 422
        assert [one["content"] for one in validate(bob.get(f"{url}/reactions"), "list[Reaction]")] == ["+1"]
        assert bob.get(url).json()["reactions"]["+1"] == 1
        assert bob.delete(f"{url}/reactions/{reaction['id']}").status_code == 403
        assert alice.delete(f"{url}/reactions/{reaction['id']}").status_code == 204
        begun = {"comments": [{"path": "a.txt", "line": 30, "body": "Hidden"}]}
        review = bob.post(f"{SAMPLE}/pulls/{pull['number']}/reviews", json=begun).json()
        (hidden,) = bob.get(f"{SAMPLE}/pulls/{pull['number']}/reviews/{review['id']}/comments").json()
        assert (
            alice.post(f"{SAMPLE}/pulls/comments/{hidden['id']}/reactions", json={"content": "+1"}).status_code == 404
        )


def test_answers_outlive_what_they_answer(hub: Any, pull: Any) -> None:
    url = f"{SAMPLE}/pulls/{pull['number']}"
    with hub.client("bob") as bob:
        place = {"commit_id": pull["head"]["sha"], "path": "a.txt", "line": 3}
        first = bob.post(f"{url}/comments", json=place | {"body": "1"}).json()["id"]
        second, third = (bob.post(f"{url}/comments/{first}/replies", json={"body": n}).json()["id"] for n in "23")
        assert bob.delete(f"{SAMPLE}/pulls/comments/{first}").status_code == 204
        left = {one["id"]: one.get("in_reply_to_id") for one in bob.get(f"{url}/comments").json()}
        assert left == {second: None, third: second}
