"""Mutations of branches and tags, and commits made of file changes."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from localhub import refs
from localhub.errors import invalid
from localhub.gitcore import RefChange
from localhub.graphql.base import QueryError, not_found
from localhub.graphql.commits import Commit, Ref
from localhub.graphql.mutating import Input, Mutating, answer
from localhub.graphql.repository import Repository
from localhub.people import identity, web_committer

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.gitstore import GitRepo


class RefMutations(Mutating):
    def _ref(self, id: str) -> Ref:
        """A branch or tag that the actor may write."""
        found: Ref = self._node(id, Ref)
        self._hub.access.require(self._actor, found.repository.row, "contents", "write")
        return found

    def createRef(self, input: Input) -> Input:
        home: Repository = self._node(input["repositoryId"], Repository)
        self._hub.access.require(self._actor, home.row, "contents", "write")
        name, git = input["name"], home.git
        if not name.startswith("refs/") or name.count("/") < 2 or not git.valid_ref(name):
            raise invalid(f"{name} is not a valid ref name.")
        self._check_target(git, name, input["oid"])
        refs.create(self._hub, home.row, name, input["oid"], self._actor)
        return answer(input, ref=Ref(home, name))

    def updateRef(self, input: Input) -> Input:
        found = self._ref(input["refId"])
        name = f"{found.prefix}{found.name}"
        self._check_target(found.repository.git, name, input["oid"])
        row = found.repository.row
        refs.update(self._hub, row, name, input["oid"], self._actor, force=bool(input.get("force")))
        return answer(input, ref=found)

    def deleteRef(self, input: Input) -> Input:
        found = self._ref(input["refId"])
        refs.delete(self._hub, found.repository.row, f"{found.prefix}{found.name}", self._actor)
        return answer(input)

    @staticmethod
    def _check_target(git: GitRepo, name: str, oid: str) -> None:
        kind = git.kinds([oid])[0][1]
        if kind == "missing" or (name.startswith("refs/heads/") and kind != "commit"):
            raise invalid("Object does not exist")

    def createCommitOnBranch(self, input: Input) -> Input:
        """A commit of added, changed and deleted files; nothing happens when the branch is not where it was thought."""
        home, branch = self._branch(input["branch"])
        name, git, expected = f"refs/heads/{branch}", home.git, input["expectedHeadOid"]
        with self._hub.repo_locks.of(home.row["id"]):
            head = git.ref(name)
            if head is None:
                raise not_found("a Ref", f"name '{branch}'")
            if head != expected:
                raise QueryError(
                    "STALE_DATA", f'Expected branch to point to "{expected}" but it did not. Pull and try again.'
                )
            tree = git.write_tree(_changed(git, head, input.get("fileChanges") or {}), head)
            message = "\n\n".join(part for part in (input["message"]["headline"], input["message"].get("body")) if part)
            author = identity(self._hub, self._actor.account_id)
            sha = git.write_commit(tree, [head], author, web_committer(self._hub), message)
            refs.move(self._hub, home.row, RefChange(name, head, sha), self._actor)
        return answer(input, commit=Commit.at(home, sha), ref=Ref(home, name))

    def _branch(self, named: Mapping[str, Any]) -> tuple[Repository, str]:
        if named.get("id"):
            found = self._ref(named["id"])
            return found.repository, found.name
        full_name, branch = named.get("repositoryNameWithOwner"), named.get("branchName")
        if not full_name or not branch:
            raise QueryError("UNPROCESSABLE", "Either id, or repositoryNameWithOwner and branchName, must be given")
        owner, _, name = full_name.partition("/")
        row: Row | None = self._hub.access.repo_row(owner, name)
        if row is None or not self._hub.access.sees(self._actor, row):
            raise not_found("a Repository", f"name '{full_name}'")
        self._hub.access.require(self._actor, row, "contents", "write")
        return Repository(self._scope, row), str(branch).removeprefix("refs/heads/")


def _changed(git: GitRepo, head: str, changes: Mapping[str, Any]) -> dict[str, tuple[str, str] | None]:
    """What `write_tree` is to change: by path, mode and blob, or None for what goes."""
    wanted: dict[str, tuple[str, str] | None] = {}
    for gone in changes.get("deletions") or []:
        if git.entry(head, gone["path"]) is None:
            raise invalid(f"A file deletion was requested for a path that does not exist: {gone['path']}")
        wanted[gone["path"]] = None
    for added in changes.get("additions") or []:
        path = added["path"]
        if not path or path.startswith("/") or any(part in ("", ".", "..", ".git") for part in path.split("/")):
            raise invalid(f"path contains a malformed path component: {path}")
        try:
            content = base64.b64decode(added["contents"], validate=True)
        except binascii.Error as error:
            raise invalid(f"The contents of {path} are not valid Base64") from error
        before = git.entry(head, path)
        wanted[path] = (before.mode if before and before.type == "blob" else "100644", git.write_blob(content))
    return wanted
