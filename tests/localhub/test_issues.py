"""Issues over REST: each call and each webhook judged by GitHub's own schemas."""

from __future__ import annotations

from typing import Any

REPO = "/repos/alice/sample"


def make(client: Any, title: str = "A title", **more: Any) -> dict[str, Any]:
    answer = client.post(f"{REPO}/issues", json={"title": title, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_an_issue_is_opened_edited_closed_and_reopened(hub, validate, validate_hook):
    bob, bot = hub.client("bob"), hub.bot()
    issue = validate(
        bob.post(f"{REPO}/issues", json={"title": "Broken", "body": "It is.", "labels": ["bug"], "assignees": ["bob"]}),
        "Issue",
        201,
    )
    assert (issue["number"], issue["state"], issue["author_association"]) == (1, "open", "COLLABORATOR")
    assert [each["name"] for each in issue["labels"]] == ["bug"]
    assert [each["login"] for each in issue["assignees"]] == ["bob"]
    for action in ("opened", "labeled", "assigned"):
        payload = validate_hook(hub.hooks.delivery("issues", action))
        assert payload["issue"]["id"] == issue["id"]
        assert payload["sender"]["login"] == "bob"
        assert payload["installation"]["id"] == hub.installation_id

    url = f"{REPO}/issues/1"
    validate(bot.get(url), "Issue")
    edited = validate(bot.patch(url, json={"title": "Quite broken", "body": "New."}), "Issue")
    assert edited["body"] == "New."
    payload = validate_hook(hub.hooks.delivery("issues", "edited"))
    assert payload["changes"] == {"title": {"from": "Broken"}, "body": {"from": "It is."}}
    assert payload["sender"]["login"] == "branchwork[bot]"

    closed = validate(bot.patch(url, json={"state": "closed", "state_reason": "not_planned"}), "Issue")
    assert (closed["state_reason"], closed["closed_by"]["login"]) == ("not_planned", "branchwork[bot]")
    validate_hook(hub.hooks.delivery("issues", "closed"))
    assert hub.client("bob").get(REPO).json()["open_issues_count"] == 0
    reopened = validate(bot.patch(url, json={"state": "open"}), "Issue")
    assert (reopened["state_reason"], reopened["closed_at"]) == ("reopened", None)
    validate_hook(hub.hooks.delivery("issues", "reopened"))

    events = validate(bot.get(f"{url}/events"), "list[IssueEvent]")
    assert [each["event"] for each in events] == ["labeled", "assigned", "renamed", "closed", "reopened"]
    validate(bot.get(f"{REPO}/issues/events"), "list[IssueEvent]")
    validate(bot.get(f"{REPO}/issues/events/{events[0]['id']}"), "IssueEvent")


def test_an_app_may_write_and_is_named(hub, validate):
    issue = make(hub.bot(), "From the app")
    assert issue["user"]["type"] == "Bot"
    assert issue["performed_via_github_app"]["slug"] == "branchwork"
    assert issue["author_association"] == "NONE"


def test_titles_and_bodies_have_limits(hub):
    bob = hub.client("bob")
    assert make(bob, body="x" * 65_536)["number"] == 1
    answer = bob.post(f"{REPO}/issues", json={"title": "t", "body": "x" * 65_537})
    assert answer.status_code == 422
    assert answer.json()["errors"][0] == {
        "resource": "Issue", "field": "body", "code": "custom",
        "message": "body is too long (maximum is 65536 characters)",
    }  # fmt: skip
    assert bob.post(f"{REPO}/issues", json={"title": "t" * 257}).status_code == 422
    assert bob.post(f"{REPO}/issues", json={"title": ""}).status_code == 422
    assert bob.post(f"{REPO}/issues", json={"body": "no title"}).status_code == 422
    assert bob.post(f"{REPO}/issues", content=b"{").json()["message"] == "Problems parsing JSON"
    assert bob.patch(f"{REPO}/issues/1", json={"body": "x" * 65_537}).status_code == 422
    assert make(bob)["number"] == 2, "a refused issue takes no number"


def test_who_may_do_what(hub):
    make(hub.client("alice"))
    url = f"{REPO}/issues/1"
    assert hub.client("mallory").get(url).status_code == 404
    assert hub.client().get(url).status_code == 404
    assert hub.client("carol").get(url).status_code == 200
    assert hub.client("carol").patch(url, json={"title": "x"}).status_code == 403
    assert hub.client("carol").post(f"{url}/labels", json={"labels": ["bug"]}).status_code == 403
    made = make(hub.client("carol"), labels=["bug"], assignees=["bob"])
    assert (made["labels"], made["assignees"]) == ([], []), "silently dropped without triage permission"
    own = hub.client("carol").patch(f"{REPO}/issues/{made['number']}", json={"state": "closed"})
    assert own.json()["state"] == "closed"
    reader = hub.bot({"issues": "read"})
    assert reader.get(url).status_code == 200
    refused = reader.patch(url, json={"title": "x"})
    assert (refused.status_code, refused.json()["message"]) == (403, "Resource not accessible by integration")
    assert hub.client("bob").get(f"{REPO}/issues/99").status_code == 404
    assert hub.client("bob").get(f"{REPO}/issues/nonsense").status_code == 404


def test_labels(hub, validate, validate_hook):
    bot = hub.bot()
    validate(bot.get(f"{REPO}/labels"), "list[Label]")
    label = validate(bot.post(f"{REPO}/labels", json={"name": "area/core", "color": "ABCDEF"}), "Label", 201)
    assert label["color"] == "abcdef"
    validate_hook(hub.hooks.delivery("label", "created"))
    twice = bot.post(f"{REPO}/labels", json={"name": "Area/Core"})
    assert twice.json()["errors"][0]["code"] == "already_exists"
    assert bot.post(f"{REPO}/labels", json={"name": "x", "color": "red"}).status_code == 422
    changed = validate(bot.patch(f"{REPO}/labels/area%2Fcore", json={"new_name": "core"}), "Label")
    assert changed["name"] == "core"
    validate_hook(hub.hooks.delivery("label", "edited"))

    make(bot)
    url = f"{REPO}/issues/1/labels"
    assert len(validate(bot.post(url, json={"labels": ["core", "bug"]}), "list[Label]")) == 2
    assert validate_hook(hub.hooks.delivery("issues", "labeled", 2))["label"]["name"] == "bug"
    assert [each["name"] for each in validate(bot.put(url, json=["bug", "new one"]), "list[Label]")] == [
        "bug",
        "new one",
    ]
    assert validate_hook(hub.hooks.delivery("issues", "unlabeled"))["label"]["name"] == "core"
    assert len(validate(bot.get(url), "list[Label]")) == 2
    assert len(validate(bot.delete(f"{url}/new%20one"), "list[Label]")) == 1
    missing = bot.delete(f"{url}/core")
    assert (missing.status_code, missing.json()["message"]) == (404, "Label does not exist")
    assert bot.delete(url).status_code == 204
    assert bot.delete(f"{REPO}/labels/core").status_code == 204
    validate_hook(hub.hooks.delivery("label", "deleted"))
    assert bot.get(f"{REPO}/labels/core").status_code == 404


def test_who_and_what_cannot_be_given_to_an_issue(hub):
    """GitHub refuses to create or edit with people or milestones that are none; adding people passes over them."""
    bob, carol = hub.client("bob"), hub.client("carol")
    for wrong, name in (
        ({"assignees": ["bob", "nobody"]}, "assignees"), ({"assignees": ["mallory"]}, "assignees"),
        ({"milestone": "abc"}, "milestone"), ({"milestone": 2**70}, "milestone"), ({"milestone": 9}, "milestone"),
    ):  # fmt: skip
        made = bob.post(f"{REPO}/issues", json={"title": "x", **wrong})
        told = made.json()["errors"][0]
        assert (made.status_code, told["field"], told["code"]) == (422, name, "invalid")
    assert bob.get(f"{REPO}/issues").json() == []
    number = carol.post(f"{REPO}/issues", json={"title": "x", "assignees": ["nobody"]}).json()["number"]
    url = f"{REPO}/issues/{number}"
    assert bob.patch(url, json={"assignees": ["carol", "bob"]}).status_code == 200, "the author may be assigned"
    for wrong in ({"assignees": ["mallory"]}, {"milestone": "abc"}, {"milestone": 2**70}):
        assert bob.patch(url, json={"title": "new", **wrong}).status_code == 422
    assert bob.post(f"{url}/assignees", json={"assignees": ["mallory", "alice"]}).status_code == 201
    shown = bob.get(url).json()
    assert ([each["login"] for each in shown["assignees"]], shown["title"]) == (["carol", "bob", "alice"], "x")


def test_assignees_milestones_and_locks(hub, validate, validate_hook):
    bob = hub.client("bob")
    make(bob)
    url = f"{REPO}/issues/1"
    given = validate(bob.post(f"{url}/assignees", json={"assignees": ["bob", "alice", "mallory"]}), "Issue", 201)
    assert [each["login"] for each in given["assignees"]] == ["bob", "alice"]
    taken = validate(bob.request("DELETE", f"{url}/assignees", json={"assignees": ["bob"]}), "Issue")
    assert [each["login"] for each in taken["assignees"]] == ["alice"]
    validate_hook(hub.hooks.delivery("issues", "unassigned"))
    validate(bob.get(f"{REPO}/assignees"), "list[SimpleUser]")
    assert bob.get(f"{REPO}/assignees/mallory").status_code == 404
    milestone = validate(bob.post(f"{REPO}/milestones", json={"title": "v1"}), "Milestone", 201)
    changed = validate(bob.patch(url, json={"milestone": milestone["number"]}), "Issue")
    assert changed["milestone"]["open_issues"] == 1
    validate_hook(hub.hooks.delivery("issues", "milestoned"))
    validate(bob.patch(url, json={"milestone": None}), "Issue")
    validate_hook(hub.hooks.delivery("issues", "demilestoned"))
    assert bob.put(f"{url}/lock", json={"lock_reason": "too heated"}).status_code == 204
    validate_hook(hub.hooks.delivery("issues", "locked"))
    assert hub.client("carol").post(f"{url}/comments", json={"body": "But"}).status_code == 403
    assert bob.delete(f"{url}/lock").status_code == 204
    validate_hook(hub.hooks.delivery("issues", "unlocked"))


def test_comments_carry_who_changed_what(hub, validate, validate_hook):
    bot, bob = hub.bot(), hub.client("bob")
    make(bob)
    url = f"{REPO}/issues/1/comments"
    comment = validate(bot.post(url, json={"body": "- [ ] approve"}), "IssueComment", 201)
    validate_hook(hub.hooks.delivery("issue_comment", "created"))
    one = f"{REPO}/issues/comments/{comment['id']}"
    validate(bob.patch(one, json={"body": "- [x] approve"}), "IssueComment")
    payload = validate_hook(hub.hooks.delivery("issue_comment", "edited"))
    assert payload["changes"] == {"body": {"from": "- [ ] approve"}}
    assert payload["sender"]["login"] == "bob"
    assert payload["comment"]["user"]["login"] == "branchwork[bot]"
    validate(bot.get(one), "IssueComment")
    assert len(validate(bot.get(url), "list[IssueComment]")) == 1
    assert len(validate(bot.get(f"{REPO}/issues/comments"), "list[IssueComment]")) == 1
    assert bob.get(f"{REPO}/issues/1").json()["comments"] == 1
    assert bot.post(url, json={"body": "x" * 65_537}).status_code == 422
    assert bot.post(url, json={"body": " "}).status_code == 422
    assert hub.client("carol").patch(one, json={"body": "mine"}).status_code == 403
    timeline = validate(bob.get(f"{REPO}/issues/1/timeline"), "list[TimelineCommentEvent]")
    assert timeline[0]["event"] == "commented"
    assert bob.delete(one).status_code == 204
    validate_hook(hub.hooks.delivery("issue_comment", "deleted"))
    assert bob.get(one).status_code == 404


def test_reactions_are_silent(hub, validate):
    bob = hub.client("bob")
    make(bob)
    comment = bob.post(f"{REPO}/issues/1/comments", json={"body": "Plan"}).json()
    hub.settle()
    before = len(hub.hooks.deliveries)
    for base in (f"{REPO}/issues/1/reactions", f"{REPO}/issues/comments/{comment['id']}/reactions"):
        reaction = validate(bob.post(base, json={"content": "+1"}), "Reaction", 201)
        assert bob.post(base, json={"content": "+1"}).status_code == 200
        assert bob.post(base, json={"content": "white_check_mark"}).status_code == 422
        assert len(validate(bob.get(base), "list[Reaction]")) == 1
        assert validate(bob.get(base, params={"content": "heart"}), "list[Reaction]") == []
        assert hub.client("alice").delete(f"{base}/{reaction['id']}").status_code == 403
    assert validate(bob.get(f"{REPO}/issues/1"), "Issue")["reactions"]["+1"] == 1
    assert (
        bob.delete(f"{REPO}/issues/1/reactions/{bob.get(f'{REPO}/issues/1/reactions').json()[0]['id']}").status_code
        == 204
    )
    hub.settle()
    assert len(hub.hooks.deliveries) == before


def test_lists_filter_and_page(hub, validate):
    bob = hub.client("bob")
    for number in range(5):
        make(bob, f"Issue {number}", labels=["bug"] if number % 2 else [])
    make(hub.bot(), "Bot's")
    bob.patch(f"{REPO}/issues/1", json={"state": "closed"})

    def numbers(**query: Any) -> list[int]:
        return [each["number"] for each in validate(bob.get(f"{REPO}/issues", params=query), "list[Issue]")]

    assert numbers() == [6, 5, 4, 3, 2]
    assert numbers(state="closed") == [1]
    assert numbers(state="all", direction="asc", per_page=2, page=2) == [3, 4]
    assert numbers(labels="bug") == [4, 2]
    assert numbers(creator="branchwork[bot]") == [6]
    assert numbers(assignee="none") == [6, 5, 4, 3, 2]
    assert numbers(assignee="bob") == []
    assert bob.get(f"{REPO}/issues", params={"state": "odd"}).status_code == 422
    link = bob.get(f"{REPO}/issues", params={"state": "all", "per_page": 2, "page": 2}).links
    assert set(link) == {"prev", "next", "last", "first"}
    assert link["next"]["url"] == f"{hub.url}/api/v3{REPO}/issues?state=all&per_page=2&page=3"
    followed = hub.client("bob", prefix="").get(f"{REPO}/issues", params={"per_page": 1})
    assert followed.links["next"]["url"] == f"{hub.url}{REPO}/issues?per_page=1&page=2"


def test_search_lags(hub, validate):
    bob = hub.client("bob")
    hub.admin("/clock", {"freeze": True})
    make(bob, "Find the marker abc123", labels=["bug"])

    def found(query: str) -> list[int]:
        answer = validate(bob.get("/search/issues", params={"q": query}), "SearchIssuesGetResponse200")
        return [each["number"] for each in answer["items"]]

    assert found("repo:alice/sample abc123") == []
    hub.admin("/clock", {"advance": 3})
    assert found("repo:alice/sample abc123 is:issue is:open label:bug author:bob") == [1]
    assert found("repo:alice/sample -abc123") == []
    bob.patch(f"{REPO}/issues/1", json={"state": "closed"})
    assert found("is:closed") == [], "not yet"
    hub.admin("/clock", {"advance": 3})
    assert found("is:closed") == [1]
    assert hub.client("mallory").get("/search/issues", params={"q": "abc123"}).json()["total_count"] == 0
    assert bob.get("/search/issues").status_code == 422


def test_an_author_who_only_reads_changes_text_and_state_and_no_more(hub):
    with hub.client("carol") as carol:
        assert carol.post("/repos/alice/sample/issues", json={"title": "Mine"}).status_code == 201
        wanted = {"title": "Still mine", "labels": ["bug"], "assignees": ["carol"], "state": "closed"}
        changed = carol.patch("/repos/alice/sample/issues/1", json=wanted).json()
    assert (changed["title"], changed["state"]) == ("Still mine", "closed")
    assert (changed["labels"], changed["assignees"]) == ([], [])


def test_authors_who_only_read_lock_and_label_nothing_over_graphql(hub):
    with hub.client("carol") as carol, hub.client("bob") as bob:
        mine = carol.post("/repos/alice/sample/issues", json={"title": "Mine"}).json()["node_id"]
        label = bob.get("/repos/alice/sample/labels/bug").json()["node_id"]

        def ask(mutation: str, fields: str) -> dict:
            document = f"mutation {{ {mutation}(input: {{ {fields} }}) {{ clientMutationId }} }}"
            return carol.post("/graphql", json={"query": document}).json()

        assert ask("addLabelsToLabelable", f'labelableId: "{mine}", labelIds: ["{label}"]')["errors"]
        assert ask("lockLockable", f'lockableId: "{mine}"')["errors"]
        assert "errors" not in ask("updateIssue", f'id: "{mine}", title: "Still mine", labelIds: ["{label}"]')
        assert "errors" not in ask("closeIssue", f'issueId: "{mine}"')
        shown = carol.get("/repos/alice/sample/issues/1").json()
    assert (shown["title"], shown["state"], shown["labels"], shown["locked"]) == ("Still mine", "closed", [], False)
