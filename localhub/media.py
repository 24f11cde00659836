"""GitHub's media types: which form a client's `Accept` asks for, and bodies as Markdown, text and HTML.

Source: docs.github.com, "Media types" (of "Getting started with the REST API").
"""

from __future__ import annotations

import html
import re
from functools import lru_cache
from typing import Any

_TYPE = re.compile(r"application/vnd\.github(?:\.v3)?(?:\.([\w-]+(?:\.[\w-]+)*))?(\+json)?", re.ASCII)
_TAG = re.compile(r"<[^>]*>")
FORMS = {"text": ("body_text",), "html": ("body_html",), "full": ("body", "body_text", "body_html")}


@lru_cache(maxsize=256)
def parameter(accept: str) -> str:
    """raw, text, html, full, diff, patch, sha, object … of `application/vnd.github.PARAM+json`; "" for none."""
    return next((match[1] for match in _TYPE.finditer(accept) if match[1]), "")


@lru_cache(maxsize=256)
def header(accept: str) -> str:
    """`X-GitHub-Media-Type` of the answer."""
    match = next((each for each in _TYPE.finditer(accept) if each[1]), None)
    if match is None:
        return "github.v3; format=json"
    return f"github.v3; param={match[1]}" + ("; format=json" if match[2] else "")


def shaped(data: Any, form: str) -> Any:
    """`data` with the bodies of issues, comments and reviews in it as text, as HTML, or all three."""
    if isinstance(data, list):
        return [shaped(each, form) for each in data]
    if not isinstance(data, dict):
        return data
    changed = {name: shaped(value, form) for name, value in data.items() if name != "body"}
    if "body" in data:
        changed |= _forms(data["body"], form) if "html_url" in data and "user" in data else {"body": data["body"]}
    return changed


def _forms(body: Any, form: str) -> dict[str, Any]:
    from localhub.pages.markdown import render  # needs what only pages need

    written = body if isinstance(body, str) else None
    rich = None if written is None else str(render(written, lambda _kind, _name: None))
    text = None if rich is None else html.unescape(_TAG.sub("", rich)).strip()
    forms = {"body": body, "body_text": text, "body_html": rich}
    return {name: forms[name] for name in FORMS[form]}
