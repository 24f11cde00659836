"""Debian's gh, at work on localhub as a person would have it: a whole life of issues, pull requests and runs."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gh")]
WORKFLOW = """
name: CI
on: [push, pull_request, workflow_dispatch]
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Look
        run: echo looking; test ! -e broken
  wait:
    if: github.event_name == 'workflow_dispatch'
    runs-on: ubuntu-latest
    steps:
      - run: sleep 300
"""


class Person:
    """Somebody with gh and git, in a folder."""

    def __init__(self, secure: Any, login: str, home: Path, **more: str) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.login, self.folder = login, home
        self.environment = secure.environment(home, f"ghp_{login}") | more
        for key, value in (
            ("user.name", login), ("user.email", f"{login}@example.org"), ("init.defaultBranch", "main"),
            ("credential.helper", "!gh auth git-credential"),
        ):  # fmt: skip
            self.git("config", "--global", key, value)

    def git(self, *words: str) -> str:
        return self._run(["git", *words], 0)[0]

    def gh(self, *words: str, status: int = 0, stdin: str = "") -> str:
        out, err = self._run(["gh", *words], status, stdin)
        return out + err

    def json(self, *words: str) -> Any:
        """`gh … --json FIELDS`, or `gh api`, read."""
        return json.loads(self._run(["gh", *words], 0)[0])

    def _run(self, command: list[str], status: int, stdin: str = "") -> tuple[str, str]:
        done = subprocess.run(
            command, cwd=self.folder, env=self.environment, input=stdin, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout, done.stderr

    def refused(self, path: str, text: str) -> str:
        """Commit and push what the server does not take; what git says."""
        (self.folder / path).write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", f"Add {path}")
        return self._run(["git", "push", "-q", "origin", "HEAD"], 1)[1].lower()

    def commit(self, path: str, text: str, branch: str | None = None) -> None:
        if branch:
            self.git("checkout", "-q", "-B", branch)
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-qm", f"Add {path}")
        self.git("push", "-qu", "origin", "HEAD")


def settled(look: Callable[[], str], text: str) -> None:
    """Search sees what is new with GitHub's delay."""
    end = time.monotonic() + 60
    while text not in (found := look()):
        assert time.monotonic() < end, found
        time.sleep(0.2)


def newest_run(someone: Person, event: str) -> str:
    """The id of the latest run of an event, as soon as there is one."""
    newest = ("api", f"repos/{{owner}}/{{repo}}/actions/runs?event={event}", "--jq", ".workflow_runs[0].id // empty")
    end = time.monotonic() + 60
    while not (found := someone.gh(*newest).strip()):
        assert time.monotonic() < end, f"no run of {event}"
        time.sleep(0.2)
    return found


@pytest.fixture
def person(secure: Any, tmp_path: Path, need: Callable[[str, str], None]) -> Callable[..., Person]:
    need("gh", "gh")
    return lambda login, **more: Person(secure, login, tmp_path / login, **more)


@pytest.fixture
def alice(person: Callable[..., Person], request: pytest.FixtureRequest) -> Person:
    """Alice in a fresh clone of a repository of hers that is named after the test; Bob may write to it."""
    name = request.node.name.removeprefix("test_").replace("_", "-")
    someone = person("alice")
    someone.gh("repo", "create", name, "--public", "--add-readme")
    someone.gh("repo", "clone", f"alice/{name}")
    someone.gh("api", "-X", "PUT", f"repos/alice/{name}/collaborators/bob", "-f", "permission=push", "--silent")
    someone.folder /= name
    return someone


@pytest.fixture
def bob(person: Callable[..., Person], alice: Person) -> Person:
    someone = person("bob")
    someone.gh("repo", "clone", f"alice/{alice.folder.name}")
    someone.folder /= alice.folder.name
    return someone


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


