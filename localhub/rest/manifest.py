"""The App manifest flow: a form posted here shows a page; its button makes the app and sends back a code.

The code is turned into the app's secrets by POST /app-manifests/{code}/conversions within an hour.
Source: docs.github.com, "Registering a GitHub App from a manifest".
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, select_autoescape
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool

from localhub import seed
from localhub.clock import iso
from localhub.context import current_actor
from localhub.errors import GitHubError, forbidden, invalid, not_found, sentences
from localhub.hub import Hub
from localhub.pages.web import Web
from localhub.seedfile import Events, Permissions, SeedApp

CODE_SECONDS = 3600
_PAGES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "pages"), autoescape=select_autoescape(["html"])
)


class Hook(BaseModel):
    url: str | None = None
    active: bool = True


class Manifest(BaseModel):
    """What an app says of itself; other keys of GitHub's are passed over."""

    name: str | None = None
    url: str
    hook_attributes: Hook = Hook()
    redirect_url: str | None = None
    description: str | None = None
    public: bool = False
    default_permissions: Permissions = {}
    default_events: Events = []


def parse(text: str) -> Manifest:
    try:
        return Manifest.model_validate_json(text)
    except ValidationError as error:
        raise invalid(f"The manifest is not understood: {sentences(error)}") from error


def router(hub: Hub) -> APIRouter:
    web = Web(hub)

    class Shown(APIRoute):
        """What is wrong is shown as a page to who asks for one."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            inner = super().get_route_handler()

            async def handler(request: Request) -> Response:
                try:
                    return await inner(request)
                except GitHubError as error:
                    if "text/html" not in request.headers.get("accept", ""):
                        raise
                    return await run_in_threadpool(web.problem, request, error)

            return handler

    api = APIRouter(route_class=Shown)

    def page(manifest: str, state: str, owner: str | None) -> Response:
        wanted = parse(manifest)
        rows = hub.db.rows("SELECT login FROM accounts WHERE type <> 'Bot' AND login <> 'github' ORDER BY id")
        owners = [row["login"] for row in rows]
        if owner is not None and owner.lower() not in (login.lower() for login in owners):
            raise not_found()
        html = _PAGES.get_template("manifest.html").render(
            action=hub.html("/settings/apps/create"),
            manifest=manifest,
            state=state,
            name=wanted.name or "",
            owner=owner or _acting(hub),
            owners=owners,
            permissions=wanted.default_permissions,
            events=wanted.default_events,
        )
        return HTMLResponse(html)

    @api.post("/settings/apps/new")
    def new(manifest: Annotated[str, Form()], state: str = "") -> Response:
        return page(manifest, state, None)

    @api.post("/organizations/{org}/settings/apps/new")
    def new_in_org(org: str, manifest: Annotated[str, Form()], state: str = "") -> Response:
        return page(manifest, state, org)

    @api.post("/settings/apps/create")
    def create(
        request: Request,
        manifest: Annotated[str, Form()],
        name: Annotated[str, Form()],
        owner: Annotated[str, Form()],
        state: Annotated[str, Form()] = "",
    ) -> Response:
        origin = request.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
            raise forbidden("This form was sent from another site.")
        wanted = parse(manifest)
        code = make(hub, wanted, name, owner)
        return RedirectResponse(_with_query(wanted.redirect_url or wanted.url, code, state), 302)

    return api


def _acting(hub: Hub) -> str | None:
    """Who looks at the page; nobody when another site's form led here, as the cookie stays away then."""
    actor = current_actor()
    return hub.account(actor.account_id)["login"] if actor.kind == "user" else None


def make(hub: Hub, wanted: Manifest, name: str, owner: str) -> str:
    """The app with a key of its own; the code to fetch its secrets with."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not slug:
        raise invalid(f"The name {name!r} has no letter or digit: choose another one.")
    if hub.db.value("SELECT 1 FROM apps WHERE slug = ?", slug):
        raise invalid(f"The name {name!r} is already taken: choose another one.")
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    code = secrets.token_hex(20)
    values: dict[str, Any] = {
        "slug": slug,
        "name": name,
        "owner": owner,
        "description": wanted.description,
        "private_key_pem": pem,
        "webhook_url": wanted.hook_attributes.url if wanted.hook_attributes.active else None,
        "webhook_secret": secrets.token_hex(20),
        "permissions": wanted.default_permissions,
        "events": wanted.default_events,
        "public": wanted.public,
    }
    with hub.tx():
        app = seed.make_app(hub, SeedApp.model_validate(values))
        hub.db.update("apps", app["id"], external_url=wanted.url)
        expires = iso(hub.clock.now() + timedelta(seconds=CODE_SECONDS))
        hub.db.insert("manifests", code=code, app_id=app["id"], pem=pem, expires_at=expires)
    return code


def _with_query(url: str, code: str, state: str) -> str:
    parts = urlsplit(url)
    query = urlencode({"code": code} | ({"state": state} if state else {}))
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}".strip("&")))
