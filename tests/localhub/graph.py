"""GraphQL as a client asks it."""

from __future__ import annotations

import json
from typing import Any

import httpx

BEGIN_REVIEW = (
    "mutation($id: ID!) { addPullRequestReview(input: {pullRequestId: $id}) { pullRequestReview { id state } } }"
)


def ask(client: httpx.Client, document: str, **variables: Any) -> dict[str, Any]:
    """The whole answer; GraphQL's refusals come with status 200."""
    answer = client.post("/graphql", json={"query": document, "variables": variables})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def data(client: httpx.Client, document: str, **variables: Any) -> dict[str, Any]:
    """What was asked for, without an error."""
    body = ask(client, document, **variables)
    assert "errors" not in body, json.dumps(body["errors"], indent=1)
    found: dict[str, Any] = body["data"]
    return found
