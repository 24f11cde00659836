"""A person's view of the repository: GitHub's REST API with a personal access token, and nothing else."""

from __future__ import annotations

from typing import Any, cast

import httpx

Json = dict[str, Any]


class Hub:
    """Requests about one repository. Raises `httpx.HTTPStatusError` for what GitHub refuses."""

    def __init__(self, api: str, repository: str, token: str) -> None:
        self.repository = repository
        self._client = httpx.Client(
            base_url=f"{api}/repos/{repository}",
            headers={"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json",
                     "X-GitHub-Api-Version": "2022-11-28"},
            timeout=30,
        )  # fmt: skip

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **query: str | int) -> Any:
        return self._json(self._client.get(path, params=query))

    def pages(self, path: str, **query: str | int) -> list[Json]:
        """All pages of a list."""
        found: list[Json] = []
        answer = self._client.get(path, params={"per_page": 100, **query})
        while True:
            rows = self._json(answer)
            found += rows if isinstance(rows, list) else next(v for v in rows.values() if isinstance(v, list))
            following = answer.links.get("next", {}).get("url")
            if not following:
                return found
            answer = self._client.get(following)

    def post(self, path: str, body: Json) -> Json:
        return cast(Json, self._json(self._client.post(path, json=body)))

    def patch(self, path: str, body: Json) -> Json:
        return cast(Json, self._json(self._client.patch(path, json=body)))

    def merge(self, number: int, sha: str) -> bool:
        """Merge a pull request at this head; False where GitHub refuses for now."""
        answer = self._client.put(f"/pulls/{number}/merge", json={"sha": sha})
        if answer.status_code in (405, 409):
            return False
        answer.raise_for_status()
        return True

    def text(self, path: str, ref: str) -> str:
        """A file's text at a commit."""
        answer = self._client.get(
            f"/contents/{path}", params={"ref": ref}, headers={"Accept": "application/vnd.github.raw+json"}
        )
        answer.raise_for_status()
        return answer.text

    def issues(self) -> list[Json]:
        """All issues, without pull requests."""
        return [i for i in self.pages("/issues", state="all") if "pull_request" not in i]

    def pulls(self, state: str = "all") -> list[Json]:
        return self.pages("/pulls", state=state)

    def comments(self, number: int) -> list[Json]:
        """Comments on an issue or on a pull request's conversation."""
        return self.pages(f"/issues/{number}/comments")

    @staticmethod
    def _json(answer: httpx.Response) -> Any:
        answer.raise_for_status()
        return answer.json()
