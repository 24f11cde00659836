"""Who makes a request: an app by its JWT, an installation, a user or a job by a token, a browser by its session."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import jwt

from localhub.clock import iso, parse_iso
from localhub.errors import forbidden, unauthorized

if TYPE_CHECKING:
    from localhub.db import Row
    from localhub.hub import Hub

Kind = Literal["anonymous", "user", "app", "installation", "actions"]
TokenKind = Literal["pat", "installation", "session", "actions"]
JWT_SECONDS = 600
_PREFIX = {"pat": "ghp_", "installation": "ghs_", "actions": "ghs_", "session": "lhs_"}
LEVELS = {"read": 1, "write": 2, "admin": 3}


@dataclass(frozen=True)
class Actor:
    """`permissions` and `repositories` are an installation's or job's; `repositories` None means all it has."""

    kind: Kind
    account_id: int = 0
    login: str = ""
    app_id: int | None = None
    installation_id: int | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)
    repositories: frozenset[int] | None = None
    address: str = ""
    """Of a client without credentials: all that GitHub can count it by."""

    @cached_property
    def key(self) -> str:
        """The bucket in which its requests are counted."""
        match self.kind:
            case "installation":
                return f"installation:{self.installation_id}"
            case "app":
                return f"app:{self.app_id}"
            case "actions":
                return f"actions:{min(self.repositories or [0])}"
            case "user":
                return f"user:{self.account_id}"
            case "anonymous":
                return f"anonymous:{self.address}"

    @property
    def is_bot(self) -> bool:
        return self.kind in ("installation", "actions", "app")


ANONYMOUS = Actor("anonymous")


def mint(
    hub: Hub,
    kind: TokenKind,
    account_id: int,
    *,
    installation_id: int | None = None,
    permissions: Mapping[str, str] | None = None,
    repositories: list[int] | None = None,
    seconds: int | None = None,
    token: str | None = None,
) -> str:
    """Make a token (or take a given one) and return its text, of which only the hash is kept."""
    text = token or _PREFIX[kind] + secrets.token_hex(20)
    expires = None if seconds is None else iso(hub.clock.now() + timedelta(seconds=seconds))
    with hub.tx():
        hub.db.execute("DELETE FROM tokens WHERE hash = ?", _hash(text))
        hub.db.insert(
            "tokens",
            hash=_hash(text),
            kind=kind,
            account_id=account_id,
            installation_id=installation_id,
            permissions=None if permissions is None else json.dumps(dict(permissions)),
            repositories=None if repositories is None else json.dumps(repositories),
            created_at=hub.now(),
            expires_at=expires,
        )
    return text


def revoke(hub: Hub, token: str) -> None:
    with hub.tx():
        hub.db.execute("DELETE FROM tokens WHERE hash = ?", _hash(token))


def authenticate(hub: Hub, authorization: str | None, cookie: str | None = None) -> Actor:
    """The actor of an `Authorization` header (Bearer, token or Basic), else of a session cookie; 401 if it is bad."""
    if not authorization:
        return _by_token(hub, cookie, session=True) if cookie else ANONYMOUS
    token = credential(authorization)
    if token is None:
        raise unauthorized()
    if token.count(".") == 2 and authorization[:7].lower() == "bearer ":
        return _by_jwt(hub, token)
    return _by_token(hub, token)


def expiry(hub: Hub, authorization: str | None) -> float | None:
    """When the token of this header ends, in seconds of the hub's clock; None for never."""
    token = credential(authorization) if authorization else None
    found = token and hub.db.value("SELECT expires_at FROM tokens WHERE hash = ?", _hash(token))
    return parse_iso(found).timestamp() if found else None


def credential(authorization: str) -> str | None:
    """The token in an `Authorization` header, as any of GitHub's schemes carries it."""
    scheme, _, rest = authorization.partition(" ")
    if scheme.lower() in ("bearer", "token"):
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode().partition(":")
        except ValueError:
            return None
        return user if password in ("", "x-oauth-basic") else password
    return None