def test_pull_requests(alice: Person, bob: Person) -> None:
    alice.gh("issue", "create", "-t", "Wanted", "-b", "x")
    alice.commit("a.txt", "hi\n", "topic")
    alice.gh("pr", "create", "-t", "Add a", "-b", "Closes #1", "-l", "bug", "-a", "@me", "-r", "bob")
    assert "Add a\ttopic\tOPEN" in alice.gh("pr", "list")
    settled(lambda: alice.gh("pr", "status").partition("Requesting")[0], "Created by you\n  #2  Add a [topic]")
    settled(lambda: bob.gh("pr", "status").partition("Requesting")[2], "#2  Add a [topic]")
    assert "reviewers:\tbob (Requested)" in alice.gh("pr", "view")
    assert "+hi" in alice.gh("pr", "diff")
    assert alice.gh("pr", "diff", "--name-only").strip() == "a.txt"
    assert "Subject: [PATCH] Add a.txt" in alice.gh("pr", "diff", "--patch")
    fields = (
        "additions,assignees,author,baseRefName,body,changedFiles,closed,closedAt,comments,commits,createdAt,deletions,"
        "files,headRefName,headRefOid,headRepository,headRepositoryOwner,id,isCrossRepository,isDraft,labels,"
        "latestReviews,maintainerCanModify,mergeCommit,mergeStateStatus,mergeable,mergedAt,mergedBy,milestone,number,"
        "potentialMergeCommit,projectCards,reactionGroups,reviewDecision,reviewRequests,reviews,state,"
        "statusCheckRollup,title,updatedAt,url"
    )
    shown = alice.json("pr", "view", "2", "--json", fields)
    assert (shown["additions"], shown["isDraft"], shown["reviewRequests"][0]["login"]) == (1, False, "bob")
    assert shown["commits"][0]["authors"][0]["login"] == "alice"
    assert alice.json("pr", "list", "--json", fields)[0]["files"][0]["path"] == "a.txt"
    bob.gh("pr", "checkout", "2")
    assert (bob.folder / "a.txt").read_text() == "hi\n"
    bob.gh("pr", "review", "2", "--comment", "-b", "Hm")
    bob.gh("pr", "review", "2", "--request-changes", "-b", "No")
    assert alice.json("pr", "view", "2", "--json", "reviewDecision")["reviewDecision"] == "CHANGES_REQUESTED"
    bob.gh("pr", "review", "2", "--approve", "-b", "Yes")
    bob.gh("pr", "comment", "2", "-b", "Nice")
    told = alice.gh("pr", "view", "2", "--comments")
    assert all(f"status:\t{one}" in told for one in ("commented", "changes requested", "approved"))
    assert "Nice" in told
    assert "Can not approve your own pull request" in alice.gh("pr", "review", "2", "--approve", status=1)
    alice.gh("pr", "edit", "2", "-t", "Add A", "--add-label", "enhancement", "--remove-label", "bug",
             "--add-reviewer", "bob", "--add-assignee", "bob")  # fmt: skip
    edited = alice.json("pr", "view", "2", "--json", "title,labels,assignees,reviewRequests")
    assert (edited["title"], [each["name"] for each in edited["labels"]]) == ("Add A", ["enhancement"])
    assert (len(edited["assignees"]), len(edited["reviewRequests"])) == (2, 1)
    alice.gh("pr", "ready", "2", "--undo")
    assert "still a draft" in alice.gh("pr", "merge", "2", "--squash", status=1)
    alice.gh("pr", "ready", "2")
    alice.gh("pr", "close", "2", "-c", "Not now")
    alice.gh("pr", "reopen", "2")
    alice.gh("pr", "merge", "2", "--squash", "--delete-branch")
    assert "Add A\ttopic\tMERGED" in alice.gh("pr", "list", "-s", "merged")
    assert alice.json("issue", "view", "1", "--json", "state") == {"state": "CLOSED"}
    assert "topic" not in alice.git("ls-remote", "--heads", "origin")
    alice.commit("b.txt", "b\n", "second")
    alice.gh("pr", "create", "--draft", "--fill")
    alice.gh("pr", "close", "second", "--delete-branch", "-c", "Bye")
    assert alice.json("pr", "view", "3", "--json", "state,title") == {"state": "CLOSED", "title": "Add b.txt"}


