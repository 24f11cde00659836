"""What people write in one repository: Markdown with links to its issues, people and commits, and boxes to click."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from localhub import comments, reactions
from localhub.context import current_actor
from localhub.pages import markdown, shapes
from localhub.pages.markdown import Boxes, Link
from localhub.refs import git_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from localhub.db import Row
    from localhub.hub import Hub
    from localhub.pages.place import Place

BOTH = ("issues", "pull_requests")
_SIGNS = {
    "+1": ("👍", "thumbs up"), "-1": ("👎", "thumbs down"), "laugh": ("😄", "laugh"), "hooray": ("🎉", "hooray"),
    "confused": ("😕", "confused"), "heart": ("❤️", "heart"), "rocket": ("🚀", "rocket"), "eyes": ("👀", "eyes"),
}  # fmt: skip
REACTIONS = [(content, *_SIGNS[content]) for content in reactions.CONTENTS]


@dataclass(frozen=True)
class Reaction:
    """One of the eight on one text: what it is called, who gave it, whether who looks did."""

    content: str
    sign: str
    name: str
    people: list[str]
    own: bool


class Talk:
    """Renders for one repository and the person who looks at it."""

    def __init__(self, hub: Hub, repo: Row) -> None:
        self.hub, self.repo = hub, repo
        self.home = f"/{repo['owner_login']}/{repo['name']}"
        self.actor = current_actor()
        self.may_write = self.actor.kind == "user" and hub.access.allowed(self.actor, repo, BOTH, "write")
        self.may_triage = self.actor.kind == "user" and hub.access.allowed(
            self.actor, repo, BOTH, "write", role="triage"
        )
        self.may_commit = False
        """Whether who looks may commit what comments on lines suggest."""
        self._links: dict[tuple[str, str], Link | None] = {}

    def html(self, text: str | None, form: str | None = None) -> Markup:
        """Markdown; with `form`, boxes are buttons of that form."""
        return markdown.render(text, self._resolve, Boxes(form) if form else None)

    def said(self, row: Row, about: Sequence[str]) -> Markup:
        """A comment on these lines."""
        return markdown.render(row["body"], self._resolve, about=about)

    def file(self, text: str, place: Place) -> Markup:
        """A Markdown file of the repository."""
        return markdown.render(text, self._resolve, place=place)

    def comment(self, row: Row) -> Markup:
        may = self.actor.kind == "user" and comments.may_change(self.hub, self.repo, row, self.actor)
        return self.html(row["body"], f"tick-{row['id']}" if may else None)

    def may_change(self, row: Row) -> bool:
        return self.actor.kind == "user" and comments.may_change(self.hub, self.repo, row, self.actor)

    def may_edit(self, issue: Row) -> bool:
        """Its text: the author and those who may write."""
        return self.actor.kind == "user" and (issue["author_id"] == self.actor.account_id or self.may_write)

    def may_close(self, issue: Row) -> bool:
        return self.actor.kind == "user" and (issue["author_id"] == self.actor.account_id or self.may_triage)

    def body(self, issue: Row) -> Markup:
        return self.html(issue["body"], "tick-body" if self.may_edit(issue) else None)

    def issue_link(self, issue_id: int | None) -> Markup:
        row = self.hub.db.row("SELECT * FROM issues WHERE id = ?", issue_id)
        if row is None:
            return Markup("an issue that is gone")
        repo = self.hub.access.repo_by_id(row["repo_id"])
        if not self.hub.access.sees(self.actor, repo):
            return Markup("an issue of a private repository")
        kind = "pull" if row["is_pull"] else "issues"
        href = f"/{repo['owner_login']}/{repo['name']}/{kind}/{row['number']}"
        return Markup('<a href="{}">#{} {}</a>').format(href, row["number"], row["title"])

    def commit_link(self, sha: str) -> Markup:
        return Markup('<a class="sha" href="{}/commit/{}">{}</a>').format(self.home, sha, sha[:7])

    def reactions(self, kind: str, subject_id: int) -> list[Reaction]:
        """What people gave, in GitHub's order of the eight."""
        given: dict[str, list[int]] = {}
        for row in reactions.listing(self.hub, kind, subject_id, None):
            given.setdefault(row["content"], []).append(row["account_id"])
        return [
            Reaction(
                content, *_SIGNS[content], [str(shapes.person(self.hub, each)["login"]) for each in given[content]],
                self.actor.kind == "user" and self.actor.account_id in given[content],
            )
            for content in reactions.CONTENTS if content in given
        ]  # fmt: skip

    def may_react(self) -> bool:
        return self.actor.kind == "user" and not self.repo["archived"]

    def association(self, account_id: int) -> str:
        """OWNER, MEMBER, COLLABORATOR, CONTRIBUTOR or nothing."""
        found = self.hub.access.association(self.repo, account_id)
        return "" if found == "NONE" else found.capitalize()

    def _resolve(self, kind: str, text: str) -> Link | None:
        key = (kind, text)
        if key not in self._links:
            self._links[key] = self._found(kind, text)
        return self._links[key]

    def _found(self, kind: str, text: str) -> Link | None:
        if kind == "issue":
            name, _, number = text.partition("#")
            repo = self.repo
            if name:
                other = self.hub.access.repo_row(*name.split("/", 1))
                if other is None or not self.hub.access.sees(self.actor, other):
                    return None
                repo = other
            row = self.hub.db.row(
                "SELECT title, is_pull FROM issues WHERE repo_id = ? AND number = ?", repo["id"], int(number[:15])
            )
            page = "pull" if row and row["is_pull"] else "issues"
            home = f"/{repo['owner_login']}/{repo['name']}"
            return Link(f"{home}/{page}/{int(number)}", row["title"]) if row else None
        if kind == "user":
            account = self.hub.db.row("SELECT login FROM accounts WHERE login = ?", text)
            return Link(f"/{account['login']}") if account else None
        sha = git_of(self.hub, self.repo).resolve(text) if any(c.isalpha() for c in text) else None
        return Link(f"{self.home}/commit/{sha}") if sha and sha.startswith(text) else None
