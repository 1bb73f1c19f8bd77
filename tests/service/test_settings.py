"""Settings: what is read, what is refused, and how a refusal reads."""

from pathlib import Path

import pytest

from webintel.settings import SettingsError, load_settings

GOOD_KEY = "0123456789abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "given",
    ["postgres://ada:pw@db/web", "postgresql://ada:pw@db/web", "postgresql+asyncpg://ada:pw@db/web"],
)
def test_every_spelling_of_a_postgresql_address_works(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBINTEL_DATABASE_URL", given)
    assert load_settings().require_database_url() == "postgresql+asyncpg://ada:pw@db/web"


@pytest.mark.parametrize("given", ["10.0.0.0/8, 127.0.0.0/8", '["10.0.0.0/8", "127.0.0.0/8"]'])
def test_lists_are_written_with_commas_or_as_json(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBINTEL_FETCH_ALLOW_PRIVATE", given)
    assert load_settings().fetch_allow_private == ("10.0.0.0/8", "127.0.0.0/8")


def test_lists_are_empty_by_default_and_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBINTEL_FETCH_CONNECT_TO", "")
    settings = load_settings()
    assert (settings.fetch_connect_to, settings.fetch_allow_private, settings.fetch_allow_ports) == ((), (), ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db/web"),
        ("DATABASE_URL", "somewhere"),
        ("DATABASE_URL", "postgresql://db"),
        ("ENVIRONMENT", "prod"),
        ("FETCH_DELAY", "-1"),
        ("FETCH_ALLOW_PORTS", "80,http"),
        ("FETCH_CONNECT_TO", "[broken"),
        ("WORKER_CONCURRENCY", "0"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_variable(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"WEBINTEL_{name}", value)
    with pytest.raises(SettingsError, match=rf"^WEBINTEL_{name}: .+\.$") as refusal:
        load_settings()
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("key", [None, "changeme", "a" * 64, "short"])
def test_a_secret_that_is_missing_or_easy_to_guess_is_refused(key: str | None) -> None:
    settings = load_settings(environment="production", **({"secret_key": key} if key else {}))
    with pytest.raises(SettingsError, match="WEBINTEL_SECRET_KEY") as refusal:
        settings.require_secret_key()
    assert key is None or key not in str(refusal.value)


def test_a_well_known_database_password_is_refused_in_production_only() -> None:
    url = "postgresql://web:postgres@db/web"
    with pytest.raises(SettingsError, match="WEBINTEL_DATABASE_URL"):
        load_settings(environment="production", database_url=url).require_database_url()
    assert load_settings(database_url=url).require_database_url()


def test_secrets_do_not_show() -> None:
    settings = load_settings(secret_key=GOOD_KEY, database_url="postgresql://web:hidden@db/web")
    assert GOOD_KEY not in repr(settings)
    assert "hidden" not in repr(settings)


@pytest.fixture
def mounted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets as the kubelet mounts it: links to a folder that is replaced as a whole."""
    data = tmp_path / "..2026_11_24"
    data.mkdir()
    (tmp_path / "..data").symlink_to(data.name)
    (data / "WEBINTEL_SECRET_KEY").write_text(f"{GOOD_KEY}\n")
    (tmp_path / "WEBINTEL_SECRET_KEY").symlink_to("..data/WEBINTEL_SECRET_KEY")
    monkeypatch.setenv("WEBINTEL_SECRETS_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.usefixtures("mounted")
def test_a_secret_may_lie_in_a_mounted_file() -> None:
    assert load_settings(environment="production").require_secret_key() == GOOD_KEY


@pytest.mark.usefixtures("mounted")
def test_the_environment_goes_before_a_mounted_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBINTEL_SECRET_KEY", GOOD_KEY[::-1])
    assert load_settings().require_secret_key() == GOOD_KEY[::-1]


def test_a_mounted_file_that_cannot_be_used_is_refused_by_name(mounted: Path) -> None:
    (mounted / "WEBINTEL_DATABASE_URL").write_text("mysql://db/web")
    with pytest.raises(SettingsError, match=r"^WEBINTEL_DATABASE_URL: .+\.$"):
        load_settings()


@pytest.mark.usefixtures("mounted")
def test_a_mounted_file_that_cannot_be_read_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(SettingsError, match=r"^WEBINTEL_SECRETS_DIR: a file cannot be read: .+Permission denied.+\.$"):
        load_settings()


def test_a_folder_of_secrets_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBINTEL_SECRETS_DIR", str(tmp_path / "missing"))
    with pytest.raises(SettingsError, match=r"^WEBINTEL_SECRETS_DIR: .+ is no folder\.$"):
        load_settings()