def test_merging_by_itself(alice: Person, bob: Person, tmp_path: Path) -> None:
    """A milestone, a protected branch, and a pull request that lands when it may."""
    this = "repos/{owner}/{repo}"
    alice.gh("repo", "edit", "--enable-auto-merge", "--delete-branch-on-merge")
    alice.gh("api", f"{this}/milestones", "-f", "title=v1", "--silent")
    rules = {
        "required_status_checks": {"strict": False, "contexts": ["ci"]}, "enforce_admins": True, "restrictions": None,
        "required_pull_request_reviews": {"required_approving_review_count": 1},
    }  # fmt: skip
    alice.gh(
        "api", "-X", "PUT", f"{this}/branches/main/protection", "--input", "-", "--silent", stdin=json.dumps(rules)
    )
    assert "protected branch" in alice.refused("a.txt", "x\n")
    alice.git("reset", "-q", "--hard", "origin/main")
    alice.gh("issue", "create", "-t", "Wanted", "-b", "x", "-m", "v1")
    assert alice.json("issue", "view", "1", "--json", "milestone")["milestone"]["title"] == "v1"
    alice.commit("a.txt", "x\n", "topic")
    alice.gh("pr", "create", "-t", "Add a", "-b", "Fixes #1", "-m", "v1")
    state = ("pr", "view", "2", "--json", "state,mergeStateStatus,reviewDecision,milestone")
    waiting = alice.json(*state)
    assert (waiting["reviewDecision"], waiting["milestone"]["title"]) == ("REVIEW_REQUIRED", "v1")
    assert "not mergeable" in alice.gh("pr", "merge", "2", "--squash", status=1)
    alice.gh("pr", "merge", "2", "--squash", "--auto")
    assert alice.json(*state)["state"] == "OPEN"
    bob.gh("pr", "review", "2", "--approve")
    head = alice.json("pr", "view", "2", "--json", "headRefOid")["headRefOid"]
    alice.gh("api", f"{this}/statuses/{head}", "-f", "state=success", "-f", "context=ci", "--silent")
    settled(lambda: alice.json(*state)["state"], "MERGED")
    assert alice.json("issue", "view", "1", "--json", "state") == {"state": "CLOSED"}


def test_runs(alice: Person, secure: Any) -> None:
    alice.commit(".github/workflows/ci.yml", WORKFLOW)
    alice.commit("broken", "x\n", "topic")
    alice.gh("pr", "create", "--fill")
    number = newest_run(alice, "pull_request")
    alice.gh("run", "watch", number, "--exit-status", "-i", "1", status=1)
    checks = alice.gh("pr", "checks", status=1)
    assert "test\tfail" in checks
    assert "wait\tskipping" in checks
    assert "completed\tfailure\tAdd broken\tCI\ttopic\tpull_request" in alice.gh("run", "list", "-b", "topic")
    view = alice.gh("run", "view", number)
    assert "X Look" in view
    assert "Process completed with exit code 1." in view
    assert "test\tLook\t" in alice.gh("run", "view", number, "--log")
    failed = alice.gh("run", "view", number, "--log-failed")
    assert "looking" in failed
    assert "checkout" not in failed
    alice.git("rm", "-q", "broken")
    alice.commit("fixed", "x\n")
    first = alice.json("run", "view", number, "--json", "jobs,conclusion,event,headBranch,status,workflowName")
    assert (first["conclusion"], [job["conclusion"] for job in first["jobs"]]) == ("failure", ["failure", "skipped"])
    alice.gh("run", "rerun", number, "--failed")
    alice.gh("run", "watch", number, "--exit-status", "-i", "1", status=1)
    assert "CI\tactive" in alice.gh("workflow", "list")
    assert "name: CI" in alice.gh("workflow", "view", "CI", "--yaml")
    alice.gh("workflow", "disable", "CI")
    assert "disabled_manually" in alice.gh("workflow", "list", "--all")
    alice.gh("workflow", "enable", "CI")
    alice.gh("workflow", "run", "CI", "--ref", "main")
    number = newest_run(alice, "workflow_dispatch")
    alice.gh("run", "cancel", number)
    alice.gh("run", "watch", number, "-i", "1")
    assert alice.json("run", "view", number, "--json", "conclusion") == {"conclusion": "cancelled"}


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
