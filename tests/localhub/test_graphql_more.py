"""What clients do over GraphQL besides reading issues: branches, commits, people, search, several mutations at once."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from tests.localhub.graph import ask, data
from tests.localhub.repository import SAMPLE


def error(client: httpx.Client, document: str, **variables: Any) -> tuple[str, str]:
    (found,) = ask(client, document, **variables)["errors"]
    return found["type"], found["message"]


def issue(client: httpx.Client, title: str, **more: Any) -> dict[str, Any]:
    made = client.post(f"{SAMPLE}/issues", json={"title": title, **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def main(client: httpx.Client) -> str:
    return str(client.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"])


@pytest.fixture
def repo(hub: Any) -> str:
    found = data(hub.client("alice"), '{ repository(owner: "alice", name: "sample") { id } }')
    return str(found["repository"]["id"])


CREATE_REF = """mutation($repo: ID!, $name: String!, $oid: GitObjectID!) {
  createRef(input: {repositoryId: $repo, name: $name, oid: $oid}) { ref { id name prefix target { oid } } } }"""
UPDATE_REF = """mutation($id: ID!, $oid: GitObjectID!, $force: Boolean) {
  updateRef(input: {refId: $id, oid: $oid, force: $force}) { ref { target { oid } } } }"""
COMMIT = """mutation($branch: CommittableBranch!, $oid: GitObjectID!, $files: FileChanges!) {
  createCommitOnBranch(input: {branch: $branch, expectedHeadOid: $oid, fileChanges: $files,
    message: {headline: "Change", body: "Because."}}) { commit { oid message author { user { login } } } ref { name } } }"""


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_branches_and_commits(hub: Any, repo: str, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("carol") as carol:
        oid = main(alice)
        ref = data(alice, CREATE_REF, repo=repo, name="refs/heads/topic", oid=oid)["createRef"]["ref"]
        assert (ref["name"], ref["prefix"], ref["target"]["oid"]) == ("topic", "refs/heads/", oid)
        validate_hook(hub.hooks.delivery("create"))
        assert error(alice, CREATE_REF, repo=repo, name="refs/heads/topic", oid=oid) == (
            "UNPROCESSABLE", "Reference already exists",
        )  # fmt: skip
        assert error(alice, CREATE_REF, repo=repo, name="topic", oid=oid)[0] == "UNPROCESSABLE"
        assert error(alice, CREATE_REF, repo=repo, name="refs/heads/x", oid="0" * 40)[0] == "UNPROCESSABLE"
        assert error(carol, CREATE_REF, repo=repo, name="refs/heads/x", oid=oid)[0] == "FORBIDDEN"
        branch = {"repositoryNameWithOwner": "alice/sample", "branchName": "topic"}
        files = {
            "additions": [{"path": "docs/a.md", "contents": encoded("Hello")}],
            "deletions": [{"path": "README.md"}],
        }
        made = data(alice, COMMIT, branch=branch, oid=oid, files=files)["createCommitOnBranch"]
        commit = made["commit"]
        assert (commit["message"], commit["author"]["user"]["login"]) == ("Change\n\nBecause.", "alice")
        push = validate_hook(hub.hooks.delivery("push", count=2))
        assert (push["head_commit"]["added"], push["head_commit"]["removed"]) == (["docs/a.md"], ["README.md"])
        stale = error(alice, COMMIT, branch={"id": ref["id"]}, oid=oid, files=files)
        assert stale == ("STALE_DATA", f'Expected branch to point to "{oid}" but it did not. Pull and try again.')
        gone = {"deletions": [{"path": "nowhere"}]}
        assert error(alice, COMMIT, branch={"id": ref["id"]}, oid=commit["oid"], files=gone)[0] == "UNPROCESSABLE"
        out = {"additions": [{"path": "../a", "contents": encoded("x")}]}
        assert error(alice, COMMIT, branch={"id": ref["id"]}, oid=commit["oid"], files=out)[0] == "UNPROCESSABLE"
        assert error(alice, UPDATE_REF, id=ref["id"], oid=oid) == ("UNPROCESSABLE", "Update is not a fast forward")
        forced = data(alice, UPDATE_REF, id=ref["id"], oid=oid, force=True)["updateRef"]["ref"]
        assert forced["target"]["oid"] == oid
        data(alice, "mutation($id: ID!) { deleteRef(input: {refId: $id}) { clientMutationId } }", id=ref["id"])
        validate_hook(hub.hooks.delivery("delete"))
        assert alice.get(f"{SAMPLE}/git/ref/heads/topic").status_code == 404


def test_protected_branches_are_protected_here_too(hub: Any, repo: str) -> None:
    rule = {"required_status_checks": None, "enforce_admins": True, "restrictions": None,
            "required_pull_request_reviews": {"required_approving_review_count": 1}}  # fmt: skip
    with hub.client("alice") as alice, hub.bot() as bot:
        assert alice.put(f"{SAMPLE}/branches/main/protection", json=rule).is_success
        branch, files = {"repositoryNameWithOwner": "alice/sample", "branchName": "main"}, {"additions": [
            {"path": "a", "contents": encoded("a")}]}  # fmt: skip
        kind, words = error(alice, COMMIT, branch=branch, oid=main(alice), files=files)
        assert (kind, "through a pull request" in words) == ("UNPROCESSABLE", True)
        workflow = {"additions": [{"path": ".github/workflows/a.yml", "contents": encoded("on: push")}]}
        data(alice, CREATE_REF, repo=repo, name="refs/heads/topic", oid=main(alice))
        refused = error(bot, COMMIT, branch=branch | {"branchName": "topic"}, oid=main(alice), files=workflow)
        assert refused == ("FORBIDDEN", "Resource not accessible by integration")


def test_people_labels_order_and_hidden_comments(hub: Any, validate_hook: Any) -> None:
    with hub.client("alice") as alice, hub.client("carol") as carol:
        one = issue(alice, "One", labels=["bug"])
        bob = data(alice, '{ user(login: "bob") { id } }')["user"]["id"]
        people = """mutation($id: ID!, $who: [ID!]!) { %s(input: {assignableId: $id, assigneeIds: $who}) {
          assignable { assignees(first: 5) { nodes { login } } } } }"""
        add, drop = "addAssigneesToAssignable", "removeAssigneesFromAssignable"
        added = data(alice, people % add, id=one["node_id"], who=[bob])[add]["assignable"]["assignees"]["nodes"]
        assert added == [{"login": "bob"}]
        validate_hook(hub.hooks.delivery("issues", "assigned"))
        assert data(alice, people % drop, id=one["node_id"], who=[bob])[drop]["assignable"]["assignees"]["nodes"] == []
        validate_hook(hub.hooks.delivery("issues", "unassigned"))
        clear = """mutation($id: ID!) { clearLabelsFromLabelable(input: {labelableId: $id}) {
          labelable { labels(first: 5) { totalCount } } } }"""
        assert (
            data(alice, clear, id=one["node_id"])["clearLabelsFromLabelable"]["labelable"]["labels"]["totalCount"] == 0
        )
        validate_hook(hub.hooks.delivery("issues", "unlabeled"))
        children = [issue(alice, f"Child {n}") for n in range(3)]
        for child in children:
            alice.post(f"{SAMPLE}/issues/1/sub_issues", json={"sub_issue_id": child["id"]})
        move = """mutation($p: ID!, $c: ID!, $b: ID) { reprioritizeSubIssue(input: {issueId: $p, subIssueId: $c,
          beforeId: $b}) { issue { subIssues(first: 9) { nodes { title } } } } }"""
        moved = data(alice, move, p=one["node_id"], c=children[2]["node_id"], b=children[0]["node_id"])
        nodes = moved["reprioritizeSubIssue"]["issue"]["subIssues"]["nodes"]
        assert [each["title"] for each in nodes] == ["Child 2", "Child 0", "Child 1"]
        assert error(alice, move, p=one["node_id"], c=children[2]["node_id"])[0] == "UNPROCESSABLE"
        said = alice.post(f"{SAMPLE}/issues/1/comments", json={"body": "Off"}).json()["node_id"]
        hide = """mutation($id: ID!) { minimizeComment(input: {subjectId: $id, classifier: OFF_TOPIC}) {
          minimizedComment { isMinimized minimizedReason } } }"""
        show = (
            "mutation($id: ID!) { unminimizeComment(input: {subjectId: $id}) { unminimizedComment { isMinimized } } }"
        )
        hidden = data(alice, hide, id=said)["minimizeComment"]["minimizedComment"]
        assert hidden == {"isMinimized": True, "minimizedReason": "off-topic"}
        assert data(alice, show, id=said)["unminimizeComment"]["unminimizedComment"] == {"isMinimized": False}
        assert error(carol, hide, id=said)[0] == "FORBIDDEN"
        close = """mutation($id: ID!, $of: ID) { closeIssue(input: {issueId: $id, stateReason: DUPLICATE,
          duplicateIssueId: $of}) { issue { stateReason } } }"""
        closed = data(alice, close, id=children[0]["node_id"], of=children[1]["node_id"])["closeIssue"]["issue"]
        assert closed == {"stateReason": "DUPLICATE"}
        assert validate_hook(hub.hooks.delivery("issues", "closed"))["issue"]["state_reason"] == "duplicate"


SEARCH = """query($q: String!, $type: SearchType!, $after: String) { rateLimit { cost nodeCount }
  search(query: $q, type: $type, first: 2, after: $after) { issueCount repositoryCount userCount
    pageInfo { hasNextPage endCursor } edges { cursor node { __typename } }
    nodes { ... on Issue { title } ... on PullRequest { number } ... on Repository { nameWithOwner } ... on User { login } ... on Organization { name login } } } }"""


def test_search_lags_and_pages(hub: Any) -> None:
    hub.admin("/clock", {"freeze": True})
    with hub.client("alice") as alice, hub.client("mallory") as mallory:
        for n in range(3):
            issue(alice, f"Marker {n}")
        asked = {"q": "repo:alice/sample marker sort:created-asc", "type": "ISSUE"}
        assert data(alice, SEARCH, **asked)["search"]["issueCount"] == 0
        hub.admin("/clock", {"advance": 3})
        answer = data(alice, SEARCH, **asked)
        found = answer["search"]
        assert answer["rateLimit"] == {"cost": 1, "nodeCount": 2}
        assert (found["issueCount"], [one["title"] for one in found["nodes"]]) == (3, ["Marker 0", "Marker 1"])
        assert [one["node"]["__typename"] for one in found["edges"]] == ["Issue", "Issue"]
        rest = data(alice, SEARCH, **asked, after=found["pageInfo"]["endCursor"])["search"]
        assert ([one["title"] for one in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == (["Marker 2"], False)
        kind, words = error(mallory, SEARCH, **asked)
        assert (kind, "cannot be searched" in words) == ("UNPROCESSABLE", True)
        repos = data(alice, SEARCH, q="user:alice sample", type="REPOSITORY")["search"]
        assert (repos["repositoryCount"], repos["nodes"]) == (1, [{"nameWithOwner": "alice/sample"}])
        assert data(mallory, SEARCH, q="sample", type="REPOSITORY")["search"]["repositoryCount"] == 0
        people = data(alice, SEARCH, q="bob", type="USER")["search"]
        assert (people["userCount"], people["nodes"]) == (1, [{"login": "bob"}])
        assert [one["login"] for one in alice.get("/search/users", params={"q": "acme"}).json()["items"]] == ["acme"]


def test_several_mutations_fail_each_for_itself(hub: Any, repo: str) -> None:
    with hub.client("alice") as alice, hub.client("carol") as carol:
        one, hidden = issue(alice, "One"), alice.post("/repos/alice/other/issues", json={"title": "Hidden"}).json()
        document = """mutation($repo: ID!, $one: ID!, $hidden: ID!, $long: String!) {
          good: createIssue(input: {repositoryId: $repo, title: "Good"}) { issue { number } }
          unseen: addComment(input: {subjectId: $hidden, body: "x"}) { subject { id } }
          barred: closeIssue(input: {issueId: $one}) { issue { state } }
          long: createIssue(input: {repositoryId: $repo, title: "Long", body: $long}) { issue { number } }
          last: addComment(input: {subjectId: $one, body: "Said"}) { commentEdge { node { body } } } }"""
        body = ask(carol, document, repo=repo, one=one["node_id"], hidden=hidden["node_id"], long="x" * 65_537)
        assert body["data"]["good"] == {"issue": {"number": 2}}
        assert body["data"]["last"] == {"commentEdge": {"node": {"body": "Said"}}}
        assert [body["data"][key] for key in ("unseen", "barred", "long")] == [None, None, None]
        errors = {each["path"][0]: each for each in body["errors"]}
        assert {name: each["type"] for name, each in errors.items()} == {
            "unseen": "NOT_FOUND", "barred": "FORBIDDEN", "long": "UNPROCESSABLE",
        }  # fmt: skip
        assert errors["long"]["message"] == "body is too long (maximum is 65536 characters)"
        assert errors["unseen"]["locations"] == [{"line": 3, "column": 11}]


def test_each_created_object_counts_to_the_limit(hub: Any, repo: str) -> None:
    with hub.client("alice") as alice:
        hub.admin("/limits", {"creations_minute": 3})
        several = "mutation($r: ID!) {" + "".join(
            f'a{n}: createIssue(input: {{repositoryId: $r, title: "N{n}"}}) {{ issue {{ number }} }} ' for n in range(5)
        )
        body = ask(alice, several + "}", r=repo)
        assert [name for name, made in body["data"].items() if made] == ["a0", "a1", "a2"]
        assert [(each["path"], each["type"]) for each in body["errors"]] == [
            (["a3"], "RATE_LIMITED"), (["a4"], "RATE_LIMITED"),
        ]  # fmt: skip


def test_points_count_connections_and_defaults_of_variables(hub: Any) -> None:
    document = """query($n: Int = 50) { rateLimit { cost nodeCount limit used remaining resetAt } repository(owner: "alice", name: "sample") {
      issues(first: $n) { nodes { comments(first: 10) { nodes { body } } labels(first: 3) { nodes { name } } } } } }"""
    with hub.client("alice") as alice:
        before = data(alice, document)["rateLimit"]
        assert (before["nodeCount"], before["cost"]) == (50 + 500 + 150, 1)
        after = data(alice, document, n=100)["rateLimit"]
        assert (after["cost"], after["used"] - before["used"], after["limit"]) == (2, 2, 5000)
        assert after["remaining"] == 5000 - after["used"]


def test_pages_backwards(hub: Any) -> None:
    document = """query($last: Int, $before: String, $first: Int, $after: String) { repository(owner: "alice", name: "sample") {
      issues(last: $last, before: $before, first: $first, after: $after) { totalCount nodes { number }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
    with hub.client("alice") as alice:
        for n in range(5):
            issue(alice, f"N{n}")

        def page(**asked: Any) -> tuple[list[int], dict[str, Any]]:
            found = data(alice, document, **asked)["repository"]["issues"]
            assert found["totalCount"] == 5
            return [one["number"] for one in found["nodes"]], found["pageInfo"]

        numbers, info = page(last=2)
        assert (numbers, info["hasPreviousPage"], info["hasNextPage"]) == ([4, 5], True, False)
        numbers, info = page(last=2, before=info["startCursor"])
        assert (numbers, info["hasPreviousPage"], info["hasNextPage"]) == ([2, 3], True, True)
        assert page(first=2, after=info["endCursor"])[0] == [4, 5]
        assert error(alice, document, first=2, after="???")[0] == "INVALID_CURSOR_ARGUMENTS"
        assert error(alice, document, first=101)[0] == "EXCESSIVE_PAGINATION"
        errors = ask(alice, document)["errors"]
        assert {each["type"] for each in errors} == {"MISSING_PAGINATION_BOUNDARIES"}


def test_nodes_that_are_missing_leave_the_others(hub: Any) -> None:
    with hub.client("alice") as alice:
        one = issue(alice, "One")
        body = ask(alice, "query($ids: [ID!]!) { nodes(ids: $ids) { ... on Issue { title } } }",
                   ids=[one["node_id"], "I_nothing", one["node_id"]])  # fmt: skip
        assert body["data"]["nodes"] == [{"title": "One"}, None, {"title": "One"}]
        (missing,) = body["errors"]
        assert (missing["type"], missing["path"]) == ("NOT_FOUND", ["nodes", 1])
        assert missing["message"] == "Could not resolve to a node with the global id of 'I_nothing'"


def test_pull_requests_are_no_issues(hub: Any, repo: str) -> None:
    with hub.client("alice") as alice:
        data(alice, CREATE_REF, repo=repo, name="refs/heads/topic", oid=main(alice))
        branch, files = {"repositoryNameWithOwner": "alice/sample", "branchName": "topic"}, {"additions": [
            {"path": "a", "contents": encoded("a")}]}  # fmt: skip
        data(alice, COMMIT, branch=branch, oid=main(alice), files=files)
        pull = alice.post(f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main"}).json()["node_id"]
        for mutation in ("closeIssue(input: {issueId: $id})", 'updateIssue(input: {id: $id, title: "x"})'):
            refused = error(alice, f"mutation($id: ID!) {{ {mutation} {{ clientMutationId }} }}", id=pull)
            assert refused == ("NOT_FOUND", f"Could not resolve to Issue node with the global id of '{pull}'")
        blank = error(
            alice,
            'mutation($r: ID!) { createIssue(input: {repositoryId: $r, title: ""}) { clientMutationId } }',
            r=repo,
        )
        assert blank == ("UNPROCESSABLE", "Title can't be blank")


def test_a_sub_issue_is_named_by_its_page(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        parent, child = issue(alice, "Parent"), issue(alice, "Child")
        link = "mutation($p: ID!, $u: String) { addSubIssue(input: {issueId: $p, subIssueUrl: $u}) { subIssue { number parent { number } } } }"
        found = data(bot, link, p=parent["node_id"], u=child["html_url"])["addSubIssue"]["subIssue"]
        assert found == {"number": 2, "parent": {"number": 1}}
        alice.post("/repos/alice/other/issues", json={"title": "Hidden from the app"})
        for url in (
            f"{hub.url}/alice/sample/issues/99",
            f"{hub.url}/alice/other/issues/1",
            "nonsense",
            f"{hub.url}/alice/none/issues/1",
        ):
            assert error(bot, link, p=parent["node_id"], u=url)[0] == "NOT_FOUND"
        assert error(bot, link, p=parent["node_id"])[0] == "UNPROCESSABLE"
