"""What `python -m localhub` says when it cannot start as it was asked to, and what it takes over from older data."""

from __future__ import annotations

import io
import json
import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

import localhub
from localhub.__main__ import main, parser
from localhub.events import WEBHOOKS
from localhub.hub import Hub
from localhub.seedfile import PERMISSIONS, UNSENT
from tests.localhub.schemas import schemas

COMMAND = [sys.executable, "-m", "localhub"]
SCHEMA = Path(localhub.__file__).parent / "schema"


@contextmanager
def running(*arguments: str, how: signal.Signals = signal.SIGTERM) -> Iterator[str]:
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("localhub listening on "), line
        yield line.split()[-1]
    finally:
        process.send_signal(how)
        process.wait(20)
        process.stdout.close()


def test_options_explain_themselves() -> None:
    text = parser().format_help()
    for option in (
        "--data",
        "--port",
        "--seed",
        "--limits",
        "--public-url",
        "--tls",
        "--tls-cert",
        "--tls-key",
        "--toolchain",
        "--jobs",
    ):
        assert re.search(rf"{option}\b.*\s+\S+", text), option


@pytest.mark.parametrize(
    ("seed", "says"),
    [
        ("users: [{logn: alice}]", "users.0.logn: there is no such key"),
        ("users: [{login: alice, nickname: x}]", "users.0.nickname: there is no such key"),
        ("user: []", "user: there is no such key"),
        ("users: alice", "users: input should be a valid list"),
        ("- users", "the whole: "),
        ("users: [", "while parsing"),
        ("repositories: [{full_name: alice/sample}]", "There is no account 'alice'"),
        ("repositories: [{full_name: sample}]", "repositories.0.full_name: string should match pattern"),
        ("users: [{login: alice}]\nrepositories: [{full_name: alice/x, collaborators: {bob: write}}]", "There is no account 'bob'"),
        ("users: [{login: alice}]\nrepositories: [{full_name: alice/x, source: /does/not/exist}]", "/does/not/exist is not a directory"),
        ("users: [{login: alice}]\nrepositories: [{full_name: alice/x, collaborators: {alice: boss}}]", "collaborators.alice: input should be"),
        ("users: [{login: alice}]\napps: [{slug: bot, owner: alice}]", "needs private_key_pem or public_key_pem"),
        ("users: [{login: alice}]\napps: [{slug: bot, owner: alice, private_key_pem: nonsense}]", "is no PEM of an RSA key"),
        ("installations: [{app: bot, account: alice}]", "There is no app 'bot'"),
        ("users: [{login: alice, token: t}, {login: bob, token: t}]", "the whole: alice and bob have the same token"),
        ("repositories: [{full_name: alice/a b}]", "repositories.0.full_name: string should match pattern"),
        ("repositories: [{full_name: a/b, settings: {allow_automerge: true}}]", "repositories.0.settings: there is no setting 'allow_automerge'; did you mean 'allow_auto_merge'?"),
        ("users: [{login: alice}]\nrepositories: [{full_name: alice/x, source: /tmp}]", "alice/x: '/tmp' does not appear to be a git repository"),
        ("apps: [{slug: bot, owner: alice, events: [isues]}]", "apps.0.events: there is no event 'isues'; did you mean 'issues'?"),
        ("apps: [{slug: bot, owner: alice, permissions: {isue: read}}]", "apps.0.permissions: there is no permission 'isue'; did you mean 'issues'?"),
        ("apps: [{slug: bot, owner: alice, permissions: {issues: wrote}}]", "apps.0.permissions.issues: input should be 'read', 'write' or 'admin'"),
        ("apps: [{slug: my bot, owner: alice}]", "apps.0.slug: string should match pattern"),
    ],
)  # fmt: skip
def test_a_wrong_seed_says_where(tmp_path: Path, seed: str, says: str) -> None:
    path = tmp_path / "seed.yml"
    path.write_text(seed)
    assert says in _stderr(["--data", str(tmp_path / "data"), "--seed", str(path)])


