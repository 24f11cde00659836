"""Log excerpts."""

from __future__ import annotations

from bot.logs import LIMIT, clean, excerpt


def test_noise_and_secrets_go() -> None:
    log = "2026-01-02T03:04:05.678Z \x1b[31mred\x1b[0m token=abcdef123\n2026-01-02T03:04:06Z ghs_" + "a" * 36 + "\r\n"
    assert clean(log) == "red ***\n***"


def test_the_failing_step_is_found_among_others() -> None:
    log = "##[group]Run setup\nfine\n##[group]Run tests\nAssertionError: 1 != 2\n##[error]exit 1\n##[group]Post\nbye"
    assert excerpt(log) == "##[group]Run tests\nAssertionError: 1 != 2\n##[error]exit 1"


def test_long_logs_keep_the_first_error_and_the_end() -> None:
    log = "\n".join(
        ["noise"] * 5000 + ["Traceback (most recent call last):", "ValueError: no"] + ["more"] * 5000 + ["END"]
    )
    found = excerpt(log)
    assert len(found) <= LIMIT
    assert "Traceback" in found
    assert "ValueError: no" in found
    assert found.endswith("END")
    assert "characters left out" in found


def test_a_private_key_is_masked_whole() -> None:
    assert clean("-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nok") == "***\nok"
