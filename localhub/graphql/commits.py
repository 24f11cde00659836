"""Refs and commits."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from localhub.clock import iso
from localhub.gitcore import Commit as GitCommit
from localhub.gitcore import Person
from localhub.gitdiff import changes
from localhub.graphql.accounts import account
from localhub.graphql.base import Connection
from localhub.ids import text_node_id
from localhub.people import account_of

if TYPE_CHECKING:
    from localhub.graphql.repository import Repository

_CO_AUTHOR = re.compile(r"^co-authored-by:\s*(.+?)\s*<([^<>\s]+)>\s*$", re.IGNORECASE | re.MULTILINE)


class Ref:
    """A branch or tag."""

    def __init__(self, repo: Repository, name: str) -> None:
        self.repository = repo
        self._name = name
        self.prefix = "refs/tags/" if name.startswith("refs/tags/") else "refs/heads/"
        self.name = name.removeprefix(self.prefix)

    def id(self) -> str:
        return text_node_id("Ref", self.repository.row["id"], self._name)

    def branchProtectionRule(self) -> Any:
        from localhub.graphql.rules import BranchProtectionRule

        repo = self.repository
        sql = "SELECT * FROM protections WHERE repo_id = ? AND branch = ?"
        row = repo.hub.db.row(sql, repo.row["id"], self.name) if self.prefix == "refs/heads/" else None
        return None if row is None else BranchProtectionRule(repo.scope, row)

    def compare(self, headRef: str) -> Comparison | None:
        """This ref against another one of the repository."""
        head, base = self.repository.git.resolve(headRef), self.target()
        found = Commit.at(self.repository, head) if head else None
        return Comparison(base, found) if base and found else None

    def target(self) -> Commit | None:
        sha = self.repository.git.resolve(self._name)
        return None if sha is None else Commit.at(self.repository, sha)


class Commit:
    """A commit."""

    def __init__(self, repo: Repository, commit: GitCommit) -> None:
        self.repository = repo
        self._commit = commit
        self.oid, self.abbreviatedOid, self.message = commit.sha, commit.sha[:7], commit.message
        self.messageHeadline, _, body = commit.message.partition("\n")
        self.messageBody = body.strip("\n")
        self.authoredDate, self.committedDate = _date(commit.author), _date(commit.committer)

    @classmethod
    def at(cls, repo: Repository, sha: str) -> Commit | None:
        found = repo.git.commit(sha)
        return None if found is None else cls(repo, found)

    def id(self) -> str:
        return text_node_id("Commit", self.repository.row["id"], self.oid)

    def author(self) -> dict[str, Any]:
        return self._person(self._commit.author)

    def committer(self) -> dict[str, Any]:
        return self._person(self._commit.committer)

    def authors(self, **page: Any) -> Connection:
        """The author, then who is named by `Co-authored-by` at the end of the message."""
        people = [self.author()]
        for name, email in _CO_AUTHOR.findall(self.message):
            co_author = self._person(dataclasses.replace(self._commit.author, name=name, email=email))
            if email.lower() not in (str(one["email"]).lower() for one in people):
                people.append(co_author)
        return Connection(people, lambda one: one, **page)

    def _person(self, who: Person) -> dict[str, Any]:
        scope = self.repository.scope
        found = account_of(scope.hub, who.email)
        user = account(scope, found)
        avatar = user.avatarUrl() if user else scope.hub.html("/_localhub/avatars/0.svg")
        return {"name": who.name, "email": who.email, "date": _date(who), "user": user, "avatarUrl": avatar}

    def url(self) -> str:
        return self.repository.hub.html(self.resourcePath())

    def resourcePath(self) -> str:
        return f"{self.repository.resourcePath()}/commit/{self.oid}"

    commitUrl = url
    commitResourcePath = resourcePath

    def parents(self, **page: Any) -> Connection:
        return Connection(self._commit.parents, lambda sha: Commit.at(self.repository, sha), **page)

    def _numbers(self) -> tuple[int, int, int]:
        parent = self._commit.parents[0] if self._commit.parents else None
        files = changes(self.repository.git, parent, self.oid, patches=False)
        return sum(f.additions for f in files), sum(f.deletions for f in files), len(files)

    def additions(self) -> int:
        return self._numbers()[0]

    def deletions(self) -> int:
        return self._numbers()[1]

    def changedFilesIfAvailable(self) -> int:
        return self._numbers()[2]

    def checkSuites(self, filterBy: dict[str, Any] | None = None, **page: Any) -> Connection:
        from localhub.graphql.checks import CheckSuite

        asked = filterBy or {}
        rows = self.repository.hub.db.rows(
            """SELECT * FROM check_suites s WHERE repo_id = ? AND head_sha = ? AND (? IS NULL OR app_id = ?)
               AND (? IS NULL OR EXISTS (SELECT 1 FROM check_runs r WHERE r.suite_id = s.id AND r.name = ?))
               ORDER BY id""",
            self.repository.row["id"],
            self.oid,
            *[asked.get("appId")] * 2,
            *[asked.get("checkName")] * 2,
        )
        return Connection(rows, lambda row: CheckSuite(self.repository.scope, row), **page)

    def statusCheckRollup(self) -> Any:
        from localhub.graphql.rollup import StatusCheckRollup

        return StatusCheckRollup.of(self)

    def status(self) -> Any:
        from localhub.graphql.rollup import Status

        return Status.of(self)


class Comparison:
    """What a head has that a base has not, and the other way round."""

    def __init__(self, base: Commit, head: Commit) -> None:
        self.baseTarget, self.headTarget = base, head
        git = base.repository.git
        self._ahead = git.log([head.oid], [base.oid], "--reverse", "--topo-order")
        self.aheadBy, self.behindBy = len(self._ahead), len(git.log([base.oid], [head.oid]))

    def id(self) -> str:
        repo = self.baseTarget.repository
        return text_node_id("Comparison", repo.row["id"], f"{self.baseTarget.oid}...{self.headTarget.oid}")

    def status(self) -> str:
        if self.aheadBy and self.behindBy:
            return "DIVERGED"
        return "AHEAD" if self.aheadBy else "BEHIND" if self.behindBy else "IDENTICAL"

    def commits(self, **page: Any) -> Connection:
        return ComparisonCommitConnection(self._ahead, self.headTarget.repository, page)


class ComparisonCommitConnection(Connection):
    def __init__(self, shas: list[str], repo: Repository, page: dict[str, Any]) -> None:
        super().__init__(shas, lambda sha: Commit.at(repo, sha), **page)
        known = repo.git.commits_by_sha(shas)
        self.authorCount = len({commit.author.email for commit in known.values()})


def _date(who: Person) -> str:
    return iso(datetime.fromtimestamp(who.epoch, UTC))
