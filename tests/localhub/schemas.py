"""GitHub's own description of its answers and webhooks, as the judge of ours."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any

import httpx
from pydantic import TypeAdapter

from tests.localhub.hooks import Delivery
from tests.localhub.world import APP_ID


def schemas(module: str, version: str = "2026-03-10") -> Any:
    """A module of githubkit-schemas, without running `githubkit`'s own `__init__`, which loads a whole HTTP client.

    The hooks are what that `__init__` would apply: models are loaded one by one instead of 1,600 modules at once.
    """
    if "githubkit" not in sys.modules:
        found = importlib.util.find_spec("githubkit")
        assert found is not None
        package = types.ModuleType("githubkit")
        package.__path__ = list(found.submodule_search_locations or [])
        sys.modules["githubkit"] = package
        for hook in ("alias_module", "lazy_module"):
            importlib.import_module(f"githubkit.module_hooks.{hook}").apply()
    return importlib.import_module(f"githubkit_schemas.v{version.replace('-', '_')}.{module}")


def model_of(name: str) -> Any:
    models = schemas("models")
    if name.startswith("list["):
        return list[model_of(name.removeprefix("list[").removesuffix("]"))]  # type: ignore[misc]
    return getattr(models, name)


def validate_answer(answer: Any, model: str, status: int | None = None) -> Any:
    """Check a response (or plain data) against GitHub's model of this name; returns the data."""
    if isinstance(answer, httpx.Response):
        expected = answer.status_code == status if status else answer.is_success
        assert expected, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
        answer = answer.json()
    TypeAdapter(model_of(model)).validate_python(answer)
    return answer


def validate_hook(delivery: Delivery) -> dict[str, Any]:
    """Check a delivery's headers, signature and payload against GitHub's model of its event and action."""
    assert delivery.signed()
    assert delivery.headers["X-GitHub-Hook-Installation-Target-ID"] == str(APP_ID)
    module = schemas(f"webhooks.{delivery.event}")
    types = getattr(module, "action_types", None)
    model = types[str(delivery.action)] if isinstance(types, dict) else module.Event  # push has no actions
    missing = missing_organization(model, delivery.payload)
    TypeAdapter(model).validate_python(delivery.payload | missing)
    assert set(delivery.payload["installation"]) >= {"id", "node_id"} or delivery.event.startswith("installation")
    return delivery.payload


def missing_organization(model: Any, payload: dict[str, Any]) -> dict[str, Any]:
    """GitHub's description demands `organization` of some events though a user's repository has none."""
    field = getattr(model, "model_fields", {}).get("organization")
    if field is None or not field.is_required() or "organization" in payload:
        return {}
    assert payload["repository"]["owner"]["type"] == "User"
    urls = (
        "url",
        "repos_url",
        "events_url",
        "hooks_url",
        "issues_url",
        "members_url",
        "public_members_url",
        "avatar_url",
    )
    return {"organization": dict.fromkeys(urls, "http://example.org") | {
        "login": "x", "id": 1, "node_id": "x", "description": None}}  # fmt: skip
