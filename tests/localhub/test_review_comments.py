"""Comments on lines and files of a pull request: what pushes, deletions, answers and reactions do to them."""

from __future__ import annotations

from typing import Any

from tests.localhub.graph import data
from tests.localhub.repository import SAMPLE, put


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
        after = put(alice, "a.txt", "new\n" + "\n".join(lines) + "\n", "topic")

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
