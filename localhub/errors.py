"""GitHub's error answers, as exceptions that the application turns into JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

DOCS = "https://docs.github.com/rest"
ANONYMOUS = "Requires authentication"


class GitHubError(Exception):
    """An answer other than 2xx: `message`, optional `errors` (as GitHub lists them) and headers."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        errors: Sequence[Mapping[str, Any] | str] | None = None,
        documentation_url: str = DOCS,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.errors = status, message, errors
        self.documentation_url, self.headers = documentation_url, dict(headers or {})

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"message": self.message}
        if self.errors is not None:
            body["errors"] = list(self.errors)
        return body | {"documentation_url": self.documentation_url, "status": str(self.status)}


def not_found() -> GitHubError:
    return GitHubError(404, "Not Found")


def unauthorized(message: str = "Bad credentials") -> GitHubError:
    return GitHubError(401, message)


def forbidden(message: str = "Resource not accessible by integration") -> GitHubError:
    return GitHubError(403, message)


def conflict(message: str) -> GitHubError:
    return GitHubError(409, message)


def invalid(message: str = "Validation Failed", *errors: Mapping[str, Any] | str) -> GitHubError:
    """422; with `errors` as made by `field()` or plain sentences."""
    return GitHubError(422, message, errors=errors or None)


def field(resource: str, name: str, code: str, message: str | None = None, value: object = None) -> dict[str, Any]:
    """One entry of a 422's `errors`; code: missing, missing_field, invalid, already_exists, unprocessable, custom."""
    entry: dict[str, Any] = {"resource": resource, "field": name, "code": code}
    if value is not None:
        entry["value"] = value
    if message is not None:
        entry["message"] = message
    return entry


def sentences(error: Exception) -> str:
    """What is wrong, for a person: a line for each place of a document that is not as it should be."""
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(
        f"{'.'.join(str(part) for part in each['loc']) or 'the whole'}: {_words(each)}" for each in error.errors()
    )


def _words(detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "there is no such key"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}"


BODY_LIMIT = 65_536


def check_length(resource: str, name: str, text: str | None, limit: int = BODY_LIMIT) -> None:
    """422 when a title, body or comment is longer than GitHub takes."""
    if text is not None and len(text) > limit:
        message = f"{name} is too long (maximum is {limit} characters)"
        raise invalid("Validation Failed", field(resource, name, "custom", message))
