"""What every reader must see: the same as the model has, over REST, GraphQL, lists, filters and search."""

from __future__ import annotations

from typing import Any

from tests.localhub.machine.door import REPO, Door
from tests.localhub.machine.model import Issue, Pull
from tests.localhub.machine.people import ALICE, BOT
from tests.localhub.machine.push_rules import PushRules


def check_thing(door: Door, model: PushRules, thing: Issue) -> None:
    """One issue or pull request, with its timeline and relations."""
    shown = door.read(f"/issues/{thing.number}")
    assert _of_issue(shown) == _expected(thing), f"#{thing.number}"
    timeline = [
        (
            f"{each['event']} {each['id']}" if each["event"] in ("commented", "reviewed") else each["event"],
            (each.get("actor") or each["user"])["login"],
        )
        for each in door.read_pages(f"/issues/{thing.number}/timeline", 100)
        if each["event"] != "committed"
    ]
    assert timeline == thing.timeline, f"#{thing.number}"
    if isinstance(thing, Pull):
        check_pull(door, model, thing)
    else:
        check_relations(door, model, thing, shown)


def _of_issue(shown: dict[str, Any]) -> dict[str, Any]:
    return {
        "number": shown["number"], "title": shown["title"], "body": shown["body"] or "", "author": shown["user"]["login"],
        "state": shown["state"], "reason": shown["state_reason"], "locked": shown["locked"],
        "labels": sorted(each["name"] for each in shown["labels"]),
        "assignees": sorted(each["login"] for each in shown["assignees"]),
        "comments": shown["comments"], "closed": shown["closed_at"] is not None,
        "closed_by": shown["closed_by"] and shown["closed_by"]["login"], "is_pull": "pull_request" in shown,
        "milestone": shown["milestone"] and shown["milestone"]["number"],
    }  # fmt: skip


def _expected(thing: Issue) -> dict[str, Any]:
    return {
        "number": thing.number, "title": thing.title, "body": thing.body, "author": thing.author,
        "state": thing.state, "reason": thing.reason, "locked": thing.locked, "labels": sorted(thing.labels),
        "assignees": sorted(thing.assignees), "comments": len(thing.comments), "closed": not thing.open,
        "closed_by": thing.closed_by, "is_pull": thing.is_pull, "milestone": thing.milestone,
    }  # fmt: skip


def check_relations(door: Door, model: PushRules, issue: Issue, shown: dict[str, Any]) -> None:
    """Children in their order, the parent, and dependencies both ways, each with its counts."""
    root = f"/issues/{issue.number}"
    assert [each["number"] for each in door.read(f"{root}/sub_issues", per_page=100)] == issue.children
    done = sum(not model.things[child].open for child in issue.children)
    total = len(issue.children)
    percent = done * 100 // total if total else 0
    assert shown["sub_issues_summary"] == {"total": total, "completed": done, "percent_completed": percent}
    parent = door.client(ALICE).get(f"{REPO}{root}/parent")
    assert (parent.json()["number"] if parent.status_code == 200 else None) == issue.parent
    blocking = model.blocking(issue.number)
    found = {
        kind: {each["number"] for each in door.read(f"{root}/dependencies/{kind}", per_page=100)}
        for kind in ("blocked_by", "blocking")
    }
    assert found == {"blocked_by": set(issue.blockers), "blocking": set(blocking)}
    assert shown["issue_dependencies_summary"] == {
        "blocked_by": sum(model.things[each].open for each in issue.blockers), "total_blocked_by": len(issue.blockers),
        "blocking": sum(model.things[each].open for each in blocking), "total_blocking": len(blocking),
    }  # fmt: skip


def check_pull(door: Door, model: PushRules, pull: Pull) -> None:
    """A pull request, once GitHub has had the time to try its merge."""
    root = f"/pulls/{pull.number}"
    shown = door.read(root)
    if pull.open and shown["mergeable"] is None:  # asking for it starts the trial
        door.world.settle()
        shown = door.read(root)
    assert (shown["head"]["ref"], shown["base"]["ref"]) == (pull.head, pull.base)
    shas = (door.names[shown["head"]["sha"]], door.names[shown["base"]["sha"]])
    assert shas == (pull.head_sha, pull.base_sha), f"#{pull.number}"
    assert (shown["state"], shown["merged"], shown["draft"]) == (pull.state, pull.merged, pull.draft)
    assert (shown["merged_at"] is not None) == pull.merged
    commits = model.commits.between(pull.base_sha, pull.head_sha)
    listed = [door.names[each["sha"]] for each in door.read(f"{root}/commits", per_page=100)]
    assert set(listed) == commits
    assert len(listed) == len(commits) == shown["commits"], f"#{pull.number}"
    files = door.read(f"{root}/files", per_page=100)
    assert shown["changed_files"] == len(files)
    assert {"additions": shown["additions"], "deletions": shown["deletions"]} == {
        key: sum(each[key] for each in files) for key in ("additions", "deletions")
    }
    if pull.open:
        assert shown["mergeable"] is model.mergeable(pull), f"#{pull.number}"
        assert shown["mergeable_state"] == model.mergeable_state(pull), f"#{pull.number}"
    assert door.client(ALICE).get(f"{REPO}{root}/merge").status_code == (204 if pull.merged else 404)
    reviews = door.read(f"{root}/reviews", per_page=100)
    assert [(each["id"], each["user"]["login"], each["state"], door.names[each["commit_id"]]) for each in reviews] == [
        (key, each.author, each.state, each.commit)
        for key, each in sorted(pull.reviews.items())
        if each.state != "PENDING" or each.author == ALICE.login
    ]
    asked = [each["login"] for each in door.read(f"{root}/requested_reviewers")["users"]]
    assert sorted(asked) == sorted(pull.requested)
    check_conversations(door, pull, shown)


