"""What GitHub looks at before anything else reads a request: its headers, its path, and whether its body is JSON.

Source: docs.github.com, "Getting started with the REST API" and "Troubleshooting the REST API".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_plus

import orjson
from starlette.types import Message, Receive, Scope

from localhub.errors import GitHubError

HEADERS = "localhub.headers"  # in the scope: `headers_of` it, when that is known
PARSED = "localhub.json"  # in the scope: a body that was read as JSON already
NO_AGENT = (
    "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header"
    " (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required)."
    " Check https://developer.github.com for other possible causes.\r\n"
)
EXPOSED = (
    "ETag, Link, Location, Retry-After, X-GitHub-OTP, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Used,"
    " X-RateLimit-Resource, X-RateLimit-Reset, X-OAuth-Scopes, X-Accepted-OAuth-Scopes, X-Poll-Interval,"
    " X-GitHub-Media-Type, X-GitHub-SSO, X-GitHub-Request-Id, Deprecation, Sunset"
)
PREFLIGHT = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Unmodified-Since, Accept-Encoding,"
        " X-GitHub-OTP, X-Requested-With, User-Agent, GraphQL-Features, X-GitHub-Api-Version"
    ),
    "Access-Control-Allow-Methods": "GET, POST, PATCH, PUT, DELETE",
    "Access-Control-Expose-Headers": EXPOSED,
    "Access-Control-Max-Age": "86400",
}


def headers_of(scope: Scope) -> dict[str, str]:
    """By small name; of several with one name the first."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


def as_json(scope: Scope, headers: Mapping[str, str]) -> Scope:
    """GitHub reads every API body as JSON, whatever its type says (curl -d says it is a form)."""
    kind = headers.get("content-type", "")
    if "json" in kind or scope["method"] in ("GET", "HEAD") or "octet-stream" in kind:
        return scope
    others = [(name, value) for name, value in scope["headers"] if name != b"content-type"]
    return dict(scope, headers=[*others, (b"content-type", b"application/json")])


def malformed(scope: Scope) -> GitHubError | None:
    """400 for a path or query that no name can be in: a NUL, or bytes that are no UTF-8."""
    query = scope["query_string"].decode("latin-1")
    path: str = scope["path"]
    if not query and path.isascii() and "\0" not in path:
        return None
    try:
        text = path + unquote_plus(query, errors="strict")
    except UnicodeDecodeError:
        return GitHubError(400, "Bad Request")
    return GitHubError(400, "Bad Request") if "\0" in text or "�" in path else None


async def read(receive: Receive, headers: Mapping[str, str], limit: int) -> bytes:
    """The whole body; 413 for one beyond `limit` bytes, as soon as that is known."""
    declared = headers.get("content-length", "")
    parts: list[bytes] = []
    size = int(declared) if declared.isdecimal() else 0
    while size <= limit:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        size = max(size, sum(map(len, parts)))
        if not message.get("more_body"):
            break
    if size > limit:
        raise GitHubError(413, f"Payload too big: {limit} bytes are allowed, {size} bytes were sent.")
    return b"".join(parts)


def check_json(body: bytes) -> Any:
    """The body as JSON, None for none; 400 in GitHub's words for what is neither an object nor a list."""
    if not body.strip():
        return None
    try:
        data = orjson.loads(body)  # which refuses half of a surrogate pair too
    except ValueError as error:
        raise GitHubError(400, "Problems parsing JSON") from error
    if not isinstance(data, dict | list):
        raise GitHubError(400, "Body should be a JSON object")
    return data


def replay(body: bytes, receive: Receive) -> Receive:
    """`receive` for the application, which finds the body that has been read already."""
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
