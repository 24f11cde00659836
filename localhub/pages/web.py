"""What every page needs: templates, who acts, the session cookie and the proof that a form is ours."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Coroutine, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import Depends, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import Scope

from localhub.context import current_actor, get_context
from localhub.db import Row
from localhub.errors import GitHubError, forbidden
from localhub.gitstore import GitRepo
from localhub.hub import Hub
from localhub.kinds import classify
from localhub.middleware import SESSION
from localhub.pages import shapes
from localhub.pages.talk import REACTIONS
from localhub.refs import git_of

HERE = Path(__file__).parent
SECURITY = {
    # Colours of labels are the only style that is not in the style sheet; nothing comes from elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Posted:
    """The fields of a form."""

    def __init__(self, fields: Mapping[str, list[str]]) -> None:
        self._fields = fields

    def text(self, name: str, default: str = "") -> str:
        """The field's text, with line ends as on disk."""
        found = self._fields.get(name)
        return found[0].replace("\r\n", "\n") if found else default

    def has(self, name: str) -> bool:
        return name in self._fields

    def all(self, name: str) -> list[str]:
        return self._fields.get(name, [])

    def number(self, name: str) -> int:
        text = self.text(name)
        if not text.isdigit():
            raise GitHubError(422, f"The form's field {name!r} is not a number")
        return int(text)


async def read_form(request: Request) -> Posted:
    """The form of a POST; 403 unless one of our own pages, shown to the same session, sent it."""
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise forbidden("This form was sent from another site.")
    async with request.form() as form:
        fields: dict[str, list[str]] = {}
        for name, value in form.multi_items():
            if isinstance(value, str):
                fields.setdefault(name, []).append(value)
    session = request.cookies.get(SESSION)
    if session and not hmac.compare_digest("".join(fields.get("csrf", [])), csrf(session)):
        raise forbidden("This form is out of date: go back, reload the page and send it again.")
    return Posted(fields)


def known_host(host: str, public: str | None) -> bool:
    """Whether a browser was led here by a name that only this machine's owner gives.

    Any other name may be somebody's whose site points it at this address, to act in the name of who has a page open
    (DNS rebinding); a numeric address cannot be.
    """
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost" or name.endswith(".localhost") or name == (urlsplit(public or "").hostname or "localhost"):
        return True
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


FormDep = Annotated[Posted, Depends(read_form)]


def csrf(session: str) -> str:
    """The token that forms of a session carry; it says nothing of the session itself."""
    return hmac.new(session.encode(), b"form", hashlib.sha256).hexdigest()


