"""PyGithub with all that a bot asks of it: people, issues, apps, search, notifications."""

from __future__ import annotations

from typing import Any

import github
import pytest
from github import Auth
from github.Repository import Repository

from tests.localhub.clients.pygithub import QUICK, Connect, read


def test_objects_are_lazy_and_complete_themselves(connect: Connect) -> None:
    alice = connect("alice")
    me = alice.get_user()
    read(me, alice.get_user("bob"), alice.get_organization("acme"))
    assert {each.full_name for each in me.get_repos()} >= {"alice/sample", "alice/other"}
    assert [each.login for each in alice.get_organization("acme").get_members()] == ["bob", "octo-owner"]
    lazy = alice.withLazy(True).get_repo("alice/sample")
    issue = lazy.create_issue("Made by a repository that was never read")
    assert (issue.number, lazy.default_branch) == (1, "main")
    read(lazy)
    made = me.create_repo("made", description="d", private=True, auto_init=True)
    read(made)
    made.edit(name="renamed", description="e", has_issues=True, delete_branch_on_merge=True, allow_auto_merge=True)
    assert alice.get_repo("alice/made").name == "renamed", "an old name leads to the new one"
    made.replace_topics(["bots", "python"])
    assert alice.get_repo("alice/renamed").get_topics() == ["bots", "python"]
    made.add_to_collaborators("bob", "push")
    assert made.get_collaborator_permission("bob") == "write"
    assert [each.login for each in made.get_collaborators()] == ["alice", "bob"]
    made.remove_from_collaborators("bob")
    made.delete()
    with pytest.raises(github.UnknownObjectException):
        alice.get_repo("alice/renamed")


def test_issues(connect: Connect, repo: Repository) -> None:
    label = repo.create_label("prio", "ff0000", "Now")
    stone = repo.create_milestone("v1", description="First")
    issue = repo.create_issue("One", body="@bob", labels=[label, "bug"], assignee="bob", milestone=stone)
    read(issue, label, stone)
    comment = issue.create_comment("Hello")
    comment.edit("Hello again")
    reaction = comment.create_reaction("rocket")
    read(comment, reaction, issue.create_reaction("heart"))
    comment.delete_reaction(reaction.id)
    assert [each.body for each in issue.get_comments()] == ["Hello again"]
    issue.edit(title="One!", body="b", state="closed", state_reason="not_planned", assignees=["alice"], labels=["prio"])
    assert (issue.state_reason, [each.login for each in issue.assignees]) == ("not_planned", ["alice"])
    issue.edit(state="open")
    issue.add_to_labels("bug")
    issue.remove_from_labels("prio")
    issue.set_labels("question")
    issue.add_to_assignees("bob")
    issue.remove_from_assignees("bob")
    issue.lock("resolved")
    assert repo.get_issue(1).active_lock_reason == "resolved"
    issue.unlock()
    children = [repo.create_issue(f"Child {n}") for n in range(3)]
    for child in children:
        issue.add_sub_issue(child)
    issue.prioritize_sub_issue(children[2], children[0])
    assert [each.number for each in issue.get_sub_issues()] == [2, 4, 3]
    read(*issue.get_sub_issues())
    issue.remove_sub_issue(children[2])
    assert repo.get_issue(1).sub_issues_summary.total == 2
    repo.get_issue(3).add_blocked_by(children[0])
    assert [each.number for each in children[1].get_blocked_by()] == [2]
    assert [each.number for each in children[0].get_blocking()] == [3]
    repo.get_issue(3).remove_blocked_by(children[0])
    assert repo.get_issue(3).get_blocked_by().totalCount == 0
    events = [each.event for each in issue.get_timeline()]
    assert {"labeled", "commented", "closed", "reopened", "assigned", "locked", "sub_issue_added"} <= set(events)
    read(*issue.get_timeline(), *issue.get_events(), *repo.get_issues_events())
    assert [each.number for each in repo.get_issues(labels=["question"], sort="updated")] == [1]
    assert repo.get_issues(state="all").totalCount == 4
    assert [each.title for each in repo.get_milestones()] == ["v1"]
    stone.edit("v1.0", state="closed")
    label.edit("urgent", "00ff00")
    label.delete()
    comment.delete()
    assert issue.get_comments().totalCount == 0


