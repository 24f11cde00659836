"""Settings come from the environment, and a wrong one is told with its variable and what to do."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot import log
from bot.config import Settings, SettingsError, load, variable

PEM = "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\n"


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("BRANCHWORK_APP_ID", "7")
    monkeypatch.setenv("BRANCHWORK_PRIVATE_KEY", PEM.replace("\n", "\\n"))
    monkeypatch.setenv("BRANCHWORK_WEBHOOK_SECRET", "hush")
    monkeypatch.setenv("BRANCHWORK_SECRET_KEY", f"{'n' * 32},{'o' * 32}")
    return monkeypatch


def test_settings_from_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("GITHUB_API_URL", "http://127.0.0.1:9000/api/v3/")
    settings = load()
    assert settings.app_id == 7
    assert settings.github_api_url == "http://127.0.0.1:9000/api/v3"
    assert settings.private_key_pem() == PEM
    assert settings.signing_keys() == ("n" * 32, "o" * 32)
    assert settings.database() == "sqlite:////var/lib/branchwork/branchwork.db"
    assert "hush" not in repr(settings)


def test_what_is_given_wins(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = load(app_id=8, database_url="postgresql://h/n", data_dir=tmp_path)
    assert (settings.app_id, settings.database()) == (8, "postgresql://h/n")


def test_the_key_may_be_a_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "app.pem").write_text(PEM)
    environment.delenv("BRANCHWORK_PRIVATE_KEY")
    environment.setenv("BRANCHWORK_PRIVATE_KEY_FILE", str(tmp_path / "app.pem"))
    assert load().private_key_pem() == PEM


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"BRANCHWORK_APP_ID": None}, "BRANCHWORK_APP_ID is not set: the number at the top"),
        ({"BRANCHWORK_APP_ID": "seven"}, "BRANCHWORK_APP_ID is not usable: Input should be a valid integer"),
        ({"BRANCHWORK_WEBHOOK_SECRET": None}, "BRANCHWORK_WEBHOOK_SECRET is not set: the secret"),
        ({"BRANCHWORK_SECRET_KEY": "short"}, "BRANCHWORK_SECRET_KEY is not usable: a key is shorter than 32"),
        ({"BRANCHWORK_PRIVATE_KEY": None}, "set exactly one of BRANCHWORK_PRIVATE_KEY and"),
        ({"BRANCHWORK_PRIVATE_KEY": "nonsense"}, "not a PEM file"),
        ({"BRANCHWORK_PRIVATE_KEY": None, "BRANCHWORK_PRIVATE_KEY_FILE": "/nowhere.pem"}, "No such file"),
        ({"GITHUB_API_URL": "github.com"}, "GITHUB_API_URL is not usable: it must start with https://"),
        ({"BRANCHWORK_SANDBOX": "none"}, "BRANCHWORK_SANDBOX is not usable: Input should be 'auto', 'bubblewrap'"),
    ],
)
def test_a_mistake_names_its_variable(environment: pytest.MonkeyPatch, given: dict[str, Any], told: str) -> None:
    for name, value in given.items():
        environment.setenv(name, value) if value is not None else environment.delenv(name)
    with pytest.raises(SettingsError, match=r".") as caught:
        load()
    assert told in str(caught.value)


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.fixture
def logs() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    dbos = logging.getLogger("dbos")
    dbos.handlers.clear()
    dbos.filters.clear()
    dbos.propagate = True
    structlog.reset_defaults()


@pytest.mark.usefixtures("logs")
def test_ours_and_the_libraries_logs_are_json_lines() -> None:
    stream = StringIO()
    log.configure("json", "info", stream)
    structlog.get_logger("engine-test").info("hello", number=3)
    logging.getLogger("library").warning("from a library")
    ours, theirs = stream.getvalue().splitlines()
    assert '"event": "hello"' in ours
    assert '"number": 3' in ours
    assert '"event": "from a library"' in theirs
    assert '"level": "warning"' in theirs


@pytest.mark.usefixtures("logs")
def test_dbos_complains_once_a_minute() -> None:
    stream = StringIO()
    log.configure("json", "info", stream)
    for _ in range(3):
        logging.getLogger("dbos").warning("the database is away")
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.usefixtures("logs")
def test_a_person_reads_words() -> None:
    stream = StringIO()
    log.configure("console", "info", stream)
    structlog.get_logger("console-test").info("hello", number=3)
    assert "hello" in stream.getvalue()
    assert "number=3" in stream.getvalue()
