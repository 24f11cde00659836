"""Debian's gh, at work on localhub as a person would have it: repositories, issues and the API itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.localhub.clients.person import Person, settled

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gh")]


def test_repositories(person: Callable[..., Person]) -> None:
    alice = person("alice")
    status = alice.gh("auth", "status")
    assert re.search(r"Logged in to localhub\.test (as|account) alice", status)
    assert "admin:repo_hook, delete_repo, notifications, read:org, repo" in status.replace("'", "")
    assert "https://localhub.test/alice/house" in alice.gh("repo", "create", "house", "--private", "-d", "A house")
    assert "alice/house\tA house\tprivate" in alice.gh("repo", "list", "alice")
    assert [each["name"] for each in alice.json("repo", "list", "alice", "--visibility", "private", "--json", "name")] == [
        "house", "private",
    ]  # fmt: skip
    alice.gh("repo", "edit", "alice/house", "--enable-auto-merge", "--delete-branch-on-merge", "--add-topic", "bots")
    fields = (
        "assignableUsers,contactLinks,createdAt,defaultBranchRef,deleteBranchOnMerge,description,diskUsage,forkCount,"
        "hasDiscussionsEnabled,hasIssuesEnabled,hasProjectsEnabled,hasWikiEnabled,homepageUrl,id,isArchived,"
        "isBlankIssuesEnabled,isEmpty,isFork,isInOrganization,isMirror,isPrivate,isTemplate,"
        "isUserConfigurationRepository,issueTemplates,issues,labels,mentionableUsers,mergeCommitAllowed,milestones,"
        "mirrorUrl,name,nameWithOwner,owner,parent,pullRequestTemplates,pullRequests,pushedAt,rebaseMergeAllowed,"
        "repositoryTopics,squashMergeAllowed,sshUrl,stargazerCount,templateRepository,updatedAt,url,"
        "viewerCanAdminister,viewerDefaultCommitEmail,viewerDefaultMergeMethod,viewerHasStarred,viewerPermission,"
        "viewerPossibleCommitEmails,viewerSubscription,watchers"
    )
    shown = alice.json("repo", "view", "alice/house", "--json", fields)
    assert (shown["deleteBranchOnMerge"], shown["isEmpty"], shown["parent"]) == (True, True, None)
    assert shown["repositoryTopics"] == [{"name": "bots"}]
    assert shown["url"] == "https://localhub.test/alice/house"
    assert "alice/house" in alice.gh("search", "repos", "--owner", "alice", "house")
    alice.gh("repo", "delete", "alice/house", "--confirm")
    assert "Could not resolve to a Repository with the name 'alice/house'" in alice.gh(
        "repo", "view", "alice/house", status=1
    )
    stranger = person("bob")
    assert "Could not resolve" in stranger.gh("repo", "view", "alice/private", status=1)
    wrong = person("nobody", GH_ENTERPRISE_TOKEN="ghp_wrong")
    assert "Bad credentials" in wrong.gh("api", "user", status=1)
    wrong.environment.pop("GH_ENTERPRISE_TOKEN")
    wrong.gh("auth", "login", "--hostname", "localhub.test", "--with-token", stdin="ghp_bob\n")
    assert wrong.gh("api", "user", "--jq", ".login").strip() == "bob"


def test_issues(alice: Person, bob: Person) -> None:
    made = alice.gh("issue", "create", "-t", "First", "-b", "Body", "-l", "bug", "-a", "@me")
    assert made.strip().endswith("https://localhub.test/alice/issues/issues/1")
    bob.gh("issue", "create", "-t", "Second", "-b", "for @alice")
    assert "OPEN\tFirst\tbug" in alice.gh("issue", "list")
    settled(lambda: alice.gh("issue", "list", "-l", "bug", "-S", "First in:title"), "OPEN\tFirst")
    settled(lambda: alice.gh("search", "issues", "--author", "bob", "--repo", "alice/issues"), "Second")
    assert "mentioning you\n  2" in alice.gh("issue", "status").replace("Issues ", "")
    view = alice.gh("issue", "view", "1")
    assert "assignees:\talice" in view
    alice.gh("issue", "edit", "1", "-t", "First!", "--add-label", "enhancement", "--remove-label", "bug",
             "--add-assignee", "bob")  # fmt: skip
    bob.gh("issue", "comment", "1", "-b", "Hello")
    bob.gh("issue", "comment", "1", "--edit-last", "-b", "Hello again")
    fields = "assignees,author,body,closed,closedAt,comments,createdAt,id,labels,milestone,number,projectCards,reactionGroups,state,title,updatedAt,url"
    shown = alice.json("issue", "view", "1", "--json", fields)
    assert (shown["title"], shown["state"]) == ("First!", "OPEN")
    assert [each["login"] for each in shown["assignees"]] == ["alice", "bob"]
    assert [each["name"] for each in shown["labels"]] == ["enhancement"]
    (comment,) = shown["comments"]
    assert (comment["body"], comment["includesCreatedEdit"], comment["author"]["login"]) == ("Hello again", True, "bob")
    assert [each["number"] for each in alice.json("issue", "list", "-A", "bob", "--json", "number")] == [2]
    for act in ("pin", "unpin", "lock", "unlock"):
        alice.gh("issue", act, "2")
    alice.gh("issue", "close", "2", "-r", "not planned", "-c", "No.")
    assert alice.json("api", "repos/{owner}/{repo}/issues/2")["state_reason"] == "not_planned"
    alice.gh("issue", "reopen", "2")
    alice.gh("issue", "develop", "1", "--name", "work", "--base", "main")
    assert alice.gh("issue", "develop", "--list", "1").split()[0] == "work"
    alice.gh("issue", "delete", "2", "--confirm")
    assert "This issue was deleted" in alice.gh("api", "repos/{owner}/{repo}/issues/2", status=1)
    alice.gh("label", "create", "prio", "-c", "ff0000", "-d", "Do it now")
    alice.gh("label", "edit", "prio", "-n", "priority")
    assert "priority\tDo it now\t#ff0000" in alice.gh("label", "list", "--sort", "name", "--order", "desc")
    alice.gh("label", "delete", "priority", "--confirm")


def test_the_api(alice: Person) -> None:
    for each in range(3):
        alice.gh("issue", "create", "-t", f"Issue {each}", "-b", "x")
    paged = alice.gh("api", "--paginate", "repos/{owner}/{repo}/issues?per_page=1", "--jq", ".[].number")
    assert paged.split() == ["3", "2", "1"]
    query = """query($endCursor: String, $owner: String!, $repo: String!) { repository(owner: $owner, name: $repo) {
      issues(first: 1, after: $endCursor) { nodes { number } pageInfo { hasNextPage endCursor } } } }"""
    repo = ("-F", "owner={owner}", "-F", "repo={repo}")
    numbers = ".data.repository.issues.nodes[].number"
    assert alice.gh("api", "graphql", "--paginate", "-f", f"query={query}", *repo, "--jq", numbers).split() == [
        "1",
        "2",
        "3",
    ]
    missing = alice.gh("api", "repos/alice/none", status=1)
    assert '"documentation_url"' in missing
    assert "gh: Not Found (HTTP 404)" in missing
    wrong = alice.gh("api", "repos/{owner}/{repo}/issues", "-f", "body=x", status=1)
    assert "HTTP 422" in wrong
    assert "HTTP/1.1 204" in alice.gh("api", "-X", "DELETE", "repos/{owner}/{repo}/labels/bug", "-i")
    cached = alice.gh("api", "repos/{owner}/{repo}", "-i", "--jq", ".full_name")
    tag = next(line.split(": ", 1)[1] for line in cached.splitlines() if line.lower().startswith("etag"))
    assert "HTTP 304" in alice.gh("api", "repos/{owner}/{repo}", "-H", f"If-None-Match: {tag}", status=1)


def test_a_port_of_one_s_own(person: Callable[..., Person], secure: Any) -> None:
    """On another port than 443 every command works that is told its repository."""
    host = f"127.0.0.1:{secure.hub.port}"
    alice = person("alice", GH_HOST=host, HTTPS_PROXY="")
    assert re.search(rf"Logged in to {host} (as|account) alice", alice.gh("auth", "status"))
    alice.gh("repo", "clone", "alice/sample")
    alice.gh("issue", "create", "-R", "alice/sample", "-t", "Over a port", "-b", "x")
    assert "Over a port" in alice.gh("issue", "list", "-R", "alice/sample")
