"""Settings: where each comes from, and what cannot be."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import lading
from lading.api.settings import TABLE, load_settings, origins, shown_place
from lading.api.workspace import open_workspace
from lading.errors import LadingError, SettingsError

Make = Callable[..., lading.Artifact]


def source(name: str, **arguments: Any) -> tuple[Any, str]:
    origin = next(origin for origin in origins(**arguments) if origin.name == name)
    return origin.value, origin.source


def test_precedence_is_argument_environment_project_file_user_file_default(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DESIGN 3."""
    user, project = tmp_path / "config/lading/config.toml", tmp_path / "work/lading.toml"
    assert source("project") == ("uncategorized", "default")

    user.parent.mkdir(parents=True)
    user.write_text('project = "from-user"\n')
    assert source("project") == ("from-user", str(user))
    project.write_text('project = "from-project"\n')
    assert source("project") == ("from-project", str(project))
    monkeypatch.setenv("LADING_PROJECT", "from-environment")
    assert source("project") == ("from-environment", "LADING_PROJECT")
    assert source("project", project="from-argument") == ("from-argument", "argument")
    assert source("project", project=None) == ("from-environment", "LADING_PROJECT")
    monkeypatch.setenv("LADING_PROJECT", "")
    assert source("project") == ("from-project", str(project))
    assert load_settings(project="x").project == "x"


