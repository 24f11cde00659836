"""Rules of pull requests that the state machine found broken once, each by itself."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from localhub.app import ROUTERS

SAMPLE = "/repos/alice/sample"


class Author:
    """Alice, with branches and pull requests."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client
        self.main = self.sha("main")

    def sha(self, branch: str) -> str:
        return str(self.client.get(f"{SAMPLE}/git/ref/heads/{branch}").json()["object"]["sha"])

    def branch(self, name: str, *paths: str, at: str | None = None) -> None:
        sha = at or self.main
        assert self.client.post(f"{SAMPLE}/git/refs", json={"ref": f"refs/heads/{name}", "sha": sha}).status_code == 201
        for path in paths:
            self.commit(name, path)

    def commit(self, branch: str, path: str) -> str:
        content = base64.b64encode(path.encode()).decode()
        body = {"message": f"Add {path}", "branch": branch, "content": content}
        return str(self.client.put(f"{SAMPLE}/contents/{path}", json=body).json()["commit"]["sha"])

    def move(self, branch: str, sha: str) -> int:
        return self.client.patch(f"{SAMPLE}/git/refs/heads/{branch}", json={"sha": sha, "force": True}).status_code

    def propose(self, head: str, base: str = "main") -> str:
        answer = self.client.post(f"{SAMPLE}/pulls", json={"title": "T", "head": head, "base": base})
        assert answer.status_code == 201, answer.text
        return f"{SAMPLE}/pulls/{answer.json()['number']}"

    def orphan(self) -> str:
        """A commit that has nothing in common with any other."""
        tree = self.client.post(f"{SAMPLE}/git/trees", json={"tree": [{"path": "x", "mode": "100644", "content": "x"}]})
        made = self.client.post(f"{SAMPLE}/git/commits", json={"message": "Alone", "tree": tree.json()["sha"]})
        return str(made.json()["sha"])


@pytest.fixture
def author(hub: Any) -> Author:
    hub.admin("/limits", {"enforced": False})
    return Author(hub.client("alice"))


def events(author: Author, url: str) -> list[str]:
    shown = author.client.get(url.replace("/pulls/", "/issues/") + "/events").json()
    return [str(each["event"]) for each in shown]


def test_a_refused_edit_changes_nothing(author: Author) -> None:
    author.branch("topic", "a.txt")
    url = author.propose("topic")
    assert author.client.put(f"{url}/merge").status_code == 200
    assert author.client.patch(url, json={"title": "New", "state": "open"}).status_code == 422
    assert author.client.get(url).json()["title"] == "T"


def test_what_was_rewritten_while_closed_stays_closed(author: Author) -> None:
    author.branch("topic", "a.txt")
    url = author.propose("topic")
    old = author.sha("topic")
    author.client.patch(url, json={"state": "closed"})
    author.move("topic", author.main)
    refused = author.client.patch(url, json={"state": "open"})
    assert (refused.status_code, "No commits between" in refused.text) == (422, True)
    author.commit("topic", "b.txt")
    assert "was force-pushed or recreated" in author.client.patch(url, json={"state": "open"}).text
    assert author.move("topic", old) == 200
    new = author.commit("topic", "c.txt")
    reopened = author.client.patch(url, json={"state": "open"}).json()
    assert (reopened["state"], reopened["head"]["sha"], reopened["commits"]) == ("open", new, 2)


def test_a_branch_moved_back_to_its_base_closes_its_pull_request(author: Author) -> None:
    author.branch("topic", "a.txt")
    url = author.propose("topic")
    author.move("topic", author.main)
    shown = author.client.get(url).json()
    assert (shown["state"], shown["merged"], shown["commits"]) == ("closed", False, 0)
    assert events(author, url) == ["head_ref_force_pushed", "closed"]


@pytest.mark.parametrize("moved", ["topic", "main"])
def test_histories_with_nothing_in_common_close_it(author: Author, moved: str) -> None:
    author.branch("topic", "a.txt")
    url = author.propose("topic")
    assert author.move(moved, author.orphan()) == 200
    assert author.client.get(url).json()["state"] == "closed"
    for part in ("files", "commits"):
        assert author.client.get(f"{url}/{part}").status_code == 200
    assert author.client.patch(url, json={"state": "open"}).status_code == 422


def test_commits_that_the_base_gets_are_no_longer_its_own(author: Author) -> None:
    author.branch("below", "a.txt")
    author.branch("above", "b.txt", at=author.sha("below"))
    below, above = author.propose("below"), author.propose("above")
    assert author.client.get(above).json()["commits"] == 2
    assert author.client.put(f"{below}/merge").status_code == 200
    shown = author.client.get(above).json()
    assert (shown["commits"], shown["changed_files"]) == (1, 1)
    assert len(author.client.get(f"{above}/commits").json()) == 1


def test_all_its_commits_stay_its_own_when_a_push_lands_it(author: Author) -> None:
    author.branch("topic", "a.txt", "b.txt", "c.txt")
    url = author.propose("topic")
    assert author.move("main", author.sha("topic")) == 200
    shown = author.client.get(url).json()
    assert (shown["merged"], shown["base"]["sha"], shown["commits"]) == (True, author.main, 3)
    assert len(author.client.get(f"{url}/commits").json()) == 3
    assert len(author.client.get(f"{url}/files").json()) == 3


