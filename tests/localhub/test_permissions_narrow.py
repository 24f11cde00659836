"""What a refusal gives away, and what a permission for pull requests opens: nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from tests.localhub.asker import ALL, CALLS, Asker, refusal


def test_who_is_refused_learns_nothing_of_the_body(asker: Asker) -> None:
    """GitHub looks at credentials first: 403 and 404 come before what is wrong with the JSON; then nothing happens."""
    wrong: list[str] = []
    hub = asker.hub
    carol, nobody, before = hub.client("carol"), hub.client(), _rows(hub)
    for call in CALLS:
        if call.body is None:
            continue
        for body in ("[[1]]", json.dumps({key: {"x": []} for key in json.loads(call.body)})):
            misshapen = replace(call, body=body)
            lacking = asker.token({name: "write" for name in ALL if name not in call.any_of})
            refused = asker.ask(lacking, misshapen)
            if refusal(refused):
                wrong.append(f"{call} {body}: {refused.status_code} {refused.text[:90]}")
            if (
                call.role not in ("read", "-")
                and not call.is_edit
                and asker.ask(carol, misshapen).status_code not in (403, 404)
            ):
                wrong.append(f"{call} {body} by carol")
            if asker.ask(nobody, misshapen).status_code != 404:
                wrong.append(f"{call} {body} by nobody")
            told = asker.ask(asker.token(dict.fromkeys(call.any_of, call.level)), misshapen)
            if told.status_code not in (400, 404, 422) and not told.is_success:
                wrong.append(f"{call} {body} with all that is needed: {told.status_code} {told.text[:90]}")
    assert not wrong, "\n".join(wrong)
    assert _rows(hub) == before


def _rows(hub: Any) -> dict[str, int]:
    """How much there is of everything but tokens and what is made when one looks."""
    hub.settle()
    names = [row[0] for row in hub.hub.db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: hub.hub.db.value(f"SELECT COUNT(*) FROM {name}") for name in names if name != "tokens"}


def test_a_permission_for_pull_requests_opens_no_issue(asker: Asker) -> None:
    """Labels, comments and edits are the same calls for both kinds; the permission is not the same."""
    bot = asker.token({"pull_requests": "write", "issues": "read"})
    for path, body in (
        ("labels", {"labels": ["bug"]}),
        ("comments", {"body": "x"}),
        ("assignees", {"assignees": ["bob"]}),
    ):
        assert not refusal(bot.post(f"{asker.name}/issues/1/{path}", json=body))
        assert bot.post(f"{asker.name}/issues/2/{path}", json=body).is_success
    assert not refusal(bot.patch(f"{asker.name}/issues/1", json={"title": "y"}))
    assert bot.get(f"{asker.name}/issues/1").status_code == 200
    assert not refusal(asker.token({"pull_requests": "write"}).get(f"{asker.name}/issues/1"))


def test_a_permission_for_pull_requests_opens_no_issues_comment(asker: Asker) -> None:
    """By its id a comment says nothing of where it is; what may be done to it is that of its issue or pull request."""
    alice, name = asker.hub.client("alice"), asker.name
    reactions = {
        comment: alice.post(f"{name}/issues/comments/{comment}/reactions", json={"content": "eyes"}).json()["id"]
        for comment in (asker.comment, asker.remark)
    }
    bot, whole = asker.token({"pull_requests": "write"}), asker.token({"pull_requests": "write", "issues": "read"})

    def calls(comment: int) -> Iterator[tuple[str, str, dict[str, str] | None]]:
        path = f"{name}/issues/comments/{comment}"
        yield "PATCH", path, {"body": "mine"}
        yield "POST", f"{path}/reactions", {"content": "+1"}
        yield "DELETE", f"{path}/reactions/{reactions[comment]}", None
        yield "DELETE", path, None

    for method, path, body in calls(asker.comment):
        for client in (bot, whole):
            assert not refusal(client.request(method, path, json=body)), (method, path)
    for path in (f"comments/{asker.comment}", f"comments/{asker.comment}/reactions", "1/reactions"):
        assert not refusal(bot.get(f"{name}/issues/{path}")), path
        assert whole.get(f"{name}/issues/{path}").status_code == 200
    assert alice.get(f"{name}/issues/comments/{asker.comment}").json()["body"] == "x"

    for method, path, body in calls(asker.remark):
        answer = bot.request(method, path, json=body)
        others = "reactions/" in path  # of which one may only take away one's own
        assert answer.is_success or (others and answer.status_code == 403), (method, path, answer.text)


def test_lists_for_an_app_that_may_read_pull_requests_alone(asker: Asker) -> None:
    alice, name = asker.hub.client("alice"), asker.name
    for number in (1, 2):
        alice.post(f"{name}/issues/{number}/labels", json={"labels": ["bug"]})
    bot, whole = asker.token({"pull_requests": "read"}), asker.token({"issues": "read"})
    assert [each["number"] for each in bot.get(f"{name}/issues").json()] == [2]
    assert [each["body"] for each in bot.get(f"{name}/issues/comments").json()] == ["on the pull"]
    events = whole.get(f"{name}/issues/events").json()
    assert {each["issue"]["number"] for each in events} == {1, 2}
    assert {each["issue"]["number"] for each in bot.get(f"{name}/issues/events").json()} == {2}
    for each in events:
        told = bot.get(f"{name}/issues/events/{each['id']}").status_code
        assert told == (200 if each["issue"]["number"] == 2 else 403)
    one = bot.get(f"{name}/issues/comments", params={"per_page": 1, "sort": "updated"})
    assert "Link" not in one.headers


def test_what_is_public_ends_where_people_need_more_than_to_read(asker: Asker) -> None:
    """Nobody and an app from elsewhere read a public repository's code and talk, not its settings, hooks or variables."""
    hub, public = asker.hub, "/repos/alice/open"
    alice, elsewhere = hub.client("alice"), hub.bot(dict.fromkeys(ALL, "write"), ["sample"])
    assert alice.put(f"{public}/contents/a", json={"message": "m", "content": "eA=="}).status_code == 201
    none = {"required_status_checks": None, "required_pull_request_reviews": None, "restrictions": None}
    alice.put(f"{public}/branches/main/protection", json=none | {"enforce_admins": True})
    alice.post(f"{public}/actions/variables", json={"name": "V", "value": "not for everyone"})
    for path, mallory in (
        ("branches/main/protection", 403), ("branches/main/protection/enforce_admins", 403), ("hooks", 404), ("collaborators", 403),
        ("collaborators/bob/permission", 403), ("actions/variables", 403), ("actions/variables/V", 403), ("actions/secrets", 403),
        ("actions/secrets/public-key", 403),
    ):  # fmt: skip
        assert alice.get(f"{public}/{path}").status_code == 200, path
        asked = [
            client.get(f"{public}/{path}").status_code for client in (elsewhere, hub.client("mallory"), hub.client())
        ]
        assert asked == [403, mallory, 401], path
    for path in (
        "",
        "/branches/main",
        "/issues",
        "/contents/a",
        "/commits/main/check-runs",
        "/actions/runs",
        "/rules/branches/main",
    ):
        assert elsewhere.get(f"{public}{path}").status_code == hub.client().get(f"{public}{path}").status_code == 200
