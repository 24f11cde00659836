"""Which part of the hub a path belongs to, and which of GitHub's limits it counts for."""

from __future__ import annotations

import re
from typing import Literal

API = "/api/v3"
API_ROOTS = {
    "repos", "repositories", "user", "users", "app", "apps", "installation", "orgs", "search", "rate_limit", "meta",
    "notifications", "issues", "app-manifests", "emojis", "zen", "versions", "markdown",
}  # fmt: skip
_GIT_ENDS = ("/info/refs", "/git-upload-pack", "/git-receive-pack")
_GIT = re.compile(r"/[^/]+/[^/]+?(\.git)?/(info/refs|git-upload-pack|git-receive-pack)$")
Kind = Literal["admin", "git", "api", "graphql", "page"]


def classify(path: str, accept: str) -> Kind:
    """Which part of the hub a path belongs to. A browser's /notifications is a page, a client's is the API."""
    if path.startswith("/_localhub"):
        return "admin"
    if path in ("/graphql", "/api/graphql", f"{API}/graphql"):
        return "graphql"
    if path == API or path.startswith(f"{API}/"):
        return "api"
    if path.endswith(_GIT_ENDS) and _GIT.search(path):
        return "git"
    html = "text/html" in accept
    if path == "/":
        return "page" if html else "api"
    return "api" if path.split("/")[1] in API_ROOTS and not html else "page"


def resource_of(kind: Kind, path: str) -> str:
    """Which of GitHub's primary limits a request counts for."""
    if kind == "graphql":
        return "graphql"
    return "search" if path.startswith("/search/") else "integration_manifest" if "/conversions" in path else "core"