def test_the_base_cannot_become_one_that_has_its_pull_request(author: Author) -> None:
    author.branch("topic", "a.txt")
    author.branch("release")
    author.propose("topic", "release")
    url = author.propose("topic")
    assert "already exists" in author.client.patch(url, json={"base": "release"}).text
    author.client.patch(url, json={"state": "closed"})
    assert "of a closed pull request" in author.client.patch(url, json={"base": "release"}).text


def test_a_base_that_goes_closes_what_stands_on_it(author: Author) -> None:
    author.branch("release")
    author.branch("topic", "a.txt")
    url = author.propose("topic", "release")
    assert author.client.delete(f"{SAMPLE}/git/refs/heads/release").status_code == 204
    assert events(author, url) == ["base_ref_deleted", "closed"]


def test_there_may_be_nothing_to_rebase(author: Author) -> None:
    """A head whose only commit of its own is a merge of what the base has."""
    author.branch("topic", "a.txt")
    author.branch("other", "b.txt")
    for head in ("topic", "other"):
        assert author.client.post(f"{SAMPLE}/merges", json={"base": "main", "head": head}).status_code == 201
    author.branch("late", at=author.sha("topic"))
    assert author.client.post(f"{SAMPLE}/merges", json={"base": "late", "head": "other"}).status_code == 201
    url = author.propose("late")
    assert author.client.put(f"{url}/merge", json={"merge_method": "rebase"}).status_code == 405
    assert author.client.get(url).json()["state"] == "open"


def test_triagers_close_but_do_not_rewrite(hub: Any, author: Author) -> None:
    author.client.put(f"{SAMPLE}/collaborators/octo-owner", json={"permission": "triage"})
    author.branch("topic", "a.txt")
    url = author.propose("topic")
    with hub.client("octo-owner") as triager:
        assert triager.patch(url, json={"title": "Mine now"}).status_code == 403
        assert triager.patch(url, json={"state": "closed"}).status_code == 200


def test_merging_with_deletion_of_heads_moves_what_stands_on_it_down(author: Author) -> None:
    author.client.patch(SAMPLE, json={"delete_branch_on_merge": True})
    author.branch("below", "a.txt")
    author.branch("above", "b.txt", at=author.sha("below"))
    below, above = author.propose("below"), author.propose("above", "below")
    assert author.client.put(f"{below}/merge").status_code == 200
    assert author.client.get(f"{SAMPLE}/git/ref/heads/below").status_code == 404
    shown = author.client.get(above).json()
    assert (shown["state"], shown["base"]["ref"], shown["commits"]) == ("open", "main", 1)
    assert events(author, above) == ["automatic_base_change_succeeded"]


@pytest.mark.parametrize("why", ["default", "protected", "another"])
def test_a_head_that_is_needed_outlives_its_merge(author: Author, why: str) -> None:
    author.client.patch(SAMPLE, json={"delete_branch_on_merge": True})
    author.branch("release")
    head = "topic"
    author.branch(head, "a.txt")
    if why == "default":
        head, _ = "main", author.commit("main", "c.txt")
    elif why == "protected":
        rules = dict.fromkeys(
            ("required_status_checks", "enforce_admins", "required_pull_request_reviews", "restrictions")
        )
        assert author.client.put(f"{SAMPLE}/branches/topic/protection", json=rules).status_code == 200
    else:
        author.propose("topic")
    url = author.propose(head, "release")
    assert author.client.put(f"{url}/merge").status_code == 200
    assert author.client.get(f"{SAMPLE}/git/ref/heads/{head}").status_code == 200


def test_a_merged_pull_request_tells_that_its_branch_went_and_came_back(author: Author) -> None:
    author.branch("topic", "a.txt")
    author.branch("other", at=author.sha("topic"))
    url, head = author.propose("topic"), author.sha("topic")
    assert author.client.put(f"{url}/merge", json={}).status_code == 200
    assert author.client.delete(f"{SAMPLE}/git/refs/heads/other").status_code == 204  # the same commit, another branch
    assert author.client.delete(f"{SAMPLE}/git/refs/heads/topic").status_code == 204
    author.branch("topic", at=author.main)  # a new branch of that name is another one
    assert author.client.delete(f"{SAMPLE}/git/refs/heads/topic").status_code == 204
    author.branch("topic", at=head)
    told = events(author, url)
    assert [each for each in told if "head_ref" in each] == ["head_ref_deleted", "head_ref_restored"], told
    query = "{repository(owner: %s, name: %s) {pullRequest(number: %d) {timelineItems(last: 1) {nodes {__typename}}}}}"
    asked = query % ('"alice"', '"sample"', int(url.rsplit("/", 1)[1]))
    told = author.client.post("/graphql", json={"query": asked}).json()["data"]["repository"]["pullRequest"]
    assert told["timelineItems"]["nodes"] == [{"__typename": "HeadRefRestoredEvent"}]


def test_making_the_routers_again_tells_nothing_twice(hub: Any, author: Author) -> None:
    for make in ROUTERS:
        make(hub.hub)
    author.branch("topic", "a.txt")
    url = author.propose("topic")
    assert author.client.put(f"{url}/merge", json={}).status_code == 200
    assert author.client.delete(f"{SAMPLE}/git/refs/heads/topic").status_code == 204
    assert events(author, url).count("head_ref_deleted") == 1
