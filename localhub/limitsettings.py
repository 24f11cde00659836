"""The numbers of GitHub's limits, each of which can be set.

Source: docs.github.com, "Rate limits for the REST API", "Rate limits and query limits for the GraphQL API",
"About large files on GitHub", "Webhook events and payloads".
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class LimitSettings(BaseModel):
    """Set by `--limits` and POST /_localhub/limits; `enforced: false` switches those of requests and creations off."""

    model_config = ConfigDict(extra="forbid")
    enforced: bool = True
    primary: int = Field(5000, ge=0, description="requests an hour of an installation, app or user")
    primary_per_repository: int = Field(
        50, ge=0, description="more for each repository and organisation user of an installation above 20"
    )
    primary_cap: int = Field(12_500, ge=0, description="of an installation with many repositories")
    anonymous: int = Field(60, ge=0, description="requests an hour of an address without credentials")
    actions: int = Field(1000, ge=0, description="requests an hour of a repository's GITHUB_TOKEN")
    search: int = Field(30, ge=0, description="searches a minute")
    search_anonymous: int = Field(10, ge=0, description="searches a minute of an address without credentials")
    manifests: int = Field(5000, ge=0, description="conversions of app manifests an hour")
    graphql: int = Field(5000, ge=0, description="GraphQL points an hour; installations get more, as above")
    concurrency: int = Field(100, ge=0, description="requests at once, REST and GraphQL together")
    points: int = Field(900, ge=0, description="REST points a minute: a read is 1, a write 5")
    graphql_points: int = Field(2000, ge=0, description="GraphQL points a minute: a query is 1, a mutation 5")
    cpu_seconds: float = Field(
        90.0, ge=0, description="CPU time a minute; an estimate: this process's, shared among requests side by side"
    )
    graphql_cpu_seconds: float = Field(60.0, ge=0, description="of which GraphQL may take")
    creations_minute: int = Field(80, ge=0, description="issues, pull requests, comments and reviews a minute")
    creations_hour: int = Field(500, ge=0, description="and an hour")
    body_bytes: int = Field(25 * 1024 * 1024, ge=0, description="of one REST or GraphQL request")
    webhook_bytes: int = Field(25 * 1024 * 1024, ge=0, description="of a webhook's payload: larger ones are not sent")
    push_bytes: int = Field(2 * 1024**3, ge=0, description="of the pack of one push")
    object_bytes: int = Field(100 * 1024**2, ge=0, description="of one file in a push")
    search_lag_seconds: float = Field(2.0, ge=0, description="before search finds a change")
    mergeable_lag_seconds: float = Field(0.0, ge=0, description="before a pull request's `mergeable` is computed")
