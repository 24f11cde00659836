"""GraphQL asks an app for the same permissions as REST: what it has not is null with FORBIDDEN, and says nothing."""

from __future__ import annotations

from typing import Any

import pytest

REPO = "/repos/alice/sample"


@pytest.fixture
def nodes(hub: Any) -> dict[str, str]:
    """An issue (1) with a comment, a pull request (2) with a check, a label; their node ids."""
    bob = hub.client("bob")
    made = {"issue": bob.post(f"{REPO}/issues", json={"title": "secret issue"}).json()["node_id"]}
    made["comment"] = bob.post(f"{REPO}/issues/1/comments", json={"body": "secret comment"}).json()["node_id"]
    sha = bob.get(f"{REPO}/git/ref/heads/main").json()["object"]["sha"]
    bob.post(f"{REPO}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
    bob.put(f"{REPO}/contents/x", json={"message": "secret commit", "content": "eA==", "branch": "topic"})
    made["pull"] = bob.post(f"{REPO}/pulls", json={"title": "secret pull", "head": "topic", "base": "main"}).json()[
        "node_id"
    ]
    made["remark"] = bob.post(f"{REPO}/issues/2/comments", json={"body": "secret remark"}).json()["node_id"]
    head = bob.get(f"{REPO}/pulls/2").json()["head"]["sha"]
    bob.post(f"{REPO}/statuses/{head}", json={"state": "success", "context": "secret status"})
    made["repository"] = bob.get(REPO).json()["node_id"]
    hub.settle()
    return made


def inside(fields: str) -> str:
    return f'{{ repository(owner: "alice", name: "sample") {{ name {fields} }} }}'


PULL = "pullRequest(number: 2)"
QUERIES = [
    ("issues", inside("issue(number: 1) { title }")),
    ("issues", inside("issues(first: 5) { nodes { title } }")),
    ("issues", inside("issues(first: 5) { edges { node { title } } }")),
    ("issues", "{ node(id: \"<ISSUE>\") { ... on Issue { title } } }"),
    ("issues", "{ nodes(ids: [\"<ISSUE>\"]) { ... on Issue { title } } }"),
    ("issues", "{ node(id: \"<COMMENT>\") { ... on IssueComment { body } } }"),
    ("issues pull_requests", "{ node(id: \"<REMARK>\") { ... on IssueComment { body } } }"),
    ("pull_requests", inside(f"{PULL} {{ title }}")),
    ("pull_requests", inside("pullRequests(first: 5) { nodes { title } }")),
    ("pull_requests", "{ node(id: \"<PULL>\") { ... on PullRequest { title } } }"),
    ("contents pull_requests", inside("defaultBranchRef { name }")),
    ("contents pull_requests", inside("ref(qualifiedName: \"refs/heads/topic\") { target { oid } }")),
]  # fmt: skip


@pytest.mark.parametrize(("needs", "query"), QUERIES)
def test_reading_wants_a_permission(hub: Any, nodes: dict[str, str], needs: str, query: str) -> None:
    for name, node in nodes.items():
        query = query.replace(f"<{name.upper()}>", node)

    def ask(client: Any) -> tuple[str, Any]:
        answer = client.post(f"{hub.url}/graphql", json={"query": query})
        assert answer.status_code == 200
        return str(answer.json().get("data")), answer.json().get("errors")

    others = {"actions", "checks", "contents", "issues", "pull_requests", "statuses"} - set(needs.split())
    data, errors = ask(hub.bot(dict.fromkeys(others, "read")))
    assert "secret" not in data
    assert "'oid'" not in data
    assert errors, data
    assert (errors[0]["type"], errors[0]["message"]) == ("FORBIDDEN", "Resource not accessible by integration")
    assert errors[0]["path"]
    for permission in needs.split():
        data, errors = ask(hub.bot({permission: "read"}))
        assert errors is None, (permission, errors)
    assert ask(hub.client("carol"))[1] is None, "people have roles instead"


def test_one_field_is_refused_and_the_others_are_not(hub: Any, nodes: dict[str, str]) -> None:
    rollup = "commits(first: 1) { nodes { commit { oid statusCheckRollup { state } } } }"
    query = inside(f"{PULL} {{ title {rollup} }} issue(number: 1) {{ title }}")
    answer = hub.bot({"pull_requests": "read"}).post(f"{hub.url}/graphql", json={"query": query}).json()
    repository = answer["data"]["repository"]
    assert (repository["name"], repository["pullRequest"]["title"], repository["issue"]) == (
        "sample",
        "secret pull",
        None,
    )
    assert repository["pullRequest"]["commits"]["nodes"][0]["commit"]["statusCheckRollup"] is None
    assert sorted(error["path"] for error in answer["errors"]) == [
        ["repository", "issue"],
        ["repository", "pullRequest", "commits", "nodes", 0, "commit", "statusCheckRollup"],
    ]
    whole = hub.bot({"pull_requests": "read", "issues": "read", "statuses": "read"})
    assert "errors" not in whole.post(f"{hub.url}/graphql", json={"query": query}).json()


WRITES = [
    ('addComment(input: {subjectId: "<>", body: "b"})', "issue pull"),
    ('addReaction(input: {subjectId: "<>", content: EYES})', "issue comment pull remark"),
    ('removeReaction(input: {subjectId: "<>", content: EYES})', "issue comment pull remark"),
    ('updateIssue(input: {id: "<>", title: "new"})', "issue"),
    ('closeIssue(input: {issueId: "<>"})', "issue"),
    ('addLabelsToLabelable(input: {labelableId: "<>", labelIds: []})', "issue pull"),
    ('addAssigneesToAssignable(input: {assignableId: "<>", assigneeIds: []})', "issue pull"),
    ('lockLockable(input: {lockableId: "<>"})', "issue pull"),
    ('minimizeComment(input: {subjectId: "<>", classifier: SPAM})', "comment remark"),
    ('updateIssueComment(input: {id: "<>", body: "new"})', "comment remark"),
    ('deleteIssueComment(input: {id: "<>"})', "comment remark"),
]


@pytest.mark.parametrize(("write", "subjects"), WRITES)
def test_a_permission_for_pull_requests_writes_to_no_issue(
    hub: Any, nodes: dict[str, str], write: str, subjects: str
) -> None:
    bot = hub.bot({"pull_requests": "write", "issues": "read"})
    alone = hub.bot({"pull_requests": "write"})
    for subject in subjects.split():
        for client in (bot, alone):
            query = f"mutation {{ done: {write.replace('<>', nodes[subject])} {{ clientMutationId }} }}"
            answer = client.post(f"{hub.url}/graphql", json={"query": query}).json()
            if subject in ("issue", "comment"):
                assert answer["errors"][0]["type"] == "FORBIDDEN", (subject, answer)
            else:
                again = "Could not" in str(answer)  # the reaction or comment is gone since the first went away
                assert "errors" not in answer or again, (subject, answer)
    assert hub.client("bob").get(f"{REPO}/issues/1").json()["state"] == "open"


@pytest.mark.parametrize(
    ("write", "subjects"), [*WRITES, ('createIssue(input: {repositoryId: "<>", title: "x"})', "repository")]
)
def test_nothing_is_written_to_an_archived_repository(
    hub: Any, nodes: dict[str, str], write: str, subjects: str
) -> None:
    alice = hub.client("alice")
    assert alice.patch(REPO, json={"archived": True}).status_code == 200
    for subject in subjects.split():
        query = f"mutation {{ done: {write.replace('<>', nodes[subject])} {{ clientMutationId }} }}"
        (told,) = alice.post(f"{hub.url}/graphql", json={"query": query}).json()["errors"]
        assert (told["type"], told["message"]) == ("FORBIDDEN", "Repository was archived so is read-only.")
    assert [each["title"] for each in alice.get(f"{REPO}/issues?state=all").json()] == ["secret pull", "secret issue"]


def test_what_is_public_is_read_by_all(hub: Any, nodes: dict[str, str]) -> None:
    hub.client("alice").post("/repos/alice/open/issues", json={"title": "x"})
    query = '{ repository(owner: "alice", name: "open") { issue(number: 1) { title } } }'
    answer = hub.bot({"metadata": "read"}).post(f"{hub.url}/graphql", json={"query": query}).json()
    assert answer["data"]["repository"]["issue"]["title"] == "x"


def test_a_search_finds_only_what_may_be_read(hub: Any, nodes: dict[str, str]) -> None:
    hub.admin("/clock", {"advance": 5})

    def found(permissions: dict[str, str]) -> list[str]:
        answer = hub.bot(permissions).get("/search/issues", params={"q": "repo:alice/sample secret"}).json()
        assert answer["total_count"] == len(answer["items"])
        return sorted(each["title"] for each in answer["items"])

    query = '{ search(query: "repo:alice/sample secret", type: ISSUE, first: 5) { issueCount } }'
    counted = hub.bot({"issues": "read"}).post(f"{hub.url}/graphql", json={"query": query}).json()
    assert counted["data"]["search"]["issueCount"] == 1
    assert found({"metadata": "read"}) == []
    assert found({"issues": "read"}) == ["secret issue"]
    assert found({"pull_requests": "read"}) == ["secret pull"]
    assert found({"issues": "read", "pull_requests": "read"}) == ["secret issue", "secret pull"]