def _by_token(hub: Hub, token: str, *, session: bool = False) -> Actor:
    row, actor = hub.known.get(("token", token), lambda: _token(hub, token))
    expired = row is not None and row["expires_at"] is not None and parse_iso(row["expires_at"]) <= hub.clock.now()
    if row is None or expired or (row["kind"] == "session") != session:
        if session:
            return ANONYMOUS
        raise unauthorized()
    if actor is None:
        raise forbidden("This installation has been suspended")
    return actor


def _token(hub: Hub, token: str) -> tuple[Row | None, Actor | None]:
    """The row of a token, and whom it stands for: nobody while its installation is suspended."""
    row = hub.db.row(
        "SELECT t.*, a.login FROM tokens t JOIN accounts a ON a.id = t.account_id WHERE hash = ?", _hash(token)
    )
    return row, None if row is None else _actor(hub, row)


def _actor(hub: Hub, row: Row) -> Actor | None:
    if row["kind"] in ("pat", "session"):
        return Actor("user", row["account_id"], row["login"])
    own = None if row["permissions"] is None else json.loads(row["permissions"])
    repositories = None if row["repositories"] is None else frozenset(json.loads(row["repositories"]))
    if row["kind"] == "actions":
        app = hub.db.row("SELECT id FROM apps WHERE bot_id = ?", row["account_id"])
        app_id = None if app is None else app["id"]
        return Actor("actions", row["account_id"], row["login"], app_id, None, own or {}, repositories)
    installation = hub.db.get("installations", row["installation_id"])
    if installation["suspended_at"]:
        return None
    granted: dict[str, str] = json.loads(installation["permissions"])
    return Actor(
        "installation",
        row["account_id"],
        row["login"],
        installation["app_id"],
        installation["id"],
        granted if own is None else narrower(granted, own),
        repositories,
    )


def narrower(granted: Mapping[str, str], asked: Mapping[str, str]) -> dict[str, str]:
    """What of `asked` is still granted, at the lower of both levels."""
    return {
        name: min(level, granted[name], key=lambda each: LEVELS.get(each, 0))
        for name, level in asked.items()
        if name in granted
    }


def _by_jwt(hub: Hub, token: str) -> Actor:
    app = app_of_jwt(hub, token)
    bot = hub.db.get("accounts", app["bot_id"])
    return Actor("app", bot["id"], bot["login"], app["id"])


def app_of_jwt(hub: Hub, token: str) -> Row:
    """The app that signed this JWT; times are checked against the hub's clock."""
    undecodable = unauthorized("A JSON web token could not be decoded")
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise undecodable from error
    issuer = claims.get("iss")
    if issuer is None:
        raise unauthorized("'Issuer' claim ('iss') must be an Integer")
    app = hub.db.row("SELECT * FROM apps WHERE CAST(id AS TEXT) = ? OR client_id = ?", str(issuer), str(issuer))
    if app is None:
        raise unauthorized("Integration not found")
    try:
        jwt.PyJWS().decode(token, app["public_key"], algorithms=["RS256"])  # the signature; claims are judged below
    except jwt.InvalidTokenError as error:
        raise undecodable from error
    _check_times(claims, hub.clock.timestamp())
    return app


def _check_times(claims: Mapping[str, object], now: float) -> None:
    """No allowance is made: what a client's fast clock gets through here would be refused there now and then."""
    expires, issued = claims.get("exp"), claims.get("iat")
    if isinstance(expires, bool) or not isinstance(expires, int | float) or not expires > now:
        raise unauthorized("'Expiration time' claim ('exp') must be a numeric value representing the future time "
                           "at which the assertion expires")  # fmt: skip
    if expires > now + JWT_SECONDS:
        raise unauthorized("'Expiration time' claim ('exp') is too far in the future")
    if not isinstance(issued, int) or isinstance(issued, bool) or issued > now:
        raise unauthorized("'Issued at' claim ('iat') must be an Integer representing the time that the assertion "
                           "was issued")  # fmt: skip


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
