"""Debian's gh on the way of a change: pull requests, reviews, merging, runs."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.localhub.clients.person import Person, settled

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


def newest_run(someone: Person, event: str) -> str:
    """The id of the latest run of an event, as soon as there is one."""
    newest = ("api", f"repos/{{owner}}/{{repo}}/actions/runs?event={event}", "--jq", ".workflow_runs[0].id // empty")
    end = time.monotonic() + 60
    while not (found := someone.gh(*newest).strip()):
        assert time.monotonic() < end, f"no run of {event}"
        time.sleep(0.2)
    return found


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
