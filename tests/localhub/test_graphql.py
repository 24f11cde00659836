"""GraphQL as clients of this kind use it, over HTTP; the documents are also held to GitHub's own schema."""

from __future__ import annotations

import base64
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from graphql import (
    GraphQLInputObjectType,
    GraphQLNamedType,
    GraphQLSchema,
    build_schema,
    is_enum_type,
    is_union_type,
)

from tests.localhub.graph import ask, data
from tests.localhub.repository import SAMPLE

SCHEMA = Path(__file__).parents[2] / "localhub" / "graphql"


def error(client: httpx.Client, document: str, **variables: Any) -> dict[str, Any]:
    (found,) = ask(client, document, **variables)["errors"]
    return dict(found)


def issue(client: httpx.Client, title: str) -> dict[str, Any]:
    made: dict[str, Any] = client.post(f"{SAMPLE}/issues", json={"title": title}).json()
    return made


def pull(client: httpx.Client, branch: str, **more: Any) -> dict[str, Any]:
    sha = client.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
    client.post(f"{SAMPLE}/git/refs", json={"ref": f"refs/heads/{branch}", "sha": sha})
    content = base64.b64encode(b"one\ntwo\n").decode()
    body = {"message": "m", "branch": branch, "content": content}
    client.put(f"{SAMPLE}/contents/{branch}.txt", json=body)
    made = client.post(f"{SAMPLE}/pulls", json={"title": branch, "head": branch, "base": "main", **more})
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


CREATE = """
mutation($repo: ID!, $parent: ID, $title: String!) {
  createIssue(input: {repositoryId: $repo, parentIssueId: $parent, title: $title, body: "b"}) {
    issue { id number title state parent { number } author { login __typename } }
  }
}"""


