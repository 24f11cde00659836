"""What is done to repositories: made, changed, renamed, archived, deleted, each with its `repository` webhook."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localhub.errors import field, invalid
from localhub.events import Event
from localhub.gitstore import GitRepo

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
Filler = Callable[[GitRepo], None]


def create(
    hub: Hub,
    owner_id: int,
    name: str,
    *,
    by: int,
    description: str | None = None,
    homepage: str | None = None,
    private: bool = False,
    auto_init: bool = False,
    source: Path | None = None,
    default_branch: str = "main",
) -> Row:
    """A repository: empty, with a README, or a copy of the local git repository `source`."""
    if not _NAME.fullmatch(name) or name in (".", ".."):
        raise invalid("Repository creation failed.", field("Repository", "name", "custom", "name is invalid"))
    with hub.tx():
        if hub.db.value("SELECT 1 FROM repos WHERE owner_id = ? AND name = ?", owner_id, name):
            taken = field("Repository", "name", "custom", "name already exists on this account")
            raise invalid("Repository creation failed.", taken)
        now = hub.now()
        repo_id = hub.db.insert(
            "repos",
            owner_id=owner_id,
            name=name,
            description=description,
            homepage=homepage,
            private=int(private),
            default_branch=default_branch,
            created_at=now,
            updated_at=now,
            pushed_at=now,
        )
        repo = hub.access.repo_by_id(repo_id)
        git = GitRepo(hub.git_dir(repo))
        if git.path.exists():  # of one that a crash or a failure kept from being
            git.remove()
        try:
            _fill(hub, repo, source=source, auto_init=auto_init)
        except BaseException:
            git.remove()
            raise
        labels(hub, repo_id)
        repo = hub.access.repo_by_id(repo_id)
        hub.emit(Event("repository", "created", repo_id, by))
    return repo


DEFAULT_LABELS = (
    ("bug", "d73a4a", "Something isn't working"),
    ("documentation", "0075ca", "Improvements or additions to documentation"),
    ("duplicate", "cfd3d7", "This issue or pull request already exists"),
    ("enhancement", "a2eeef", "New feature or request"),
    ("good first issue", "7057ff", "Good for newcomers"),
    ("help wanted", "008672", "Extra attention is needed"),
    ("invalid", "e4e669", "This doesn't seem right"),
    ("question", "d876e3", "Further information is requested"),
    ("wontfix", "ffffff", "This will not be worked on"),
)


def labels(hub: Hub, repo_id: int) -> None:
    """The nine labels that every new repository on GitHub has."""
    for name, color, description in DEFAULT_LABELS:
        hub.db.insert("labels", repo_id=repo_id, name=name, color=color, description=description, is_default=1)


def change(hub: Hub, repo: Row, values: dict[str, Any], *, by: int) -> None:
    """Settings, a new name, archiving; the webhook tells which."""
    with hub.tx():
        events: list[Event] = []
        name = values.get("name")
        if name and name != repo["name"]:
            _rename(hub, repo, name)
            events.append(_event(repo, "renamed", by, {"repository": {"name": {"from": repo["name"]}}}))
        if "archived" in values and bool(values["archived"]) != bool(repo["archived"]):
            events.append(_event(repo, "archived" if values["archived"] else "unarchived", by, None))
        if "private" in values and bool(values["private"]) != bool(repo["private"]):
            events.append(_event(repo, "privatized" if values["private"] else "publicized", by, None))
        edited: dict[str, Any] = {
            key: {"from": repo[key]}
            for key in ("description", "homepage", "default_branch")
            if key in values and values[key] != repo[key]
        }
        if edited:
            events.append(_event(repo, "edited", by, edited))
        branch = values.get("default_branch")
        if branch and branch != repo["default_branch"]:
            git = GitRepo(hub.git_dir(repo))
            if git.ref(f"refs/heads/{branch}") is None:
                raise invalid(f"The branch {branch} was not found. Please push that ref first or create it via the Git "
                              "Data API.")  # fmt: skip
            git.set_head(branch)
        columns = {key: int(value) if isinstance(value, bool) else value for key, value in values.items()}
        hub.db.update("repos", repo["id"], updated_at=hub.now(), **columns)
        for event in events:
            hub.emit(event)


def set_topics(hub: Hub, repo: Row, names: list[str], *, by: int) -> None:
    """Exactly these topics."""
    old = json.loads(repo["topics"])
    if names == old:
        return
    with hub.tx():
        hub.db.update("repos", repo["id"], topics=json.dumps(names), updated_at=hub.now())
        hub.emit(_event(repo, "edited", by, {"topics": {"from": old}}))


def _event(repo: Row, action: str, by: int, changes: dict[str, Any] | None) -> Event:
    return Event("repository", action, repo["id"], by, {} if changes is None else {"changes": changes})


def _rename(hub: Hub, repo: Row, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise invalid("Validation Failed", field("Repository", "name", "custom", "name is invalid"))
    other = "SELECT 1 FROM repos WHERE owner_id = ? AND name = ? AND id <> ?"
    if hub.db.value(other, repo["owner_id"], name, repo["id"]):
        raise invalid("Validation Failed", field("Repository", "name", "custom", "name already exists on this account"))
    _leave_redirect(hub, repo)
    hub.db.execute("DELETE FROM repo_redirects WHERE full_name = ?", f"{repo['owner_login']}/{name}")


def _leave_redirect(hub: Hub, repo: Row) -> None:
    hub.db.execute(
        "INSERT OR REPLACE INTO repo_redirects VALUES (?, ?)", f"{repo['owner_login']}/{repo['name']}", repo["id"]
    )


def transfer(hub: Hub, repo: Row, new_owner: Row, *, by: int) -> None:
    """Give a repository to another account; the old name redirects."""
    with hub.tx():
        old = hub.db.get("accounts", repo["owner_id"])
        _leave_redirect(hub, repo)
        hub.db.update("repos", repo["id"], owner_id=new_owner["id"], updated_at=hub.now())
        from localhub.render.accounts import simple_user

        kind = "organization" if old["type"] == "Organization" else "user"
        changes = {"owner": {"from": {kind: simple_user(hub, old)}}}
        hub.emit(Event("repository", "transferred", repo["id"], by, {"changes": changes}))


def delete(hub: Hub, repo: Row, *, by: int) -> None:
    from localhub import pulls

    with hub.tx():
        lost = "SELECT id, repo_id FROM pulls WHERE head_repo_id = ? AND repo_id <> ? AND open"
        for row in hub.db.rows(lost, repo["id"], repo["id"]):
            pulls.close(hub, hub.access.repo_by_id(row["repo_id"]), pulls.get(hub, row["id"]), by)
        hub.emit(Event("repository", "deleted", repo["id"], by))
        hub.db.execute("DELETE FROM repos WHERE id = ?", repo["id"])
        hub.db.after_commit(GitRepo(hub.git_dir(repo)).remove)


def _fill(hub: Hub, repo: Row, *, source: Path | None, auto_init: bool) -> None:
    git = GitRepo(hub.git_dir(repo))
    if source is not None:
        git.import_from(source)
        head = git.head()
        hub.db.update("repos", repo["id"], default_branch=head)
        return
    git.init(repo["default_branch"])
    if auto_init:
        from localhub.gitcore import Person

        owner = hub.db.get("accounts", repo["owner_id"])
        email = f"{owner['id']}+{owner['login']}@users.noreply.localhub"
        who = Person(owner["login"], email, f"{int(hub.clock.timestamp())} +0000")
        blob = git.write_blob(f"# {repo['name']}\n".encode())
        tree = git.write_tree({"README.md": ("100644", blob)})
        commit = git.write_commit(tree, [], who, who, "Initial commit")
        git.set_ref(f"refs/heads/{repo['default_branch']}", commit)