def test_the_project_file_is_found_upward(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = tmp_path / "work/a/b"
    deep.mkdir(parents=True)
    (tmp_path / "work/lading.toml").write_text('digest = "MD5"\nconcurrency = 3\nquiet = true\nmax_memory = "500MB"\n')
    monkeypatch.delenv("LADING_QUIET")
    monkeypatch.chdir(deep)

    settings = load_settings()

    assert (settings.digest, settings.concurrency, settings.quiet, settings.max_memory) == ("MD5", 3, True, 500_000_000)


def test_places_in_a_file_are_relative_to_it_and_others_to_the_working_folder(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "work/a"
    deep.mkdir()
    (tmp_path / "work/lading.toml").write_text('artifact_dir = "data"\nstore = "objects"\ncatalog = "sqlite:///names.db"\n')
    monkeypatch.chdir(deep)

    settings = load_settings()

    assert settings.artifact_dir == tmp_path / "work/data"
    assert settings.store == str(tmp_path / "work/objects")
    assert settings.catalog == f"sqlite:///{tmp_path / 'work' / 'names.db'}"
    monkeypatch.setenv("LADING_STORE", "here")
    monkeypatch.setenv("LADING_ARTIFACT_DIR", "~/there")
    assert load_settings().store == str(deep / "here")
    assert load_settings().artifact_dir == Path("~/there").expanduser()


def test_defaults(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 3."""
    monkeypatch.delenv("LADING_ENTITY")
    monkeypatch.delenv("LADING_QUIET")
    monkeypatch.setenv("LOGNAME", "ada")

    settings = load_settings()

    assert (settings.home, settings.catalog, settings.store) == (home, f"sqlite:///{home}/catalog.db", f"file://{home}/store")
    assert (settings.entity, settings.project, settings.digest, settings.mode) == ("ada", "uncategorized", "BLAKE3", "online")
    assert settings.artifact_dir == tmp_path / "work/artifacts"
    assert (settings.max_memory, settings.max_bandwidth, settings.concurrency, settings.api_key) == (None, None, None, None)
    assert not settings.quiet
    assert [origin.name for origin in origins()] == [setting.name for setting in TABLE]


def test_a_login_name_that_cannot_be_an_entity_does_no_harm(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LADING_ENTITY")
    monkeypatch.setenv("LOGNAME", "a/b")

    assert load_settings().entity == "me"


@pytest.mark.parametrize(
    ("text", "size"),
    [("1048576", 1 << 20), ("500MB", 500_000_000), ("2GiB", 2 << 30), ("1.5k", 1500), (" 1 tb ", 10**12), ("3Mi", 3 << 20)],
)
def test_sizes(home: Path, monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    monkeypatch.setenv("LADING_MAX_MEMORY", text)

    assert load_settings().max_memory == size


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LADING_MAX_MEMORY", "much"),
        ("LADING_MAX_MEMORY", "-5"),
        ("LADING_MAX_MEMORY", "0"),
        ("LADING_MAX_MEMORY", "inf"),
        ("LADING_MAX_BANDWIDTH", "1e400"),
        ("LADING_CONCURRENCY", "0"),
        ("LADING_CONCURRENCY", "two"),
        ("LADING_DIGEST", "XXH128"),
        ("LADING_MODE", "sometimes"),
        ("LADING_QUIET", "perhaps"),
        ("LADING_ENTITY", "a/b"),
        ("LADING_PROJECT", "a/b"),
    ],
)
def test_a_value_that_cannot_be_names_its_source(home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SettingsError, match=rf"{name} cannot be '{value}' \({name}\): ") as caught:
        load_settings()
    assert isinstance(caught.value, ValueError)


def test_a_value_in_a_file_that_cannot_be_names_the_file(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "work/lading.toml"
    path.write_text('mode = "sometimes"')

    with pytest.raises(SettingsError, match=rf"LADING_MODE cannot be 'sometimes' \({path}\)"):
        load_settings()


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("colour = 1", "unknown setting 'colour'"),
        ("= 1", "cannot be read"),
        ("\xff", "cannot be read"),
        ("a = " + "[" * 100_000, "cannot be read"),
    ],
    ids=["unknown", "broken", "no text", "deep"],
)
def test_a_file_that_cannot_be_read_or_says_unknown_things_is_named(home: Path, tmp_path: Path, text: str, error: str) -> None:
    path = tmp_path / "work/lading.toml"
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(SettingsError, match=f"{path}.*{error}"):
        load_settings()


def test_a_file_that_a_stranger_put_into_a_folder_for_all_is_not_believed(home: Path, tmp_path: Path) -> None:
    """It could send what is logged anywhere below /tmp to a store of his."""
    folder, path = tmp_path / "work", tmp_path / "work/lading.toml"
    path.write_text('store = "s3://stranger"')
    os.chown(path, 65534, 65534)
    assert load_settings().store == "s3://stranger"  # a colleague's, where not everybody may write

    folder.chmod(0o1777)

    with pytest.raises(SettingsError, match=f"{path} is another user's"):
        load_settings()
    os.chown(folder, 65534, 65534)
    assert load_settings().store == "s3://stranger"


def test_a_secret_is_not_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DESIGN 3, LADING_API_KEY."""
    monkeypatch.setenv("LADING_API_KEY", "hush")

    assert load_settings().api_key == "hush"
    assert "hush" not in repr(load_settings())


@pytest.mark.parametrize(
    ("name", "url", "shown"),
    [
        ("catalog", "postgresql://me:sesame@host/db", "postgresql://host/db"),
        (
            "catalog",
            "postgresql+asyncpg://me:/#sesame@host:5432/db?password=sesame",
            "postgresql+asyncpg://host:5432/db?password=…",
        ),
        ("catalog", "sqlite://me:sesame@host/names.db", "sqlite://host/names.db"),
        ("store", "https://me:sesame@host/p?sig=sesame", "https://host/p?sig=…"),
        ("store", "s3://me:+/sesame@bucket/prefix", "s3://bucket/prefix"),
        ("store", "s3://bucket/p?endpoint=http://me:sesame@host", "s3://bucket/p?endpoint=…"),
        ("store", "gs://bucket/p?endpoint=https%3A%2F%2Fme%3Asesame%40host", "gs://bucket/p?endpoint=…"),
        ("store", "ftp://me:sesame@host/p", "ftp://host/p"),
    ],
)
async def test_a_password_in_a_url_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch, name: str, url: str, shown: str) -> None:
    monkeypatch.setenv(f"LADING_{name.upper()}", url)
    settings = load_settings()

    told = [repr(settings), repr(lading.Api())]
    for mode in ("online", "offline"):
        try:
            await open_workspace(load_settings(mode=mode))
        except LadingError as error:
            told.append(str(error))

    assert len(told) > 2
    assert f"{name}={shown!r}" in told[0]
    assert "sesame" not in "".join(told)
    assert getattr(settings, name) == url


@pytest.mark.parametrize(
    "url",
    ["/a/me:b@c", "file:///a@b", "sqlite:////a/b@c:d.db", "s3://bucket/a#b@c?endpoint=http://host:9000&sse=aws:kms", "gs://b"],
)
def test_what_holds_no_secret_is_shown_as_it_is(url: str) -> None:
    assert shown_place(url) == url


# -- the home folder --------------------------------------------------------------------------------------------------------


def test_the_home_is_made_for_its_owner_alone_and_told_once(home: Path) -> None:
    """DESIGN 3: "mode 0700; its place is printed once when it is made"."""
    script = "import lading\nlading.init(project='p').finish()"

    told = [
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
            env=os.environ | {"LADING_QUIET": "0"},
        ).stderr
        for _ in range(2)
    ]

    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert told == [f"lading: made {home} for catalogue, store and index (LADING_HOME moves it)\n", ""]


def test_quiet_says_nothing(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    lading.init(project="p").finish()

    assert home.is_dir()
    assert capfd.readouterr().err == ""


def test_the_active_runs_settings_hold_for_what_it_makes(
    home: Path, monkeypatch: pytest.MonkeyPatch, dataset: Make, tmp_path: Path
) -> None:
    monkeypatch.setenv("LADING_HOME", str(tmp_path / "another"))

    artifact = dataset({"a": "1"})

    assert artifact.version == "v0"
    assert not (tmp_path / "another").exists()


@pytest.mark.parametrize("text", ["1MB", "1 MB/s", "1000000"])
def test_a_bandwidth_is_a_size_per_second(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LADING_MAX_BANDWIDTH", text)

    assert load_settings().max_bandwidth == 1_000_000