def _stderr(arguments: list[str]) -> str:
    """What `main` says, in this process: a new one for each seed would take half a minute."""
    said = io.StringIO()
    with redirect_stderr(said):
        assert main(arguments) == 2
    return said.getvalue()


def test_keys_and_repositories_that_do_not_fit(tmp_path: Path, key_pem: str) -> None:
    curve = (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        .decode()
    )
    path = tmp_path / "seed.yml"
    app = {"slug": "bot", "owner": "alice", "private_key_pem": curve}
    path.write_text(json.dumps({"users": [{"login": "alice"}], "apps": [app]}))
    assert "is not RSA" in _stderr(["--data", str(tmp_path / "a"), "--seed", str(path)])
    path.write_text(json.dumps({
        "users": [{"login": "alice"}, {"login": "bob"}], "apps": [{**app, "private_key_pem": key_pem}],
        "repositories": [{"full_name": "bob/his"}], "installations": [{"app": "bot", "account": "alice", "repositories": ["bob/his"]}],
    }))  # fmt: skip
    assert "bob/his does not belong to alice" in _stderr(["--data", str(tmp_path / "b"), "--seed", str(path)])
    assert "No such file" in _stderr(["--data", str(tmp_path / "b"), "--seed", str(tmp_path / "none.yml")])


def test_a_wrong_seed_leaves_nothing_behind(tmp_path: Path) -> None:
    data, path, source = tmp_path / "data", tmp_path / "seed.yml", tmp_path / "source"
    subprocess.run(["git", "init", "-q", "-b", "old", source], check=True)
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "One"], cwd=source, check=True)
    first = {"full_name": "alice/x", "source": str(source)}
    for wrong in ({"full_name": "zed/y"}, {"full_name": "alice/y", "source": str(tmp_path)}):
        path.write_text(json.dumps({"users": [{"login": "alice"}], "repositories": [first, wrong]}))
        _stderr(["--data", str(data), "--seed", str(path)])
        assert list((data / "git").iterdir()) == []
    (data / "git" / "500001.git" / "refs").mkdir(parents=True)  # as if it had been killed meanwhile
    path.write_text("{users: [{login: alice, token: ghp_alice}], repositories: [{full_name: alice/x}]}")
    with running("--data", str(data), "--seed", str(path)) as url:
        branches = httpx.get(f"{url}/repos/alice/x/branches").json()
        assert [each["name"] for each in branches] == ["main"]
        seed = {"users": [{"login": "bob"}], "repositories": [{"full_name": "bob/b"}, {"full_name": "zed/y"}]}
        answer = httpx.post(f"{url}/_localhub/seed", json=seed)
        assert (answer.status_code, answer.json()["message"][:32]) == (422, "There is no account 'zed': seed ")
        assert httpx.get(f"{url}/users/bob").status_code == 404


def test_two_apps_of_one_id(tmp_path: Path, key_pem: str) -> None:
    path = tmp_path / "seed.yml"
    apps = [{"id": 7, "slug": slug, "owner": "alice", "private_key_pem": key_pem} for slug in ("one", "two")]
    path.write_text(json.dumps({"users": [{"login": "alice"}], "apps": apps}))
    assert "App 'two' cannot have the id 7: it is that of 'one'." in _stderr(
        ["--data", str(tmp_path / "a"), "--seed", str(path)]
    )


def test_the_words_of_a_seed_are_githubs() -> None:
    """Events and permissions as in GitHub's own description."""
    folder = Path(schemas("webhooks").__path__[0])
    events = {file.stem for file in folder.glob("*.py") if not file.stem.startswith("_")}
    assert frozenset(WEBHOOKS) | UNSENT == events
    assert not UNSENT & frozenset(WEBHOOKS)
    assert frozenset(schemas("models").AppPermissions.model_fields) == PERMISSIONS


