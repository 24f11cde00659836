"""Topics of repositories and the search for repositories, as bots and gh use them."""

from __future__ import annotations

from typing import Any

SAMPLE = "/repos/alice/sample"


def test_topics_are_set_searched_and_told(hub: Any, validate: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob, hub.client("mallory") as mallory:
        put = alice.put(f"{SAMPLE}/topics", json={"names": ["Bots", "python", "bots"]})
        assert validate(put, "Topic") == {"names": ["bots", "python"]}
        assert validate_hook(hub.hooks.delivery("repository", "edited"))["changes"] == {"topics": {"from": []}}
        assert alice.get(SAMPLE).json()["topics"] == ["bots", "python"]
        assert validate(bob.get(f"{SAMPLE}/topics"), "Topic")["names"] == ["bots", "python"]
        assert bob.put(f"{SAMPLE}/topics", json={"names": []}).status_code == 403
        assert mallory.get(f"{SAMPLE}/topics").status_code == 404
        assert alice.put(f"{SAMPLE}/topics", json={"names": ["no space"]}).status_code == 422
        assert alice.put(f"{SAMPLE}/topics", json={"names": [f"t{n}" for n in range(21)]}).status_code == 422

        def found(client: Any, q: str) -> list[str]:
            answer = validate(client.get("/search/repositories", params={"q": q}), "SearchRepositoriesGetResponse200")
            return [each["full_name"] for each in answer["items"]]

        assert found(alice, "topic:bots") == ["alice/sample"]
        assert found(mallory, "topic:bots") == []
        assert found(alice, "sam user:alice") == ["alice/sample"]
        assert found(alice, "user:alice is:public") == ["alice/open"]
        assert found(alice, "user:alice -is:public sort:updated") == ["alice/other", "alice/sample"]
        assert alice.get("/search/repositories").status_code == 422


def test_a_person_s_organizations(hub: Any, validate: Any) -> None:
    with hub.client("bob") as bob, hub.client("alice") as alice, hub.bot() as bot:
        assert [each["login"] for each in validate(bob.get("/user/orgs"), "list[OrganizationSimple]")] == ["acme"]
        assert alice.get("/user/orgs").json() == []
        assert bot.get("/user/orgs").status_code == 403
        assert validate(alice.get("/orgs/acme"), "OrganizationFull")["login"] == "acme"
        assert alice.get("/orgs/alice").status_code == 404
        query = "{ viewer { organizations(first: 5, orderBy: {field: LOGIN, direction: ASC}) { nodes { login } } } }"
        assert bob.post("/graphql", json={"query": query}).json()["data"]["viewer"]["organizations"] == {
            "nodes": [{"login": "acme"}]
        }


def test_graphql_has_topics_authors_and_no_teams(hub: Any) -> None:
    with hub.client("alice") as alice:
        alice.put(f"{SAMPLE}/topics", json={"names": ["bots"]})
        message = "m\n\nCo-authored-by: Bob <bob@example.org>"
        body = {"message": message, "content": "", "branch": "main"}
        assert alice.put(f"{SAMPLE}/contents/empty.txt", json=body).status_code == 201
        query = """{ repository(owner: "alice", name: "sample") {
          repositoryTopics(first: 5) { nodes { topic { name } } }
          defaultBranchRef { target { ... on Commit { authors(first: 5) { nodes { email user { login } } } } } } }
          organization(login: "acme") { teams(first: 5, orderBy: {field: NAME, direction: ASC}) { totalCount } } }"""
        data = alice.post("/graphql", json={"query": query}).json()["data"]
        assert data["repository"]["repositoryTopics"]["nodes"] == [{"topic": {"name": "bots"}}]
        people = data["repository"]["defaultBranchRef"]["target"]["authors"]["nodes"]
        assert [each["user"]["login"] for each in people] == ["alice", "bob"]
        assert data["organization"]["teams"]["totalCount"] == 0