def check_conversations(door: Door, pull: Pull, shown: dict[str, Any]) -> None:
    """Comments on lines: what is in pending reviews is not listed; Alice sees her own in threads."""
    heard = {key: each for key, each in pull.lines.items() if pull.sees_line(key, "")}
    listed = door.read(f"/pulls/{pull.number}/comments", per_page=100)
    assert [
        (each["id"], each["user"]["login"], each["body"], each["pull_request_review_id"], each.get("in_reply_to_id"))
        for each in listed
    ] == [(key, each.author, each.text, each.review, each.answers) for key, each in sorted(heard.items())]
    assert shown["review_comments"] == len(heard)
    found = [
        (each["path"], each["isResolved"], [int(one["fullDatabaseId"]) for one in each["comments"]["nodes"]])
        for each in door.threads(shown["node_id"])
    ]
    me = ALICE.login
    assert found == [
        (each.path, each.resolved, [line for line in pull.lines_of(key) if pull.sees_line(line, me)])
        for key, each in pull.threads.items()
        if pull.sees_thread(key, me)
    ]


def check_all(door: Door, model: PushRules) -> None:
    """Everything at once: each thing, lists with filters, counts, search, GraphQL, branches, mails."""
    for thing in model.things.values():
        check_thing(door, model, thing)
    check_lists(door, model)
    check_search(door, model)
    check_graphql(door, model)
    check_branches(door, model)
    check_milestones(door, model)
    check_mails(door, model)


def check_milestones(door: Door, model: PushRules) -> None:
    """Each with its counts, and the lists of what is in it."""
    listed = sorted(door.read_pages("/milestones", 2, state="all"), key=lambda each: each["number"])
    found = [
        (each["number"], each["title"], each["state"], each["open_issues"], each["closed_issues"]) for each in listed
    ]
    expected = []
    for number, each in sorted(model.milestones.items()):
        inside = model.in_milestone(number)
        opened = sum(thing.open for thing in inside)
        expected.append((number, each.title, each.state, opened, len(inside) - opened))
        shown = [each["number"] for each in door.read_pages("/issues", 3, state="all", milestone=str(number))]
        assert sorted(shown) == [thing.number for thing in inside]
    assert found == expected
    for word, inside in (("none", False), ("*", True)):
        shown = [each["number"] for each in door.read_pages("/issues", 5, state="all", milestone=word)]
        assert sorted(shown) == [
            each.number for each in model.things.values() if (each.milestone is not None) == inside
        ]


