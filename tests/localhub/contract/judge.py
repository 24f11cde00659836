"""Holds one request, answer or webhook to GitHub's description, and says in words what is wrong with it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from tests.localhub.contract.catalogue import OLD, Operation
from tests.localhub.hooks import Delivery
from tests.localhub.schemas import missing_organization, schemas
from tests.localhub.world import APP_ID

ALWAYS_ALLOWED = {400, 401, 403, 404, 422}
"""Statuses that any call may have, documented or not: half a body, no token, no permission, nothing there, a bad body."""
NEWER = {
    "archived_at": "of labels: in the model Label, not yet in every place where labels stand",
    "archived_by": "the same",
    "display_title": "of workflow runs: in WorkflowRun, not yet in every webhook",
    "installed_version": "of /meta: GitHub Enterprise Server's, for which `gh` takes any host but github.com",
    "client_id": "of Apps: in the model Integration, not yet in webhooks' `performed_via_github_app`",
    "state_reason": "of events: in StateChangeIssueEvent, not yet in IssueEvent",
    "status": "of errors: in BasicError, not yet in ValidationError",
    "user_view_type": "of users: in the model SimpleUser, not yet in every webhook",
}
NEWER |= dict.fromkeys(
    ("has_discussions", "web_commit_signoff_required", "squash_merge_commit_title", "squash_merge_commit_message",
     "merge_commit_title", "merge_commit_message"),
    "of repositories: in RepositoryWebhooks, not yet in the pull request of every webhook",
)  # fmt: skip
"""Fields that GitHub sends in more places than its description has caught up with."""
MEDIA_MODELS = {"application/vnd.github.object": "ContentTree"}
"""What other media types have for a folder; a file is as always."""
HEADERS = (
    "X-GitHub-Request-Id", "X-GitHub-Media-Type", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset",
    "X-RateLimit-Used", "X-RateLimit-Resource",
)  # fmt: skip
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?(Z|[+-]\d\d:\d\d)")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def answer(operation: Operation, response: httpx.Response, version: str) -> list[str]:
    """What is wrong with an answer, and with the request when GitHub would have taken it."""
    models, status = operation.models(version), response.status_code
    wrong = [f"has no header {name}" for name in HEADERS if name not in response.headers]
    if response.headers.get("X-GitHub-Api-Version-Selected") != version:
        wrong.append("does not name the API version that was asked for")
    if status >= 400 or status in (301, 307):
        return wrong + _failure(operation, response, version)
    if status == 304:
        return wrong + (["304 has a body"] if response.content else [])
    if status not in operation.successes(version):
        wrong.append(f"answers {status}, documented are {sorted(operation.successes(version))}")
    if response.request.method != "GET" and response.request.content:
        wrong += [f"request: {text}" for text in _request(response.request, models.request)]
    kind = response.headers.get("Content-Type", "")
    if status in (204, 205, 302):
        return wrong + (["has a body"] if response.content and status != 302 else [])
    if not kind.startswith("application/json"):
        return wrong
    if models.response is None:
        known = b"".join(response.content.split()) in (b"{}", b"[]")
        return wrong if known else [*wrong, f"has a body where GitHub documents none: {response.text[:80]}"]
    asked = response.request.headers.get("Accept", "")
    named = next((model for media, model in MEDIA_MODELS.items() if media in asked), None)
    adapter = TypeAdapter(getattr(schemas("models", version), named)) if named else models.response
    return wrong + disagreements(adapter, response.content)


def is_empty(response: httpx.Response) -> bool:
    """A list of nothing agrees with every model, so it proves none."""
    if response.status_code != 200:
        return False
    found = json.loads(response.content) if response.content[:1] in (b"[", b"{") else True
    return found == [] or (isinstance(found, dict) and found.get("total_count") == 0)


def items(response: httpx.Response) -> list[Any]:
    """The list that was answered, alone or in an object that counts it."""
    found = json.loads(response.content) if response.content[:1] in (b"[", b"{") else None
    if isinstance(found, dict) and "total_count" in found:
        found = next((value for value in found.values() if isinstance(value, list)), None)
    return found if isinstance(found, list) else []


def objects(response: httpx.Response) -> list[dict[str, Any]]:
    """The single object that was answered."""
    found = json.loads(response.content) if response.content[:1] == b"{" else None
    return [found] if isinstance(found, dict) and "total_count" not in found else []


def disagreements(adapter: TypeAdapter[Any], content: bytes) -> list[str]:
    """Where JSON breaks its model: wrong or absent fields, fields that GitHub does not have, odd dates."""
    try:
        found = adapter.validate_json(content, strict=True)
    except ValidationError as error:
        return [f"{_place(each['loc'])}: {each['msg']}, not {str(each['input'])[:60]!r}" for each in error.errors()[:6]]
    data = json.loads(content)
    unknown = sorted(set(_unknown(data, found, "")))
    return [f"{place or 'body'}: GitHub has no field {names}" for place, names in unknown] + [
        f"{place}: {value!r} is no date of GitHub's" for place, value in _odd_dates(data, "")
    ]


def webhook(delivery: Delivery) -> list[str]:
    """What is wrong with a delivery's headers, signature and payload."""
    kind = delivery.headers.get("X-GitHub-Hook-Installation-Target-Type")
    target = APP_ID if kind == "integration" else delivery.payload["repository"]["id"]
    wanted = {
        "Accept": "*/*", "Content-Type": "application/json", "X-GitHub-Event": delivery.event,
        "X-GitHub-Hook-ID": str(APP_ID) if kind == "integration" else delivery.headers.get("X-GitHub-Hook-ID", "?"),
        "X-GitHub-Hook-Installation-Target-ID": str(target),
        "X-GitHub-Hook-Installation-Target-Type": "integration" if "installation" in delivery.payload else "repository",
    }  # fmt: skip
    wrong = [
        f"{name} is {delivery.headers.get(name)!r}" for name in wanted if delivery.headers.get(name) != wanted[name]
    ]
    if not delivery.signed() or not delivery.headers.get("X-Hub-Signature", "").startswith("sha1="):
        wrong.append("is not signed")
    if not delivery.headers.get("User-Agent", "").startswith("GitHub-Hookshot/"):
        wrong.append(f"comes from {delivery.headers.get('User-Agent')}")
    if not _UUID.fullmatch(delivery.guid):
        wrong.append(f"{delivery.guid} is no UUID")
    model = webhook_model(delivery.event, delivery.action)
    if model is None:
        return [*wrong, "GitHub knows no such webhook"]
    payload = delivery.payload | missing_organization(model, delivery.payload)
    return wrong + disagreements(TypeAdapter(model), json.dumps(payload).encode())


