"""Settings: read from what the environment says, refused by name when it says something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.settings import BadSetting, Settings, settings_from

PEPPER = "0123456789abcdef0123456789abcdef"


def test_nothing_set_is_the_default() -> None:
    assert settings_from({}) == Settings(None, Path(".termline"), "durable", "always", 200, 1000)


def test_set_but_empty_is_as_not_set() -> None:
    names = ("DATABASE_URL", "TERMLINE_HOME", "TERMLINE_ENGINE", "TERMLINE_VERIFY", "TERMLINE_RATE", "TERMLINE_BURST")
    names += ("TERMLINE_KEY_PEPPER", "TERMLINE_LEASE", "TERMLINE_BILLING_ENGINE")
    names += ("TERMLINE_BULK_MEMORY", "TERMLINE_BULK_SPILL")
    assert settings_from(dict.fromkeys(names, "")) == Settings()


def test_every_setting_is_read() -> None:
    environment = {
        "DATABASE_URL": "postgresql://localhost/termline",
        "TERMLINE_HOME": "/srv/termline",
        "TERMLINE_ENGINE": "reference",
        "TERMLINE_VERIFY": "off",
        "TERMLINE_KEY_PEPPER": PEPPER,
        "TERMLINE_RATE": "50",
        "TERMLINE_BURST": "60",
        "TERMLINE_LEASE": "45",
        "TERMLINE_BILLING_ENGINE": "duckdb",
        "TERMLINE_BULK_MEMORY": "3GB",
        "TERMLINE_BULK_SPILL": "/scratch",
        "HOME": "/root",
    }
    expected = Settings(
        "postgresql://localhost/termline",
        Path("/srv/termline"),
        "reference",
        "off",
        50,
        60,
        PEPPER,
        45,
        "duckdb",
        "3GB",
        Path("/scratch"),
    )
    assert settings_from(environment) == expected


def test_the_environment_is_read_when_asked_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMLINE_VERIFY", "sample")
    assert settings_from().verify == "sample"


@pytest.mark.parametrize(
    ("name", "value", "known"),
    [
        ("TERMLINE_ENGINE", "drools", "durable, reference"),
        ("TERMLINE_ENGINE", "Durable", "durable, reference"),
        ("TERMLINE_VERIFY", "no", "always, sample, off"),
        ("TERMLINE_VERIFY", " always", "always, sample, off"),
        ("TERMLINE_BILLING_ENGINE", "bulk", "online, duckdb, spark"),
    ],
)
def test_a_value_that_is_none_of_the_choices_is_refused_by_name(name: str, value: str, known: str) -> None:
    with pytest.raises(BadSetting) as caught:
        settings_from({name: value})
    assert caught.value.message == f"{name} is {value!r}; it is one of {known}."


def test_a_pepper_that_could_be_guessed_is_refused_and_none_is_shown() -> None:
    with pytest.raises(BadSetting) as caught:
        settings_from({"TERMLINE_KEY_PEPPER": PEPPER[:31]})
    assert caught.value.message == "TERMLINE_KEY_PEPPER has 31 characters; it has at least 32, drawn by chance."
    assert PEPPER not in repr(settings_from({"TERMLINE_KEY_PEPPER": PEPPER}))


@pytest.mark.parametrize("name", ["TERMLINE_RATE", "TERMLINE_BURST", "TERMLINE_LEASE"])
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "1" * 10, "１"])
def test_a_rate_is_a_whole_number(name: str, value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        settings_from({name: value})
    assert caught.value.message == f"{name} is {value!r}; it is a whole number from 1 to 999999999."


def test_a_password_is_not_shown_with_the_settings() -> None:
    assert "secret" not in repr(settings_from({"DATABASE_URL": "postgresql://termline:secret@localhost/termline"}))


@pytest.mark.parametrize("value", ["2", "2gb", "0GB", "1.5GB", "2GB ", "12345678MB", "٢GB"])
def test_a_memory_that_is_no_size_is_refused(value: str) -> None:
    with pytest.raises(BadSetting) as caught:
        settings_from({"TERMLINE_BULK_MEMORY": value})
    assert caught.value.message == f"TERMLINE_BULK_MEMORY is {value!r}; it is a size such as 500MB or 3GB."