def test_limits_on_the_command_line(tmp_path: Path) -> None:
    for wrong, says in (
        ("{primry: 1}", "primry: there is no such key"), ("{primary: x}", "primary: input should be a valid integer"),
        ("[1]", "No such file"), (str(tmp_path / "none.yml"), "No such file"), ("{primary: ", "while parsing"),
    ):  # fmt: skip
        assert says in _stderr(["--data", str(tmp_path / "a"), "--limits", wrong])


def test_a_directory_has_one_process_and_kill_9_frees_it(tmp_path: Path) -> None:
    data, file = str(tmp_path / "data"), tmp_path / "limits.yml"
    file.write_text("primary: 77\n")
    with running("--data", data, "--limits", str(file), how=signal.SIGKILL) as url:
        assert "is in use by another localhub" in _stderr(["--data", data])
        port = url.rsplit(":", 1)[1]
        assert "Address already in use" in _stderr(["--data", str(tmp_path / "other"), "--port", port])
        assert httpx.get(f"{url}/_localhub/limits").json()["primary"] == 77
    with running("--data", data, "--limits", "off") as url:
        assert httpx.get(f"{url}/_localhub/limits").json()["enforced"] is False


def test_places_that_cannot_be_used(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    assert "cannot be used" in _stderr(["--data", str(file / "data")])
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "localhub.sqlite3").write_text("this is no database, and long enough to be looked at" * 100)
    assert "file is not a database" in _stderr(["--data", str(broken)])
    assert "--port 99999" in _stderr(["--data", str(tmp_path / "d"), "--port", "99999"])


def test_older_data_are_taken_over_and_newer_are_not(tmp_path: Path) -> None:
    """A database of the first version, with a delivery in it; then one that knows more than this program does."""
    data = tmp_path / "data"
    data.mkdir()
    first = [SCHEMA / name for name in ("010_accounts.sql", "020_deliveries.sql", "030_issues.sql")]
    with closing(sqlite3.connect(data / "localhub.sqlite3")) as db:
        db.execute("CREATE TABLE schema_files (name TEXT PRIMARY KEY)")
        for file in first:
            db.executescript(file.read_text())
            db.execute("INSERT INTO schema_files VALUES (?)", (file.name,))
        db.execute(
            "INSERT INTO accounts (id, login, type, created_at) VALUES (1, 'alice', 'User', '2026-01-01T00:00:00Z')"
        )
        db.execute(
            "INSERT INTO accounts (id, login, type, created_at) VALUES (2, 'bot[bot]', 'Bot', '2026-01-01T00:00:00Z')"
        )
        db.execute("""INSERT INTO apps (id, slug, name, owner_id, bot_id, client_id, client_secret, public_key, permissions, events,
                      created_at, updated_at) VALUES (7, 'bot', 'Bot', 1, 2, 'x', '', '', '{}', '[]', '', '')""")
        db.execute("""INSERT INTO deliveries (id, guid, app_id, event, payload, url, queued_at, delivered_at)
                      VALUES (90000005, 'g', 7, 'issues', '{}', '', '2026-01-01T00:00:00Z', '2026-01-01T00:00:00Z')""")
        db.commit()
    hub = Hub(data)
    delivery = hub.db.get("deliveries", 90000005)
    assert (delivery["guid"], delivery["app_id"], delivery["hook_id"]) == ("g", 7, None)
    hub.close()
    with closing(sqlite3.connect(data / "localhub.sqlite3")) as db:
        assert db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'deliveries'").fetchone()[0] >= 90000005
        db.execute("INSERT INTO schema_files VALUES ('999_future.sql')")
        db.commit()
    assert "a newer localhub has written it (999_future.sql)" in _stderr(["--data", str(data)])


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_it_starts_ends_it(tmp_path: Path, how: signal.Signals) -> None:
    """The line is printed before what an earlier process left is taken up, which must not be cut in the middle."""
    for _ in range(2):
        process = subprocess.Popen(
            [*COMMAND, "--data", str(tmp_path / "data")], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("localhub listening on ")
        process.send_signal(how)
        try:
            said = process.communicate(timeout=20)
        finally:
            process.kill()
        assert (process.returncode, *said) == (0, "", "")