def webhook_model(event: str, action: str | None) -> Any:
    types = schemas(f"webhooks.{event}", OLD).action_types
    return types.get(action) if isinstance(types, dict) else types


def webhook_names() -> list[str]:
    """Every event that GitHub's description has."""
    folder = Path(schemas("webhooks", OLD).__file__).parent
    return sorted(each.stem for each in folder.glob("*.py") if not each.stem.startswith("_"))


def webhook_actions(event: str) -> list[str | None]:
    """Read from the source: loading every model would take a minute."""
    folder = Path(schemas("webhooks", OLD).__file__).parent
    text = (folder / f"{event}.py").read_text().partition("\naction_types")[2]
    return re.findall(r'^    "(\w+)":', text, re.M) or [None]


def _failure(operation: Operation, response: httpx.Response, version: str) -> list[str]:
    status = response.status_code
    if status not in operation.statuses() | ALWAYS_ALLOWED | {301, 307}:
        return [f"answers {status}, which GitHub does not document: {response.text[:80]}"]
    if not response.headers.get("Content-Type", "").startswith("application/json"):
        return [f"{status}: is no JSON: {response.text[:80]!r}"]
    body = json.loads(response.content)
    usual = "ValidationError" if status == 422 and "errors" in body else "BasicError"
    adapter = operation.models(version).errors.get(status) or TypeAdapter(getattr(schemas("models", version), usual))
    wrong = disagreements(adapter, response.content)
    if not body.get("message") or not str(body.get("documentation_url", "")).startswith("https://docs.github.com/"):
        wrong.append("lacks message or documentation_url")
    if status >= 400 and body.get("status") != str(status):
        wrong.append(f"says status {body.get('status')!r}")
    return [f"{status}: {text}" for text in wrong]


def _request(request: httpx.Request, model: TypeAdapter[Any] | None) -> list[str]:
    if "json" not in request.headers.get("Content-Type", ""):
        return []
    if model is None:
        return [] if request.content == b"{}" else ["a body where GitHub takes none"]
    return disagreements(model, request.content)


def _unknown(data: Any, found: Any, place: str) -> Iterator[tuple[str, str]]:
    """Where the data have fields that the model that took them does not name."""
    if isinstance(data, list) and isinstance(found, list):
        for item, taken in zip(data, found, strict=True):
            yield from _unknown(item, taken, f"{place}[]")
    if not isinstance(data, dict) or not isinstance(found, BaseModel):
        return
    names = {field.alias or name: name for name, field in type(found).model_fields.items()}
    extra = [key for key in data if key not in names and key not in NEWER]
    if extra and names and type(found).model_config.get("extra") != "allow":
        yield place, ", ".join(extra)
    for key in names.keys() & data.keys():
        yield from _unknown(data[key], getattr(found, names[key]), f"{place}.{key}".lstrip("."))


def _odd_dates(data: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(data, list):
        for item in data:
            yield from _odd_dates(item, f"{place}[]")
    elif isinstance(data, dict):
        for key, value in data.items():
            if key.endswith("_at") and isinstance(value, str) and not _DATE.fullmatch(value):
                yield f"{place}.{key}", value
            else:
                yield from _odd_dates(value, f"{place}.{key}")


def _place(loc: tuple[int | str, ...]) -> str:
    return ".".join("[]" if isinstance(each, int) else each for each in loc) or "body"
