"""Requests that come together share a commit: each is still all or nothing, and told only when it is on the disk."""

from __future__ import annotations

import json
import re
import resource
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localhub.db import Database

ISSUES = "/repos/alice/sample/issues"


def request(hub: Any, path: str, body: Any, method: str = "POST") -> bytes:
    content = json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {hub.url.removeprefix('http://')}\r\nAuthorization: token ghp_alice\r\n"
        f"User-Agent: raw\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content


@contextmanager
def connected(hub: Any) -> Iterator[socket.socket]:
    host, port = hub.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        yield connection


def answers(connection: socket.socket, count: int) -> list[tuple[int, Any]]:
    """The next answers of a connection: (status, JSON)."""
    found: list[tuple[int, Any]] = []
    data = b""
    while len(found) < count:
        data += connection.recv(65536)
        while (end := data.find(b"\r\n\r\n")) >= 0:
            length = int(re.search(rb"content-length: (\d+)", data[:end].lower())[1])  # type: ignore[index]
            if len(data) < end + 4 + length:
                break
            found.append((int(data[9:12]), json.loads(data[end + 4 : end + 4 + length])))
            data = data[end + 4 + length :]
    return found


def test_what_fails_takes_nothing_of_the_others_with_it(hub: Any) -> None:
    labels = [{"name": f"l{number}", "color": "nonsense" if number % 3 == 0 else "d73a4a"} for number in range(48)]
    gate = threading.Barrier(16)

    def make(own: list[dict[str, str]]) -> list[int]:
        with hub.client("alice") as client:
            client.get("/user")
            gate.wait()
            return [client.post("/repos/alice/sample/labels", json=each).status_code for each in own]

    with ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(make, [labels[at::16] for at in range(16)]))
    told = {
        label["name"]: status for at in range(16) for label, status in zip(labels[at::16], statuses[at], strict=True)
    }
    assert {status for status in told.values()} == {201, 422}
    shown = {row["name"] for row in hub.client("alice").get("/repos/alice/sample/labels?per_page=100").json()}
    assert {name for name in told if name in shown} == {name for name, status in told.items() if status == 201}


def test_equal_creations_at_once_make_one(hub: Any) -> None:
    gate = threading.Barrier(12)

    def make(_: int) -> int:
        with hub.client("alice") as client:
            client.get("/user")
            gate.wait()
            return int(client.post("/repos/alice/sample/labels", json={"name": "only"}).status_code)

    with ThreadPoolExecutor(12) as pool:
        assert sorted(pool.map(make, range(12))) == [201] + [422] * 11


def test_requests_sent_without_waiting_are_answered_in_their_order(hub: Any) -> None:
    path = f"/api/v3{ISSUES}"
    with connected(hub) as connection:
        connection.sendall(b"".join(request(hub, path, {"title": f"t{number}"}) for number in range(5)))
        assert [(status, body["title"]) for status, body in answers(connection, 5)] == [
            (201, f"t{n}") for n in range(5)
        ]
        half = request(hub, path, {"title": "in pieces", "body": "x" * 5000})
        connection.sendall(request(hub, path, {"title": "whole"}) + half[:700])
        assert answers(connection, 1)[0][1]["title"] == "whole"
        connection.sendall(half[700:])
        assert answers(connection, 1)[0][1]["title"] == "in pieces"
        connection.sendall(request(hub, path, {"title": ["no text"]}))  # goes the long way, which has the words
        assert answers(connection, 1)[0][0] == 422
        connection.sendall(request(hub, "/api/v3elsewhere", {}))  # is no path of the API
        assert b" 404 " in connection.recv(65536).split(b"\r\n")[0]
        connection.sendall(request(hub, f"{path}/1", {"state": "closed"}, "PATCH"))
        assert answers(connection, 1)[0][0] in (200, 404)


def test_a_change_of_rights_counts_for_the_next_request(hub: Any) -> None:
    """What is known of who may do what is forgotten with the commit that changes it."""
    alice, bob = hub.client("alice"), hub.client("bob")
    root = "/repos/alice/open"
    alice.delete(f"{root}/collaborators/bob")
    for _ in range(3):
        assert _labels_of_a_new_issue(bob, root) == []
        assert alice.put(f"{root}/collaborators/bob", json={"permission": "push"}).status_code in (201, 204)
        assert _labels_of_a_new_issue(bob, root) == ["bug"]
        assert alice.delete(f"{root}/collaborators/bob").status_code == 204


def _labels_of_a_new_issue(client: httpx.Client, root: str) -> list[str]:
    """Without the right to triage, labels are passed over."""
    made = client.post(f"{root}/issues", json={"title": "x", "labels": ["bug"]}).json()
    return [label["name"] for label in made["labels"]]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(tmp_path / "x.sqlite3")) as made:
        yield made


