"""PyGithub on code: pull requests and reviews, git data and contents, runs, protected branches."""

from __future__ import annotations

from typing import Any

import github
import pytest
from github import InputGitAuthor, InputGitTreeElement
from github.Repository import Repository

from tests.localhub.clients.pygithub import Connect, read


def test_pull_requests_and_reviews(connect: Connect, repo: Repository) -> None:
    main = repo.get_branch("main")
    repo.create_git_ref("refs/heads/topic", main.commit.sha)
    repo.create_file("a.txt", "Add a", "one\ntwo\n", branch="topic")
    repo.create_issue("Wanted")
    pull = repo.create_pull("main", "topic", title="Add a", body="Closes #1", draft=True)
    read(pull, main)
    pull.mark_ready_for_review()
    pull.edit(title="Add a!", body="Closes #1.")
    pull.add_to_labels("bug")
    pull.create_review_request(reviewers=["bob"])
    assert [each.login for each in pull.get_review_requests()[0]] == ["bob"]
    theirs = connect("bob").get_repo("alice/sample").get_pull(pull.number)
    review = theirs.create_review(
        body="Hm", event="REQUEST_CHANGES", comments=[{"path": "a.txt", "line": 2, "side": "RIGHT", "body": "two?"}]
    )
    read(review)
    (said,) = pull.get_review_comments()
    read(said, pull.create_review_comment_reply(said.id, "Two."))
    theirs.create_review_comment("And one?", repo.get_commit(pull.head.sha), "a.txt", line=1, side="RIGHT")
    assert pull.get_review_comments().totalCount == 3
    review.dismiss("Answered")
    theirs.create_review(event="APPROVE")
    assert [each.state for each in pull.get_reviews()] == ["DISMISSED", "COMMENTED", "COMMENTED", "APPROVED"]
    read(*pull.get_reviews(), *pull.get_review_comments(), *pull.get_commits(), *pull.get_files())
    pull.create_issue_comment("Thanks")
    assert pull.as_issue().pull_request is not None
    assert "+two" in str(
        repo.requester.requestJsonAndCheck("GET", pull.url, headers={"Accept": "application/vnd.github.diff"})[1]
    )
    repo.update_file("README.md", "Change", "new\n", repo.get_contents("README.md").sha, branch="main")
    assert pull.update_branch()
    pull = repo.get_pull(pull.number)
    with pytest.raises(github.GithubException) as wrong:
        pull.merge(sha="0" * 40)
    assert wrong.value.status == 409
    merged = pull.merge(merge_method="squash", commit_title="Add a (#2)", sha=pull.head.sha, delete_branch=True)
    read(merged)
    assert (pull.is_merged(), repo.get_issue(1).state) == (True, "closed")
    assert [each.name for each in repo.get_branches()] == ["main"]
    assert repo.get_pulls(state="closed", base="main").totalCount == 1
    read(repo.get_pull(pull.number), *repo.get_pulls_review_comments())


def test_git_data_and_contents(repo: Repository) -> None:
    head = repo.get_branch("main").commit
    read(head, head.commit)
    blob = repo.create_git_blob("deep\n", "utf-8")
    element = InputGitTreeElement("deep/file.txt", "100644", "blob", sha=blob.sha)
    tree = repo.create_git_tree([element], base_tree=head.commit.tree)
    who = InputGitAuthor("Bot", "bot@example.org")
    commit = repo.create_git_commit("Deep", tree, [head.commit], author=who)
    ref = repo.create_git_ref("refs/heads/deep", commit.sha)
    read(blob, tree, commit, ref)
    ref.edit(head.sha, force=True)
    ref.edit(commit.sha)
    tag = repo.create_git_tag("v1", "First", commit.sha, "commit", tagger=who)
    repo.create_git_ref("refs/tags/v1", tag.sha)
    read(tag, *repo.get_tags(), *repo.get_git_refs())
    file = repo.get_contents("deep/file.txt", ref="deep")
    assert isinstance(file, github.ContentFile.ContentFile)
    assert file.decoded_content == b"deep\n"
    read(file, repo.get_git_blob(file.sha), repo.get_git_tree("deep", recursive=True))
    listed = repo.get_contents("", ref="deep")
    assert isinstance(listed, list)
    assert {each.path for each in listed} == {"README.md", "deep"}
    changed = repo.update_file("deep/file.txt", "Change", "deeper\n", file.sha, branch="deep")
    repo.delete_file("deep/file.txt", "Delete", changed["content"].sha, branch="deep")
    comparison = repo.compare("main", "deep")
    assert (comparison.ahead_by, comparison.status) == (3, "ahead")
    read(comparison, *repo.get_commits("deep"))
    assert repo.get_commits(path="README.md").totalCount == 1
    merge = repo.merge("main", "deep", "Merge deep")
    assert merge is not None
    assert merge.commit.message == "Merge deep"
    ref.delete()
    with pytest.raises(github.GithubException):
        repo.get_git_ref("heads/deep")


def test_workflow_runs(hub: Any, repo: Repository) -> None:
    text = (
        "on: [push, workflow_dispatch]\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'false'\n"
    )
    repo.create_file(".github/workflows/ci.yml", "CI", text)
    hub.settle()
    (run,) = repo.get_workflow_runs()
    read(run, *run.jobs())
    assert (run.conclusion, [job.name for job in run.jobs()]) == ("failure", ["test"])
    flow = repo.get_workflow("ci.yml")
    read(flow)
    assert flow.get_runs().totalCount == 1
    assert run.rerun_failed_jobs()
    hub.settle()
    assert repo.get_workflow_run(run.id).run_attempt == 2
    assert flow.create_dispatch("main")
    hub.settle()
    assert repo.get_workflow_runs(event="workflow_dispatch").totalCount == 1


def test_protected_branches(connect: Connect, repo: Repository) -> None:
    main = repo.get_branch("main")
    main.edit_protection(strict=True, contexts=["ci"], required_approving_review_count=1, dismiss_stale_reviews=True)
    read(main.get_protection(), main.get_required_status_checks(), main.get_required_pull_request_reviews())
    assert not main.get_admin_enforcement()
    main.set_admin_enforcement()
    assert main.get_admin_enforcement()
    main.edit_required_pull_request_reviews(required_approving_review_count=2)
    main.edit_required_status_checks(strict=False, contexts=["ci", "lint"])
    assert main.get_required_status_checks().contexts == ["ci", "lint"]
    repo.create_git_ref("refs/heads/topic", main.commit.sha)
    repo.create_file("a.txt", "Add a", "a\n", branch="topic")
    pull = repo.create_pull("main", "topic", title="A")
    with pytest.raises(github.GithubException) as refused:
        pull.merge()
    assert refused.value.status == 405
    main.remove_required_status_checks()
    main.remove_required_pull_request_reviews()
    assert pull.merge(merge_method="rebase").merged
    main.remove_protection()
    assert not repo.get_branch("main").protected
