"""What clients like gh ask besides the conversation: reactions, milestones, pins, branches, owners, and refusals."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx

from tests.localhub.graph import ask, data
from tests.localhub.repository import SAMPLE


def message(client: httpx.Client, document: str, **variables: Any) -> str:
    return str(ask(client, document, **variables)["errors"][0]["message"])


def repository(client: httpx.Client, fields: str) -> dict[str, Any]:
    found: dict[str, Any] = data(client, f'{{ repository(owner: "alice", name: "sample") {{ {fields} }} }}')
    return dict(found["repository"])


def issue(client: httpx.Client, title: str, **more: Any) -> dict[str, Any]:
    made: dict[str, Any] = client.post(f"{SAMPLE}/issues", json={"title": title, **more}).json()
    return made


def push(client: httpx.Client, path: str, text: str, branch: str = "main") -> None:
    content = base64.b64encode(text.encode()).decode()
    answer = client.put(f"{SAMPLE}/contents/{path}", json={"message": "m", "content": content, "branch": branch})
    assert answer.status_code == 201, answer.text


def test_reactions_are_grouped_given_and_taken(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        made = issue(alice, "Liked")
        react = "mutation($id: ID!) { %sReaction(input: {subjectId: $id, content: ROCKET}) { reaction { content user { login } } } }"
        assert data(bob, react % "add", id=made["node_id"])["addReaction"]["reaction"]["user"]["login"] == "bob"
        assert alice.get(f"{SAMPLE}/issues/1/reactions").json()[0]["content"] == "rocket"
        groups = "issue(number: 1) { reactionGroups { content viewerHasReacted users { totalCount } reactors(first: 3) { edges { reactedAt node { ... on User { login } } } } } }"
        found = {each["content"]: each for each in repository(bob, groups)["issue"]["reactionGroups"]}
        assert len(found) == 8
        assert (found["ROCKET"]["users"]["totalCount"], found["ROCKET"]["viewerHasReacted"]) == (1, True)
        assert found["ROCKET"]["reactors"]["edges"][0]["node"]["login"] == "bob"
        assert found["HEART"]["users"]["totalCount"] == 0
        data(bob, react % "remove", id=made["node_id"])
        assert alice.get(f"{SAMPLE}/issues/1/reactions").json() == []


def test_issues_are_filtered_by_people_and_milestones(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        alice.post(f"{SAMPLE}/milestones", json={"title": "v1", "due_on": "2027-01-01T00:00:00Z"})
        issue(alice, "One", assignees=["bob"], milestone=1, body="for @bobby")
        issue(bob, "Two", body="see @alice")
        alice.post(f"{SAMPLE}/issues/2/comments", json={"body": "@bob: yes"})

        def titles(by: str) -> list[str]:
            listed = repository(alice, f"issues(first: 9, filterBy: {by}) {{ nodes {{ title }} }}")["issues"]["nodes"]
            return [each["title"] for each in listed]

        assert titles('{assignee: "bob"}') == ["One"]
        assert titles('{createdBy: "bob"}') == ["Two"]
        assert titles('{mentioned: "bob"}') == ["Two"], "@bobby is somebody else"
        assert titles('{milestoneNumber: "1"}') == ["One"]
        assert titles("{states: [CLOSED]}") == []
        stone = repository(
            alice,
            "milestones(first: 5) { nodes { id title dueOn progressPercentage issues(first: 5) { totalCount } } }",
        )
        (found,) = stone["milestones"]["nodes"]
        assert (found["title"], found["issues"]["totalCount"], found["progressPercentage"]) == ("v1", 1, 0)
        other = repository(alice, "issue(number: 2) { id }")["issue"]["id"]
        put = "mutation($id: ID!, $m: ID) { updateIssue(input: {id: $id, milestoneId: $m}) { issue { milestone { title } } } }"
        assert data(alice, put, id=other, m=found["id"])["updateIssue"]["issue"]["milestone"] == {"title": "v1"}
        assert data(alice, put, id=other, m=None)["updateIssue"]["issue"]["milestone"] is None


def test_issues_are_pinned_locked_branched_and_deleted(hub: Any, validate_hook: Callable[..., Any]) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        ids = [issue(alice, f"Fix the parser {n}")["node_id"] for n in range(4)]
        pin = "mutation($id: ID!) { pinIssue(input: {issueId: $id}) { issue { isPinned } } }"
        assert data(alice, pin, id=ids[0])["pinIssue"]["issue"]["isPinned"]
        validate_hook(hub.hooks.delivery("issues", "pinned"))
        for id in ids[1:3]:
            data(alice, pin, id=id)
        assert "Maximum 3 pinned issues" in message(alice, pin, id=ids[3])
        data(alice, "mutation($id: ID!) { unpinIssue(input: {issueId: $id}) { issue { isPinned } } }", id=ids[0])
        validate_hook(hub.hooks.delivery("issues", "unpinned"))
        assert (
            len(repository(alice, "pinnedIssues(first: 3) { nodes { issue { number } } }")["pinnedIssues"]["nodes"])
            == 2
        )
        lock = "mutation($id: ID!) { lockLockable(input: {lockableId: $id, lockReason: SPAM}) { lockedRecord { locked activeLockReason } } }"
        assert data(alice, lock, id=ids[1])["lockLockable"]["lockedRecord"] == {
            "locked": True,
            "activeLockReason": "SPAM",
        }

        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        link = "mutation($id: ID!, $oid: GitObjectID!) { createLinkedBranch(input: {issueId: $id, oid: $oid}) { linkedBranch { id ref { name } } } }"
        made = data(alice, link, id=ids[0], oid=sha)["createLinkedBranch"]["linkedBranch"]
        assert made["ref"]["name"] == "1-fix-the-parser-0"
        assert hub.hooks.wait("create")["ref"] == "1-fix-the-parser-0"
        linked = "issue(number: 1) { linkedBranches(first: 5) { nodes { ref { name } } } }"
        assert repository(alice, linked)["issue"]["linkedBranches"]["nodes"] == [
            {"ref": {"name": "1-fix-the-parser-0"}}
        ]
        alice.delete(f"{SAMPLE}/git/refs/heads/1-fix-the-parser-0")
        assert repository(alice, linked)["issue"]["linkedBranches"]["nodes"] == []

        gone = "mutation($id: ID!) { deleteIssue(input: {issueId: $id}) { repository { name } } }"
        assert "Must have admin rights" in message(bob, gone, id=ids[3])
        assert data(alice, gone, id=ids[3])["deleteIssue"]["repository"]["name"] == "sample"
        validate_hook(hub.hooks.delivery("issues", "deleted"))
        answer = alice.get(f"{SAMPLE}/issues/4")
        assert (answer.status_code, answer.json()["message"]) == (410, "This issue was deleted")
        assert alice.get(SAMPLE).json()["open_issues_count"] == 3
        assert issue(alice, "Next")["number"] == 5


def test_pull_requests_take_labels_people_and_reviewers(hub: Any) -> None:
    with hub.client("alice") as alice:
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        push(alice, "a.txt", "a\n", "topic")
        issue(alice, "To close")
        made = alice.post(
            f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main", "body": "Closes #1"}
        ).json()
        who = repository(
            alice, 'assignableUsers(first: 9, query: "bo") { nodes { id login } } label(name: "bug") { id }'
        )
        (bob,) = who["assignableUsers"]["nodes"]
        change = """mutation($id: ID!, $l: [ID!], $a: [ID!]) { updatePullRequest(input: {pullRequestId: $id, labelIds: $l,
          assigneeIds: $a, projectIds: []}) { pullRequest { labels(first: 5) { nodes { name } } assignees(first: 5)
          { nodes { login } } closingIssuesReferences(first: 5) { nodes { title } } } } }"""
        changed = data(alice, change, id=made["node_id"], l=[who["label"]["id"]], a=[bob["id"]])["updatePullRequest"]
        assert changed["pullRequest"] == {
            "labels": {"nodes": [{"name": "bug"}]}, "assignees": {"nodes": [{"login": "bob"}]},
            "closingIssuesReferences": {"nodes": [{"title": "To close"}]},
        }  # fmt: skip
        assert hub.hooks.wait("pull_request", "labeled")["label"]["name"] == "bug"
        asked = "mutation($id: ID!, $u: [ID!], $more: Boolean) { requestReviews(input: {pullRequestId: $id, userIds: $u, union: $more}) { pullRequest { reviewRequests(first: 5) { nodes { requestedReviewer { ... on User { login } ... on Team { slug } } } } } } }"
        data(alice, asked, id=made["node_id"], u=[bob["id"]], more=True)
        assert hub.hooks.wait("pull_request", "review_requested")["requested_reviewer"]["login"] == "bob"
        data(alice, asked, id=made["node_id"], u=[], more=False)
        assert hub.hooks.wait("pull_request", "review_request_removed")["requested_reviewer"]["login"] == "bob"


def test_repositories_are_listed_made_and_described(hub: Any) -> None:
    with hub.client("alice") as alice, hub.client("mallory") as mallory, hub.bot() as bot:
        create = 'mutation { createRepository(input: {name: "made", visibility: PRIVATE, description: "d"}) { repository { nameWithOwner isEmpty visibility owner { login } } } }'
        made = data(alice, create)["createRepository"]["repository"]
        assert made == {
            "nameWithOwner": "alice/made",
            "isEmpty": True,
            "visibility": "PRIVATE",
            "owner": {"login": "alice"},
        }
        assert "Resource not accessible" in message(bot, create)
        owned = '{ repositoryOwner(login: "alice") { repositories(first: 9, ownerAffiliations: [OWNER], orderBy: {field: NAME, direction: DESC}%s) { totalCount nodes { name } } } }'
        names = [each["name"] for each in data(alice, owned % "")["repositoryOwner"]["repositories"]["nodes"]]
        assert names == ["sample", "other", "open", "made"]
        assert data(alice, owned % ", privacy: PUBLIC")["repositoryOwner"]["repositories"]["totalCount"] == 1
        assert data(mallory, owned % "")["repositoryOwner"]["repositories"]["nodes"] == [{"name": "open"}]

        push(
            alice,
            ".github/ISSUE_TEMPLATE/bug.md",
            "---\nname: Bug\nabout: It broke\ntitle: 'Bug: '\n---\nWhat happened?\n",
        )
        push(alice, ".github/ISSUE_TEMPLATE/config.yml", "blank_issues_enabled: false\n")
        push(alice, ".github/pull_request_template.md", "Why?\n")
        about = repository(
            alice,
            "isBlankIssuesEnabled issueTemplates { name about title body } pullRequestTemplates { filename body } parent { id } viewerCanAdminister",
        )
        assert about == {
            "isBlankIssuesEnabled": False, "parent": None, "viewerCanAdminister": True,
            "issueTemplates": [{"name": "Bug", "about": "It broke", "title": "Bug: ", "body": "What happened?\n"}],
            "pullRequestTemplates": [{"filename": ".github/pull_request_template.md", "body": "Why?\n"}],
        }  # fmt: skip


def test_refusals_have_github_s_words(hub: Any) -> None:
    with hub.client("alice") as alice:
        made = issue(alice, "One")
        both = """query($n: Int!) { repository(owner: "alice", name: "sample") { issueOrPullRequest(number: $n) {
          ... on Issue { state } ... on PullRequest { state } } } }"""
        assert data(alice, both, n=made["number"])["repository"]["issueOrPullRequest"] == {"state": "OPEN"}
        assert message(alice, "{ viewer { login(x: 1) } }") == "Field 'login' doesn't accept argument 'x'"
        assert (
            message(alice, "{ node(id: 1) { ... on Nobody { id } } }")
            == "No such type Nobody, so it can't be a fragment condition"
        )
        assert "Nobody isn't a defined input type (on $a)" in json.dumps(
            ask(alice, "query($a: Nobody) { node(id: $a) { id } }")
        )
        assert message(alice, "{ viewer }").startswith(
            "Field must have selections (field 'viewer' returns User but has no"
        )
        create = "mutation($i: CreateIssueInput!) { createIssue(input: $i) { clientMutationId } }"
        unknown = message(alice, create, i={"repositoryId": "R_1", "title": "x", "nope": 1})
        assert (
            unknown
            == "Variable $i of type CreateIssueInput! was provided invalid value for nope (Field is not defined on CreateIssueInput)"
        )


def test_rulesets_are_listed_and_refs_compared(hub: Any) -> None:
    with hub.client("alice") as alice:
        rules = [{"type": "deletion"}, {"type": "required_linear_history"}]
        conditions = {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}}
        wanted = {
            "name": "Main",
            "target": "branch",
            "enforcement": "disabled",
            "conditions": conditions,
            "rules": rules,
        }
        made = alice.post(f"{SAMPLE}/rulesets", json=wanted)
        assert made.status_code == 201, made.text
        listed = """rulesets(first: 5, includeParents: true) { totalCount nodes { databaseId name target enforcement
          source { ... on Repository { nameWithOwner } } conditions { refName { include exclude } }
          rules(first: 5) { totalCount nodes { type } } } }"""
        (found,) = repository(alice, listed)["rulesets"]["nodes"]
        assert found == {
            "databaseId": made.json()["id"], "name": "Main", "target": "BRANCH", "enforcement": "DISABLED",
            "source": {"nameWithOwner": "alice/sample"}, "conditions": {"refName": conditions["ref_name"]},
            "rules": {"totalCount": 2, "nodes": [{"type": "DELETION"}, {"type": "REQUIRED_LINEAR_HISTORY"}]},
        }  # fmt: skip
        assert repository(alice, f"ruleset(databaseId: {found['databaseId']}) {{ name }}")["ruleset"] == {
            "name": "Main"
        }
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        push(alice, "a.txt", "a\n", "topic")
        push(alice, "b.txt", "b\n")
        against = 'ref(qualifiedName: "main") { compare(headRef: "topic") { aheadBy behindBy status commits(first: 5) { totalCount authorCount nodes { messageHeadline } } } }'
        assert repository(alice, against)["ref"]["compare"] == {
            "aheadBy": 1, "behindBy": 1, "status": "DIVERGED",
            "commits": {"totalCount": 1, "authorCount": 1, "nodes": [{"messageHeadline": "m"}]},
        }  # fmt: skip


def test_what_closes_an_issue_and_archiving(hub: Any, validate_hook: Callable[..., Any]) -> None:
    with hub.client("alice") as alice, hub.client("bob") as bob:
        issue(alice, "One")
        sha = alice.get(f"{SAMPLE}/git/ref/heads/main").json()["object"]["sha"]
        alice.post(f"{SAMPLE}/git/refs", json={"ref": "refs/heads/topic", "sha": sha})
        push(alice, "a.txt", "a\n", "topic")
        alice.post(f"{SAMPLE}/pulls", json={"title": "T", "head": "topic", "base": "main", "body": "Fixes #1"})
        closing = (
            "issue(number: 1) { issueType { name } closedByPullRequestsReferences(first: 5) { nodes { number } } }"
        )
        assert repository(bob, closing)["issue"] == {
            "issueType": None, "closedByPullRequestsReferences": {"nodes": [{"number": 2}]},
        }  # fmt: skip
        repo = repository(alice, "id")["id"]
        archive = "mutation($id: ID!) { %srchiveRepository(input: {repositoryId: $id}) { repository { isArchived } } }"
        assert "Must have admin rights" in message(bob, archive % "a", id=repo)
        assert data(alice, archive % "a", id=repo)["archiveRepository"]["repository"]["isArchived"]
        validate_hook(hub.hooks.delivery("repository", "archived"))
        assert alice.post(f"{SAMPLE}/issues", json={"title": "x"}).status_code == 403
        assert not data(alice, archive % "una", id=repo)["unarchiveRepository"]["repository"]["isArchived"]


def test_what_is_nobody_is_not_assigned_asked_or_made_owner(hub: Any) -> None:
    with hub.client("alice") as alice:
        label = alice.get(f"{SAMPLE}/labels/bug").json()["node_id"]
        home = repository(alice, "id")["id"]
        assign = 'mutation($id: ID!, $who: ID!) { createIssue(input: {repositoryId: $id, title: "x", assigneeIds: [$who]}) { issue { id } } }'
        own = 'mutation($who: ID!) { createRepository(input: {name: "x", visibility: PRIVATE, ownerId: $who}) { repository { id } } }'
        for who in (label, home):
            expected = f"Could not resolve to User node with the global id of '{who}'"
            assert message(alice, assign, id=home, who=who) == message(alice, own, who=who) == expected
        assert alice.get(f"{SAMPLE}/issues").json() == []


def test_labels_and_milestones_of_other_repositories_are_none_here(hub: Any) -> None:
    with hub.client("alice") as alice:
        label = alice.post(f"{SAMPLE}/labels", json={"name": "only there"}).json()["node_id"]
        milestone = alice.post(f"{SAMPLE}/milestones", json={"title": "there"}).json()["node_id"]
        alice.post("/repos/alice/open/milestones", json={"title": "here"})
        made = alice.post("/repos/alice/open/issues", json={"title": "x"}).json()["node_id"]
        add = "mutation($id: ID!, $l: ID!) { addLabelsToLabelable(input: {labelableId: $id, labelIds: [$l]}) { clientMutationId } }"
        put = "mutation($id: ID!, $m: ID!) { updateIssue(input: {id: $id, milestoneId: $m}) { issue { id } } }"
        assert "Could not resolve to Label" in message(alice, add, id=made, l=label)
        assert "Could not resolve to Milestone" in message(alice, put, id=made, m=milestone)
        shown = alice.get("/repos/alice/open/issues/1").json()
        assert (shown["labels"], shown["milestone"]) == ([], None)
        assert alice.get("/repos/alice/open/labels/only%20there").status_code == 404