def test_a_group_is_seen_by_its_members_and_saved_for_everybody_else(database: Database) -> None:
    seen: list[Any] = []
    with database.joined() as group, database.transaction():
        database.insert("settings", key="a", value="1")
        database.after_commit(lambda: seen.append("after"))

    def fail() -> None:
        with database.joined(), database.transaction():
            assert database.value("SELECT value FROM settings WHERE key = 'a'") == "1"
            database.insert("settings", key="b", value="2")
            database.after_commit(lambda: seen.append("never"))
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert database.value("SELECT COUNT(*) FROM settings") == 0
    opened = group()
    assert opened is not None
    database.finish(opened)
    database.finish(opened)
    assert [row["key"] for row in database.rows("SELECT key FROM settings")] == ["a"]
    assert seen == ["after"]


Member = tuple[list[tuple[str, str]], bool]
"""What it writes, key and value, and whether it fails then."""
members = st.lists(
    st.tuples(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("123")), max_size=5), st.booleans()),
    max_size=6,
)


def written(path: Path, groups: list[list[Member]]) -> list[tuple[Any, ...]]:
    """What a table has after these groups of transactions."""
    with closing(Database(path)) as database:

        def write(steps: list[tuple[str, str]], fails: bool) -> None:
            with database.joined(), database.transaction():
                for key, value in steps:
                    database.execute("INSERT INTO said (key, value) VALUES (?, ?)", key, value)
                    database.execute("UPDATE said SET value = value || ? WHERE key = ?", value, key)
                    database.execute("DELETE FROM said WHERE length(value) > 4 AND key <> ?", key)
                if fails:
                    raise LookupError

        with database.transaction():
            database.execute("CREATE TABLE said (id INTEGER PRIMARY KEY, key TEXT, value TEXT)")
        for group in groups:
            for steps, fails in group:
                with suppress(LookupError):
                    write(steps, fails)
            with database.joined() as opened:
                found = opened()
            if found is not None:
                database.finish(found)
        return [tuple(row) for row in database.rows("SELECT * FROM said ORDER BY id")]


@given(st.lists(members, max_size=3))
@settings(max_examples=30, deadline=None)
def test_a_group_writes_what_its_members_would_one_by_one_without_those_that_fail(groups: list[list[Member]]) -> None:
    alone = [[member] for group in groups for member in group if not member[1]]
    with tempfile.TemporaryDirectory() as folder:
        assert written(Path(folder, "grouped"), groups) == written(Path(folder, "alone"), alone)


def test_who_writes_alone_ends_the_group_first(database: Database) -> None:
    order: list[str] = []
    with database.joined() as group, database.transaction():
        database.insert("settings", key="a", value="1")
        database.at_commit(lambda: order.append("group"))

    def alone() -> None:
        with database.transaction():
            database.insert("settings", key="b", value=str(database.value("SELECT COUNT(*) FROM settings")))
            database.at_commit(lambda: order.append("alone"))

    thread = threading.Thread(target=alone)
    thread.start()
    thread.join(20)
    opened = group()
    assert opened is None
    assert order == ["group", "alone"]
    assert database.value("SELECT value FROM settings WHERE key = 'b'") == "1"


def test_what_did_not_fit_on_the_disk_was_not_acknowledged(tmp_path: Path) -> None:
    """With files of 3 MB at most, sooner or later nothing can be written: then 500, and what was told stays."""
    seed = {"users": [{"login": "alice", "token": "ghp_alice"}], "repositories": [{"full_name": "alice/sample"}]}
    (tmp_path / "seed.json").write_text(json.dumps(seed))

    def serve(limit: int) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "localhub", "--data", str(tmp_path / "data"), "--limits", "off"]
        process = subprocess.Popen(
            [*command, "--seed", str(tmp_path / "seed.json")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        )  # fmt: skip
        assert process.stdout is not None
        return process, process.stdout.readline().split()[-1]

    def write(url: str, who: int) -> list[tuple[str, int]]:
        told = []
        with httpx.Client(base_url=url, headers={"Authorization": "token ghp_alice"}, trust_env=False) as client:
            for turn in range(30):
                title = f"{who} {turn}"
                told.append((title, client.post(ISSUES, json={"title": title, "body": "x" * 30_000}).status_code))
        return told

    process, url = serve(3_000_000)
    try:
        with ThreadPoolExecutor(8) as pool:
            told = [each for some in pool.map(lambda who: write(url, who), range(8)) for each in some]
    finally:
        process.kill()
        process.communicate()
    assert {status for _, status in told} == {201, 500}
    process, url = serve(resource.RLIM_INFINITY)
    try:
        kept: set[str] = set()
        with httpx.Client(base_url=url, headers={"Authorization": "token ghp_alice"}, trust_env=False) as client:
            for page in range(1, 4):
                kept |= {row["title"] for row in client.get(f"{ISSUES}?per_page=100&page={page}").json()}
    finally:
        process.terminate()
        process.communicate()
    assert kept == {title for title, status in told if status == 201}
