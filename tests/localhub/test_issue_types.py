"""Types of issues, which organisations have."""

from __future__ import annotations

from typing import Any

TOOLS = "/repos/acme/tools"


def test_types_of_issues(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("octo-owner") as owner, hub.client("bob") as bob, hub.client("alice") as alice:
        types = validate(owner.get("/orgs/acme/issue-types"), "list[IssueType]")
        assert [one["name"] for one in types] == ["Task", "Bug", "Feature"]
        made = validate(owner.post("/orgs/acme/issue-types", json={"name": "Epic", "is_enabled": True}), "IssueType")
        assert owner.post("/orgs/acme/issue-types", json={"name": "epic", "is_enabled": True}).status_code == 422
        assert bob.post("/orgs/acme/issue-types", json={"name": "Mine", "is_enabled": True}).status_code == 403
        assert alice.get("/orgs/acme/issue-types").status_code == 404
        one = validate(owner.post(f"{TOOLS}/issues", json={"title": "One", "type": "bug"}), "Issue")
        assert one["type"]["name"] == "Bug"
        typed = validate_hook(hub.hooks.delivery("issues", "typed"))
        assert typed["type"]["name"] == "Bug"
        url = f"{TOOLS}/issues/{one['number']}"
        assert owner.patch(url, json={"type": "Epic"}).json()["type"]["id"] == made["id"]
        document = "query($id: ID!) { node(id: $id) { ... on Issue { issueType { name color isEnabled } } } }"
        found = owner.post("/graphql", json={"query": document, "variables": {"id": one["node_id"]}}).json()
        assert found["data"]["node"]["issueType"] == {"name": "Epic", "color": "GRAY", "isEnabled": True}
        hub.admin("/clock", {"advance": 5})
        search = owner.get("/search/issues", params={"q": "repo:acme/tools type:Epic"}).json()
        assert [each["number"] for each in search["items"]] == [one["number"]]
        assert owner.patch(url, json={"type": None}).json()["type"] is None
        validate_hook(hub.hooks.delivery("issues", "untyped"))
        assert owner.patch(url, json={"type": "Nonsense"}).status_code == 422
        assert owner.patch(url, json={"title": "Two"}).json()["type"] is None
        assert alice.post("/repos/alice/sample/issues", json={"title": "x", "type": "Bug"}).status_code == 422
        events = [each["event"] for each in owner.get(f"{url}/events").json()]
        assert [each for each in events if "type" in each] == [
            "issue_type_added",
            "issue_type_changed",
            "issue_type_removed",
        ]
        off = {"name": "Epic", "is_enabled": False, "color": "pink"}
        changed = validate(owner.put(f"/orgs/acme/issue-types/{made['id']}", json=off), "IssueType")
        assert changed["color"] == "pink"
        assert owner.patch(url, json={"type": "Epic"}).status_code == 422
        assert owner.delete(f"/orgs/acme/issue-types/{made['id']}").status_code == 204
        assert len(owner.get("/orgs/acme/issue-types").json()) == 3