def test_an_app_with_checks(hub: Any, key_pem: str) -> None:
    auth = Auth.AppAuth(4242, key_pem)
    base = f"{hub.url}/api/v3"
    with github.GithubIntegration(auth=auth, base_url=base, **QUICK) as integration:
        app = integration.get_app()
        read(app)
        assert {each.id for each in integration.get_installations()} >= {hub.installation_id}
        installation = integration.get_repo_installation("alice", "sample")
        read(installation)
        assert [each.full_name for each in installation.get_repos()] == ["alice/sample"]
        token = integration.get_access_token(installation.id, permissions={"issues": "read"})
        assert token.permissions == {"issues": "read", "metadata": "read"}
    with github.Github(base_url=base, auth=auth.get_installation_auth(installation.id), **QUICK) as bot:
        repo = bot.get_repo("alice/sample")
        sha = repo.get_branch("main").commit.sha
        run = repo.create_check_run("helper", sha, status="in_progress", external_id="7")
        notes = [{"path": "README.md", "start_line": 1, "end_line": 1, "annotation_level": "warning", "message": "m"}]
        run.edit(conclusion="failure", output={"title": "t", "summary": "s", "annotations": notes})
        read(run, *run.get_annotations())
        commit = repo.get_commit(sha)
        read(*commit.get_check_runs(), *commit.get_check_suites())
        suite = repo.get_check_suite(next(iter(commit.get_check_suites())).id)
        assert [each.name for each in suite.get_check_runs()] == ["helper"]
        read(commit.create_status("success", "https://example.org", "d", "ci"), *commit.get_statuses())
        combined = commit.get_combined_status()
        assert (combined.state, combined.total_count) == ("success", 1)
        read(combined)
        repo.create_issue("From the app")
        assert repo.get_issue(1).user.login == "branchwork[bot]"
    hub.hooks.wait("issues", "opened")
    hub.settle()
    with github.Github(base_url=base, auth=auth, **QUICK) as as_app:
        _, deliveries = as_app.requester.requestJsonAndCheck("GET", "/app/hook/deliveries")
        opened = next(each for each in deliveries if each["event"] == "issues")
        as_app.requester.requestJsonAndCheck("POST", f"/app/hook/deliveries/{opened['id']}/attempts")
    hub.hooks.wait("issues", "opened", count=2)


def test_search_notifications_and_graphql(hub: Any, connect: Connect, repo: Repository) -> None:
    hub.admin("/limits", {"search_lag_seconds": 0})
    bob = connect("bob")
    issue = repo.create_issue("Findable parser", body="@bob")
    repo.create_issue("Else")
    found = connect("alice").search_issues("parser repo:alice/sample is:issue is:open", sort="created", order="asc")
    assert [each.number for each in found] == [1]
    read(*found)
    assert [each.full_name for each in bob.search_repositories("sample user:alice")] == ["alice/sample"]
    (note,) = bob.get_user().get_notifications()
    read(note)
    assert (note.reason, note.subject.title) == ("mention", "Findable parser")
    note.mark_as_read()
    assert bob.get_user().get_notifications().totalCount == 0
    query = "query($id: ID!) { node(id: $id) { ... on Issue { title } } }"
    _, answer = bob.requester.graphql_query(query, {"id": issue.node_id})
    assert answer["data"]["node"]["title"] == "Findable parser"
    limit = bob.get_rate_limit()
    read(limit.resources.core)
    assert limit.resources.graphql.remaining < limit.resources.graphql.limit
    with pytest.raises(github.UnknownObjectException):
        connect("mallory").get_repo("alice/sample")
    with pytest.raises(github.BadCredentialsException):
        connect("nobody").get_user().login  # noqa: B018
    with pytest.raises(github.GithubException) as wrong:
        repo.create_issue("x" * 300)
    assert (wrong.value.status, wrong.value.data["errors"][0]["field"]) == (422, "title")