def check_lists(door: Door, model: PushRules) -> None:
    things = sorted(model.things.values(), key=lambda each: -each.number)

    def numbers(**query: Any) -> list[int]:
        return [each["number"] for each in door.read_pages("/issues", 3, **query)]

    def counted(**query: Any) -> int:
        """As the number of the last page says, of one issue each."""
        answer = door.client(ALICE).get(f"{REPO}/issues", params={**query, "per_page": 1})
        last = answer.links.get("last")
        return int(last["url"].rpartition("&page=")[2]) if last else len(answer.json())

    assert numbers(state="all") == [each.number for each in things]
    assert numbers() == [each.number for each in things if each.open]
    assert numbers(state="closed", direction="asc") == [each.number for each in reversed(things) if not each.open]
    assert numbers(state="all", labels="bug") == [each.number for each in things if "bug" in each.labels]
    assert numbers(state="all", assignee="bob") == [each.number for each in things if "bob" in each.assignees]
    assert numbers(state="all", assignee="none") == [each.number for each in things if not each.assignees]
    assert numbers(state="all", creator=BOT) == [each.number for each in things if each.author == BOT]
    for state in ("open", "closed"):
        of_state = [each for each in things if each.state == state]
        assert counted(state=state) == len(of_state)
        assert counted(state=state, labels="bug") == sum("bug" in each.labels for each in of_state)
        assert counted(state=state, assignee="bob") == sum("bob" in each.assignees for each in of_state)
        assert counted(state=state, assignee="none") == sum(not each.assignees for each in of_state)
        assert counted(state=state, creator=BOT) == sum(each.author == BOT for each in of_state)
    pulls = [each for each in things if isinstance(each, Pull)]
    for state in ("open", "closed"):
        listed = [each["number"] for each in door.read_pages("/pulls", 2, state=state)]
        assert listed == [each.number for each in pulls if each.state == state]
    assert [each["number"] for each in door.read_pages("/pulls", 2, state="all", base="main")] == [
        each.number for each in pulls if each.base == "main"
    ]
    comments = {each["id"]: (each["user"]["login"], each["body"]) for each in door.read_pages("/issues/comments", 5)}
    assert comments == {key: value for each in things for key, value in each.comments.items()}
    assert door.read("")["open_issues_count"] == sum(each.open for each in things)
    first = door.client(ALICE).get(f"{REPO}/issues", params={"state": "all"})
    again = door.client(ALICE).get(
        f"{REPO}/issues", params={"state": "all"}, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304, "nothing has changed"


def check_search(door: Door, model: PushRules) -> None:
    """Search lags: after a while it agrees."""
    door.world.admin("/clock", {"advance": 5})

    def numbers(words: str) -> set[int]:
        query = {"q": f"repo:alice/sample {words}", "per_page": 100}
        found = door.client(ALICE).get("/search/issues", params=query).json()
        assert found["total_count"] == len(found["items"])
        return {each["number"] for each in found["items"]}

    things = model.things.values()
    assert numbers("is:issue is:open") == {each.number for each in things if each.open and not each.is_pull}
    assert numbers("is:pr is:closed") == {each.number for each in things if not each.open and each.is_pull}
    assert numbers("label:bug") == {each.number for each in things if "bug" in each.labels}
    assert numbers("author:bob") == {each.number for each in things if each.author == "bob"}


_QUERY = """{ repository(owner: "alice", name: "sample") {
  issues(first: 100) { totalCount nodes { number title state stateReason closed locked parent { number }
    subIssues(first: 100) { nodes { number } } subIssuesSummary { total completed }
    blockedBy(first: 50) { nodes { number } } comments { totalCount } } }
  pullRequests(first: 100) { totalCount nodes { number title state merged isDraft closed headRefName baseRefName headRefOid
    reviewDecision commits { totalCount } } }
  open: issues(states: OPEN) { totalCount } merged: pullRequests(states: MERGED) { totalCount } } }"""


def check_graphql(door: Door, model: PushRules) -> None:
    found = door.query(_QUERY)["repository"]
    issues = [each for each in model.things.values() if not isinstance(each, Pull)]
    assert found["issues"]["totalCount"] == len(issues)
    assert found["open"]["totalCount"] == sum(each.open for each in issues)
    for shown, issue in zip(found["issues"]["nodes"], sorted(issues, key=lambda each: each.number), strict=True):
        assert (shown["number"], shown["title"]) == (issue.number, issue.title)
        assert (shown["state"].lower(), shown["closed"], shown["locked"]) == (issue.state, not issue.open, issue.locked)
        assert (shown["stateReason"] or "").lower() == (issue.reason or ""), f"#{issue.number}"
        assert (shown["parent"] or {}).get("number") == issue.parent
        assert [each["number"] for each in shown["subIssues"]["nodes"]] == issue.children
        assert {each["number"] for each in shown["blockedBy"]["nodes"]} == set(issue.blockers)
        assert shown["comments"]["totalCount"] == len(issue.comments)
    pulls = model.pulls()
    assert found["pullRequests"]["totalCount"] == len(pulls)
    assert found["merged"]["totalCount"] == sum(each.merged for each in pulls)
    for shown, pull in zip(found["pullRequests"]["nodes"], pulls, strict=True):
        state = "MERGED" if pull.merged else pull.state.upper()
        assert (shown["number"], shown["state"], shown["isDraft"]) == (pull.number, state, pull.draft)
        assert (shown["headRefName"], shown["baseRefName"]) == (pull.head, pull.base)
        assert door.names[shown["headRefOid"]] == pull.head_sha
        assert shown["reviewDecision"] == review_decision(model, pull), f"#{pull.number}"


def review_decision(model: PushRules, pull: Pull) -> str | None:
    """What reviews say; REVIEW_REQUIRED only where the base asks for approvals."""
    decisions, rules = model.decisions(pull), model.protections.get(pull.base)
    if "CHANGES_REQUESTED" in decisions:
        return "CHANGES_REQUESTED"
    if rules is not None and rules.approvals and decisions.count("APPROVED") < rules.approvals:
        return "REVIEW_REQUIRED"
    return "APPROVED" if "APPROVED" in decisions else None


def check_branches(door: Door, model: PushRules) -> None:
    listed = {each["name"]: door.names[each["commit"]["sha"]] for each in door.read_pages("/branches", 2)}
    assert listed == model.branches
    refs = {each["ref"]: each["object"]["sha"] for each in door.read("/git/matching-refs/heads", per_page=100)}
    assert {name.removeprefix("refs/heads/"): door.names[sha] for name, sha in refs.items()} == model.branches


def check_mails(door: Door, model: PushRules) -> None:
    """Who was mailed, and why."""
    stats = door.world.client("alice", prefix="").get("/_localhub/stats").json()["notifications"]
    sent = {(login, kind): count for login, kinds in stats.items() for kind, count in kinds.items()}
    assert sent == {key: count for key, count in model.mails.items() if count}