class Web:
    """Pages out of templates."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._templates.globals |= {
            "ago": lambda moment: shapes.ago(hub, moment),
            "person": lambda account: shapes.person(hub, account),
            "stamp": _stamp(),
        }
        self._templates.filters |= {"path": quote, "ink": shapes.ink, "count": shapes.count, "bytes": shapes.size}

    def code(self, owner: str, name: str) -> tuple[Row, GitRepo]:
        """A repository whose code the reader may see, and its git; 404 otherwise."""
        repo = self.hub.access.repo(owner, name, "contents")
        return repo, git_of(self.hub, repo)

    def page(self, request: Request, template: str, status: int = 200, **values: Any) -> Response:
        """`template` with `values` and what the frame around every page needs."""
        session = request.cookies.get(SESSION, "")
        actor = current_actor()
        frame = {
            "me": actor if actor.kind == "user" else None,
            "csrf": csrf(session) if session else "",
            "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            "unread": self._unread(actor.account_id) if actor.kind == "user" else "0",
            "reactions": REACTIONS,
        }
        if "repo" in values:
            frame |= self._around(values["repo"])
        html = self._templates.get_template(template).render(frame | values)
        return HTMLResponse(html, status, SECURITY)

    def _around(self, repo: Row) -> dict[str, Any]:
        """What the tabs of a repository show."""
        actor, counts = current_actor(), self.hub.access.counts(repo["id"])
        return {
            "open_issues": counts["open_issues"] - counts["open_pulls"],
            "open_pulls": counts["open_pulls"],
            "fork_of": self._parent(repo),
            "may_admin": actor.kind == "user" and self.hub.access.role(repo, actor.account_id) == "admin",
        }

    def _parent(self, repo: Row) -> str | None:
        """The address of what it was forked from, if one may see that."""
        if repo["parent_id"] is None:
            return None
        parent = self.hub.access.repo_by_id(repo["parent_id"])
        return home(parent) if self.hub.access.sees(current_actor(), parent) else None

    def _unread(self, account_id: int) -> str:
        """How many threads are unread, at most 99."""
        sql = "SELECT 1 FROM threads WHERE told AND account_id = ? AND unread = 1 AND done IN (0, 1) LIMIT 100"
        rows = self.hub.db.rows(sql, account_id)
        return f"{len(rows)}" if len(rows) < 100 else "99+"

    def user(self) -> None:
        """401 (shown as "choose whom you act as") for the anonymous."""
        self.hub.access.user()

    def problem(self, request: Request, error: Exception) -> Response:
        """An error as a page; GitHub's 301 of a renamed repository as a redirect."""
        if isinstance(error, GitHubError):
            status, message = error.status, error.message
            if status == 301:
                return self._moved(request, error)
            details = [each if isinstance(each, str) else shapes.sentence(each) for each in error.errors or []]
        elif isinstance(error, HTTPException):
            status, message, details = (404 if error.status_code == 405 else error.status_code), error.detail, []
        else:
            assert isinstance(error, RequestValidationError)
            status, message, details = 404, "Not Found", []
        back = urlsplit(request.headers.get("referer", ""))
        same = back.netloc == request.headers.get("host") and request.method == "POST"
        link = f"{back.path}?{back.query}" if back.query else back.path
        return self.page(
            request,
            "problem.html",
            status,
            code=status,
            message=message,
            details=details,
            back=link if same else None,
            posted=request.method == "POST",
        )

    def _moved(self, request: Request, error: GitHubError) -> Response:
        repo = self.hub.access.repo_by_id(int(error.headers["Location"].rsplit("/", 1)[1]))
        rest = request.url.path.split("/", 3)[3:]
        return RedirectResponse("/".join([home(repo), *rest]), 301)


def home(repo: Row) -> str:
    """The path of a repository's page."""
    return f"/{repo['owner_login']}/{repo['name']}"


def to(path: str) -> Response:
    """Go and GET that, after a form."""
    return RedirectResponse(path, 303)


def route_class(web: Web) -> type[APIRoute]:
    """Routes whose errors are pages, for who asks for a page."""

    class PageRoute(APIRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            context = get_context()
            if context is not None and context.prefix:  # the API's own paths are never pages
                return Match.NONE, {}
            return super().matches(scope)

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            inner = super().get_route_handler()

            async def handler(request: Request) -> Response:
                try:
                    if request.method == "POST" and not known_host(request.headers.get("host", ""), web.hub.public_url):
                        raise forbidden("Pages act by this machine's own names and addresses alone.")
                    return await inner(request)
                except (GitHubError, HTTPException, RequestValidationError) as error:
                    if not _wants_page(request):
                        raise
                    return await run_in_threadpool(web.problem, request, error)

            return handler

    return PageRoute


def browsers_only(web: Web) -> type[APIRoute]:
    """Routes for paths that the API has too: only requests that ask for HTML match."""

    class BrowserRoute(route_class(web)):  # type: ignore[misc]
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            accept = dict(scope.get("headers", [])).get(b"accept", b"").decode("latin-1")
            if "text/html" not in accept:
                return Match.NONE, {}
            found: tuple[Match, Scope] = super().matches(scope)
            return found

    return BrowserRoute


def _wants_page(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return "text/html" in accept and classify(request.url.path, accept) == "page"


def _stamp() -> str:
    """Changes with the static files, so that browsers fetch them anew."""
    digest = hashlib.sha256()
    for file in sorted((HERE / "static").iterdir()):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
