"""Answers from memory are GitHub's answers still: true after any change, counted, and nobody else's."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest


@pytest.fixture
def alice(hub: Any) -> httpx.Client:
    """One connection, so that the same request is the same bytes."""
    client = hub.client("alice")
    client.get("/repos/alice/sample")
    return client


def same(client: httpx.Client, path: str, **headers: str) -> httpx.Response:
    """The answer to the second of two equal requests, which is the first one's."""
    first, second = client.get(path, headers=headers), client.get(path, headers=headers)
    assert (first.status_code, first.content) == (second.status_code, second.content)
    varying = {"x-github-request-id", "x-ratelimit-used", "x-ratelimit-remaining", "date"}
    plain = [[pair for pair in each.headers.items() if pair[0] not in varying] for each in (first, second)]
    assert dict(plain[0]) == dict(plain[1])
    assert first.headers["x-github-request-id"] != second.headers["x-github-request-id"]
    return second


def test_every_way_of_changing_something_is_seen_at_once(hub: Any, alice: httpx.Client, tmp_path: Path) -> None:
    root = "/repos/alice/sample"
    number = alice.post(f"{root}/issues", json={"title": "first"}).json()["number"]
    assert same(alice, f"{root}/issues/{number}").json()["title"] == "first"
    alice.patch(f"{root}/issues/{number}", json={"title": "second"})
    assert same(alice, f"{root}/issues/{number}").json()["title"] == "second"
    mutation = 'mutation {updateIssue(input: {id: "%s", title: "third"}) {clientMutationId}}'
    node = alice.get(f"{root}/issues/{number}").json()["node_id"]
    answer = httpx.post(
        f"{hub.url}/graphql", json={"query": mutation % node}, headers={"Authorization": "Bearer ghp_alice"},
        trust_env=False,
    )  # fmt: skip
    assert "errors" not in answer.json()
    assert same(alice, f"{root}/issues/{number}").json()["title"] == "third"
    before = same(alice, f"{root}/git/ref/heads/main").json()["object"]["sha"]
    commands = f"""git clone -q {hub.git_url("alice/sample", "ghp_alice")} w && cd w && echo x > x && git add x &&
        git -c user.name=a -c user.email=a@example.org commit -qm x && git push -q origin main"""
    subprocess.run(["bash", "-c", commands], cwd=tmp_path, check=True, capture_output=True)
    assert same(alice, f"{root}/git/ref/heads/main").json()["object"]["sha"] != before
    assert "x" in [row["name"] for row in same(alice, f"{root}/contents/").json()]


def test_what_is_kept_is_counted_and_limited(hub: Any, alice: httpx.Client) -> None:
    used = [int(alice.get("/repos/alice/sample").headers["x-ratelimit-used"]) for _ in range(3)]
    assert used == [used[0], used[0] + 1, used[0] + 2]
    known = alice.get("/repos/alice/sample").headers["etag"]
    free = [alice.get("/repos/alice/sample", headers={"If-None-Match": known}) for _ in range(3)]
    assert [each.status_code for each in free] == [304, 304, 304]
    assert {each.headers["x-ratelimit-used"] for each in free[1:]} == {str(used[2] + 1)}
    hub.admin("/limits", {"primary": used[2] + 3})
    left = [alice.get("/repos/alice/sample").status_code for _ in range(4)]
    assert left == [200, 200, 403, 403]


def test_a_token_that_has_ended_reads_nothing_kept(hub: Any) -> None:
    bot = hub.bot()
    assert same(bot, "/repos/alice/sample").status_code == 200
    hub.admin("/clock", {"advance": 3700})
    assert bot.get("/repos/alice/sample").status_code == 401


def test_faults_happen_to_kept_answers_too(hub: Any, alice: httpx.Client) -> None:
    same(alice, "/repos/alice/sample")
    hub.admin("/faults", {"seed": 1, "rules": [{"kind": "error_before", "status": 502, "times": 1}]})
    assert [alice.get("/repos/alice/sample").status_code for _ in range(2)] == [502, 200]


def test_search_finds_later_what_it_did_not_find_yet(hub: Any, alice: httpx.Client) -> None:
    alice.post("/repos/alice/sample/issues", json={"title": "needle"})
    query = "/search/issues?q=needle+repo:alice/sample"
    assert same(alice, query).json()["total_count"] == 0
    hub.admin("/clock", {"advance": 5})
    assert alice.get(query).json()["total_count"] == 1
    assert same(alice, query).json()["total_count"] == 1


def test_pieces_and_closing_connections_are_served_too(hub: Any) -> None:
    import socket
    from urllib.parse import urlsplit

    where = urlsplit(hub.url)
    head = f"GET /repos/alice/open HTTP/1.1\r\nHost: {where.netloc}\r\nUser-Agent: x\r\nAuthorization: Bearer ghp_alice\r\n"
    answers = []
    for parts in (
        [f"{head}\r\n"],
        [f"{head}\r\n"],
        [head[:40], f"{head[40:]}\r\n"],
        [f"{head}Connection: close\r\n\r\n"] * 2,
    ):
        with socket.create_connection((where.hostname, where.port)) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for part in parts[:1] if "close" in parts[0] else parts:
                connection.sendall(part.encode())
            text = b""
            while b"\r\n\r\n" not in text:
                text += connection.recv(65536)
            if "close" in parts[0]:
                while more := connection.recv(65536):
                    text += more
            answers.append(text.split(b"\r\n")[0])
    assert answers == [b"HTTP/1.1 200 OK"] * 4