def test_issues_are_created_under_their_parent(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        parent = issue(alice, "Parent")
        repo = data(bot, '{ repository(owner: "alice", name: "sample") { id } }')["repository"]["id"]
        made = data(bot, CREATE, repo=repo, parent=parent["node_id"], title="Child")["createIssue"]["issue"]
        assert made["parent"] == {"number": parent["number"]}
        assert made["author"] == {"login": "branchwork", "__typename": "Bot"}
        assert hub.hooks.wait("issues", "opened", 2)["issue"]["title"] == "Child"
        assert hub.hooks.wait("sub_issues", "sub_issue_added")["sub_issue"]["title"] == "Child"
        listed = alice.get(f"{SAMPLE}/issues/{parent['number']}/sub_issues").json()
        assert [one["number"] for one in listed] == [made["number"]]

        several = "mutation($r: ID!, $p: ID!) {" + "".join(
            f'a{n}: createIssue(input: {{repositoryId: $r, parentIssueId: $p, title: "N{n}"}}) {{ issue {{ number }} }} '
            for n in range(3)
        )
        numbers = [one["issue"]["number"] for one in data(bot, several + "}", r=repo, p=parent["node_id"]).values()]
        assert numbers == [3, 4, 5]

        read = data(
            bot,
            """query($id: ID!) { rateLimit { cost limit remaining } node(id: $id) { ... on Issue {
              subIssuesSummary { total completed percentCompleted }
              subIssues(first: 2) { totalCount nodes { number } pageInfo { hasNextPage endCursor } } } } }""",
            id=parent["node_id"],
        )
        assert read["node"]["subIssuesSummary"] == {"total": 4, "completed": 0, "percentCompleted": 0}
        page = read["node"]["subIssues"]
        assert [one["number"] for one in page["nodes"]] == [2, 3]
        assert page["pageInfo"]["hasNextPage"]
        after = page["pageInfo"]["endCursor"]
        rest = "query($id: ID!, $a: String) { node(id: $id) { ... on Issue { subIssues(first: 9, after: $a) { nodes { number } } } } }"
        assert [
            one["number"] for one in data(bot, rest, id=parent["node_id"], a=after)["node"]["subIssues"]["nodes"]
        ] == [4, 5]


def test_issues_are_linked_changed_and_discussed(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        one, two = issue(alice, "One"), issue(alice, "Two")
        ids = {"a": one["node_id"], "b": two["node_id"]}
        link = "mutation($a: ID!, $b: ID!) { addSubIssue(input: {issueId: $a, subIssueId: $b}) { subIssue { parent { number } } } }"
        assert data(bot, link, **ids)["addSubIssue"]["subIssue"]["parent"]["number"] == 1
        again = error(bot, link, **ids)
        assert (again["type"], again["path"]) == ("UNPROCESSABLE", ["addSubIssue"])
        assert "duplicate sub-issues" in again["message"]
        block = "mutation($a: ID!, $b: ID!) { addBlockedBy(input: {issueId: $b, blockingIssueId: $a}) { issue { blockedBy(first: 9) { nodes { number } } } } }"
        assert data(bot, block, **ids)["addBlockedBy"]["issue"]["blockedBy"]["nodes"] == [{"number": 1}]
        change = 'mutation($a: ID!) { updateIssue(input: {id: $a, title: "New", state: CLOSED}) { issue { title state stateReason closed } } }'
        assert data(bot, change, a=ids["a"])["updateIssue"]["issue"] == {
            "title": "New", "state": "CLOSED", "stateReason": "COMPLETED", "closed": True,
        }  # fmt: skip
        say = 'mutation($a: ID!) { addComment(input: {subjectId: $a, body: "Hello", clientMutationId: "7"}) { clientMutationId commentEdge { node { id body url } } subject { id } } }'
        said = data(bot, say, a=ids["a"])["addComment"]
        assert (said["clientMutationId"], said["commentEdge"]["node"]["body"], said["subject"]["id"]) == (
            "7",
            "Hello",
            ids["a"],
        )
        assert hub.hooks.wait("issue_comment", "created")["comment"]["node_id"] == said["commentEdge"]["node"]["id"]


def test_pull_requests_become_ready_and_merge(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        made = pull(bot, "topic", draft=True)
        run = "mutation($id: ID!) { %s(input: {pullRequestId: $id}) { pullRequest { isDraft state } } }"
        ready = data(bot, run % "markPullRequestReadyForReview", id=made["node_id"])
        assert ready["markPullRequestReadyForReview"]["pullRequest"] == {"isDraft": False, "state": "OPEN"}
        hub.hooks.wait("pull_request", "ready_for_review")
        assert data(bot, run % "convertPullRequestToDraft", id=made["node_id"])["convertPullRequestToDraft"][
            "pullRequest"
        ]["isDraft"]
        data(bot, run % "markPullRequestReadyForReview", id=made["node_id"])
        hub.settle()
        auto = "mutation($id: ID!) { enablePullRequestAutoMerge(input: {pullRequestId: $id, mergeMethod: SQUASH}) { pullRequest { state } } }"
        assert "Auto merge is not allowed" in error(bot, auto, id=made["node_id"])["message"]
        merge = "mutation($id: ID!, $sha: GitObjectID) { mergePullRequest(input: {pullRequestId: $id, expectedHeadOid: $sha}) { pullRequest { merged mergeCommit { oid } } } }"
        wrong = error(bot, merge, id=made["node_id"], sha="0" * 40)
        assert "Head branch was modified" in wrong["message"]
        merged = data(bot, merge, id=made["node_id"], sha=made["head"]["sha"])["mergePullRequest"]["pullRequest"]
        assert merged["merged"]
        assert alice.get(f"{SAMPLE}/pulls/1").json()["merge_commit_sha"] == merged["mergeCommit"]["oid"]


def test_review_threads_are_read_and_resolved(hub: Any) -> None:
    with hub.client("alice") as alice, hub.bot() as bot:
        made = pull(bot, "topic")
        comment = {"body": "Why?", "path": "topic.txt", "line": 1, "side": "RIGHT", "commit_id": made["head"]["sha"]}
        assert alice.post(f"{SAMPLE}/pulls/1/comments", json=comment).status_code == 201
        document = """{ repository(owner: "alice", name: "sample") { pullRequest(number: 1) {
          reviewDecision mergeStateStatus headRefName changedFiles
          commits(last: 1) { nodes { commit { messageHeadline } } }
          reviews(first: 5) { nodes { state author { login } } }
          reviewThreads(first: 10) { nodes { id isResolved path line viewerCanResolve resolvedBy { login }
            comments(first: 5) { nodes { body diffHunk author { login } } } } } } } }"""
        found = data(bot, document)["repository"]["pullRequest"]
        (thread,) = found["reviewThreads"]["nodes"]
        assert (thread["isResolved"], thread["path"], thread["line"], thread["viewerCanResolve"]) == (
            False,
            "topic.txt",
            1,
            True,
        )
        assert thread["comments"]["nodes"][0]["body"] == "Why?"
        resolve = "mutation($id: ID!) { %s(input: {threadId: $id}) { thread { isResolved } } }"
        assert data(bot, resolve % "resolveReviewThread", id=thread["id"])["resolveReviewThread"]["thread"][
            "isResolved"
        ]
        assert hub.hooks.wait("pull_request_review_thread", "resolved")["thread"]["node_id"] == thread["id"]
        data(bot, resolve % "unresolveReviewThread", id=thread["id"])
        hub.hooks.wait("pull_request_review_thread", "unresolved")
        reply = 'mutation($id: ID!) { addPullRequestReviewThreadReply(input: {pullRequestReviewThreadId: $id, body: "So."}) { comment { body replyTo { body } } } }'
        said = data(bot, reply, id=thread["id"])["addPullRequestReviewThreadReply"]["comment"]
        assert said == {"body": "So.", "replyTo": {"body": "Why?"}}


def test_the_rollup_says_which_checks_are_required(hub: Any) -> None:
    rule = {
        "required_status_checks": {"strict": False, "contexts": ["lint"]}, "enforce_admins": False,
        "required_pull_request_reviews": None, "restrictions": None,
    }  # fmt: skip
    with hub.client("alice") as alice, hub.bot() as bot:
        made = pull(bot, "topic")
        assert alice.put(f"{SAMPLE}/branches/main/protection", json=rule).is_success
        bot.post(
            f"{SAMPLE}/check-runs", json={"name": "lint", "head_sha": made["head"]["sha"], "conclusion": "failure"}
        )
        bot.post(f"{SAMPLE}/statuses/{made['head']['sha']}", json={"state": "success", "context": "docs"})
        document = """{ repository(owner: "alice", name: "sample") { pullRequest(number: 1) { statusCheckRollup { state
          contexts(first: 20) { totalCount checkRunCount statusContextCount nodes { __typename
            ... on CheckRun { name status conclusion isRequired(pullRequestNumber: 1) checkSuite { app { slug } } }
            ... on StatusContext { context state isRequired(pullRequestNumber: 1) } } } } } } }"""
        rollup = data(bot, document)["repository"]["pullRequest"]["statusCheckRollup"]
        assert (rollup["state"], rollup["contexts"]["totalCount"]) == ("FAILURE", 2)
        assert rollup["contexts"]["nodes"] == [
            {"__typename": "CheckRun", "name": "lint", "status": "COMPLETED", "conclusion": "FAILURE", "isRequired": True, "checkSuite": {"app": {"slug": "branchwork"}}},
            {"__typename": "StatusContext", "context": "docs", "state": "SUCCESS", "isRequired": False},
        ]  # fmt: skip


def test_errors_are_github_s(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("mallory") as mallory, hub.client(None) as nobody:
        anonymous = nobody.post("/graphql", json={"query": "{ viewer { login } }"})
        assert (anonymous.status_code, anonymous.json()["message"]) == (
            401,
            "This endpoint requires you to be authenticated.",
        )
        for document in (
            '{ repository(owner: "alice", name: "sample") { id } }',
            '{ repository(owner: "no", name: "no") { id } }',
        ):
            found = error(mallory, document)
            assert (found["type"], found["path"]) == ("NOT_FOUND", ["repository"])
            assert found["message"].startswith("Could not resolve to a Repository with the name '")
        made = issue(alice, "Hidden")
        assert error(mallory, "query($id: ID!) { node(id: $id) { id } }", id=made["node_id"])["type"] == "NOT_FOUND"
        document = '{ repository(owner: "alice", name: "sample") { issues%s { totalCount nodes { number } } } }'
        count = '{ repository(owner: "alice", name: "sample") { issues { totalCount } } }'
        assert data(alice, count)["repository"]["issues"]["totalCount"] == 1, "a count needs no page size"
        assert error(alice, document % "")["type"] == "MISSING_PAGINATION_BOUNDARIES"
        assert error(alice, document % "(first: 101)")["type"] == "EXCESSIVE_PAGINATION"
        missing = error(alice, "{ nope }")
        assert missing["message"] == "Field 'nope' doesn't exist on type 'Query'"
        assert missing["extensions"] == {"code": "undefinedField", "typeName": "Query", "fieldName": "nope"}
        assert ask(alice, "{ viewer { login } ")["errors"]
        with hub.bot({"issues": "read", "metadata": "read"}) as reader:
            close = "mutation($id: ID!) { closeIssue(input: {issueId: $id}) { issue { state } } }"
            refused = error(reader, close, id=made["node_id"])
            assert (refused["type"], refused["message"]) == ("FORBIDDEN", "Resource not accessible by integration")


def test_limits_answer_as_github_does(hub: Any) -> None:
    with hub.bot() as bot:
        repo = data(bot, '{ repository(owner: "alice", name: "sample") { id } }')["repository"]["id"]
        hub.admin("/limits", {"creations_minute": 2})
        for n in range(2):
            data(bot, CREATE, repo=repo, title=f"N{n}")
        limited = error(bot, CREATE, repo=repo, title="Too many")
        assert limited["type"] == "RATE_LIMITED"
        assert "content creation" in limited["message"]
        hub.admin("/limits", {"graphql": 1})
        assert error(bot, "{ viewer { login } }")["type"] == "RATE_LIMITED"


@pytest.mark.slow
def test_the_schema_is_part_of_github_s(tmp_path: Path) -> None:
    """Every type, field, argument and value of ours is in npm's @octokit/graphql-schema, with the same type."""
    subprocess.run(
        ["npm", "pack", "--silent", "@octokit/graphql-schema@15.26.1"], cwd=tmp_path, check=True, timeout=120
    )
    (packed,) = tmp_path.glob("*.tgz")
    subprocess.run(["tar", "xzf", packed.name], cwd=tmp_path, check=True)
    theirs = build_schema((tmp_path / "package" / "schema.graphql").read_text(), assume_valid_sdl=True)
    ours = build_schema("\n".join(file.read_text() for file in sorted(SCHEMA.glob("*.graphql"))))
    newer = {
        "Issue.blockedBy", "Issue.blocking", "Issue.issueDependenciesSummary", "Mutation.addBlockedBy",
        "Mutation.removeBlockedBy", "AddBlockedByInput", "AddBlockedByPayload", "RemoveBlockedByInput",
        "RemoveBlockedByPayload", "IssueDependenciesSummary", "IssueDependencyOrder", "IssueDependencyOrderField",
        "Issue.issueType", "IssueType", "IssueTypeColor",
    }  # fmt: skip
    wrong = [text for kind in ours.type_map.values() for text in _differences(kind, theirs)]
    assert set(wrong) <= newer, sorted(set(wrong) - newer)


def _differences(kind: GraphQLNamedType, theirs: GraphQLSchema) -> list[str]:
    if kind.name.startswith("__"):
        return []
    other = theirs.type_map.get(kind.name)
    if other is None or type(other) is not type(kind):
        return [kind.name]
    if is_enum_type(kind):
        return [f"{kind.name}.{value}" for value in kind.values if value not in other.values]
    if is_union_type(kind):
        return [f"{kind.name}.{one.name}" for one in kind.types if one.name not in [each.name for each in other.types]]
    wrong = []
    for name, field in getattr(kind, "fields", {}).items():
        known = other.fields.get(name)
        if known is None or str(known.type) != str(field.type):
            wrong.append(f"{kind.name}.{name}")
        elif not isinstance(kind, GraphQLInputObjectType):
            wrong += [
                f"{kind.name}.{name}({a})"
                for a, v in field.args.items()
                if str(v.type) != str(getattr(known.args.get(a), "type", None))
            ]
    return wrong
