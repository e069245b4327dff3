"""Settings: one typed table, read at first use. Argument > environment > project file > user file > default."""

import getpass
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from msgspec import Struct

from ..errors import LadingError, SettingsError
from ..manifest.digest import digest_label
from ..manifest.names import entity_name, project_name
from ..store.http.request import shown_url

PROJECT_FILE = "lading.toml"
MODES = ("online", "offline", "disabled")
_OWN_SCHEMES = ("file", "sqlite", "s3", "gs")  # hold no secret, unless somebody names a user in them
_UNITS = {"": 1, "K": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4, "KI": 1 << 10, "MI": 1 << 20, "GI": 1 << 30, "TI": 1 << 40}


class Setting(Struct, frozen=True):
    """One row of the table. `parse` turns text into the value, or raises ValueError."""

    name: str
    about: str
    parse: Callable[[str], Any]
    default: Callable[[Path], Any]  # from LADING_HOME
    secret: bool = False
    place: Callable[[str, Path], str] = lambda text, _: text  # the text, as seen from the folder where it is written

    @property
    def variable(self) -> str:
        return f"LADING_{self.name.upper()}"


class Origin(Struct, frozen=True):
    """A setting's value and where it came from: argument, LADING_… , a file, or default."""

    name: str
    value: Any
    source: str


def _home(_: Path) -> Path:
    import platformdirs

    return Path(platformdirs.user_data_dir("lading", appauthor=False))


def _below(text: str, folder: Path) -> str:
    """A path as seen from `folder`; URLs stay."""
    return text if "://" in text else os.path.normpath(folder / os.path.expanduser(text))


def _file_below(text: str, folder: Path) -> str:
    """The URL of a catalogue in a file, its path as seen from `folder`; other URLs stay."""
    scheme, _, path = text.partition(":///")
    return f"sqlite:///{_below(path, folder)}" if scheme == "sqlite" and path else text


def _mode(text: str) -> str:
    if text not in MODES:
        raise ValueError(f"one of {', '.join(MODES)}")
    return text


def _size(text: str) -> int:
    """Bytes: "500MB", "2GiB", "1048576"."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?) *([KMGT]I?)?B?", text.strip().upper())
    size = int(float(found[1]) * _UNITS[found[2] or ""]) if found else 0
    if size < 1:
        raise ValueError("bytes, as in 500MB or 2GiB")
    return size


def _rate(text: str) -> int:
    """Bytes per second: "50MB", "50MB/s"."""
    return _size(re.sub(r"(?i) */ *s$", "", text.strip()))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ValueError("a number from 1 on")
    return int(text)


def _flag(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("", "0", "false", "no", "off"):
        return False
    raise ValueError("1 or 0")


def _label(text: str) -> str:
    return digest_label(text).value


TABLE: tuple[Setting, ...] = (
    Setting("home", "Where lading keeps what is its own: catalogue and store by default, index.", Path, _home, place=_below),
    Setting("catalog", "URL of the catalogue of names.", str, lambda home: f"sqlite:///{home}/catalog.db", place=_file_below),
    Setting("store", "URL or folder where the bytes lie.", str, lambda home: f"file://{quote(str(home))}/store", place=_below),
    Setting("api_key", "Key for a team server.", str, lambda _: None, secret=True),
    Setting("entity", "Person or team that names belong to.", entity_name, lambda _: _login()),
    Setting("project", "Project of names that do not say one.", project_name, lambda _: "uncategorized"),
    Setting("artifact_dir", "Where downloads go that name no root.", Path, lambda _: Path("artifacts").absolute(), place=_below),
    Setting("digest", "Digest algorithm of new artifacts: BLAKE3, SHA256 or MD5.", _label, lambda _: "BLAKE3"),
    Setting("mode", "online, offline (nothing on a network) or disabled (runs log nothing).", _mode, lambda _: "online"),
    Setting("max_memory", "Most memory that transfers may hold, as in 500MB.", _size, lambda _: None),
    Setting("max_bandwidth", "Most bytes per second over the network, up and down together, as in 50MB.", _rate, lambda _: None),
    Setting("concurrency", "Parts in flight at the same time.", _count, lambda _: None),
    Setting("quiet", "1: no progress, no notices.", _flag, lambda _: False),
)


def _login() -> str:
    try:
        return entity_name(getpass.getuser())
    except (OSError, KeyError, ValueError):  # a container without a name for its user
        return "me"


@dataclass(frozen=True, slots=True)
class Settings:
    """The values, each of them checked."""

    home: Path
    catalog: str
    store: str
    api_key: str | None = field(repr=False)
    entity: str
    project: str
    artifact_dir: Path
    digest: str
    mode: str
    max_memory: int | None
    max_bandwidth: int | None
    concurrency: int | None
    quiet: bool

    def __repr__(self) -> str:
        said = {each.name: getattr(self, each.name) for each in fields(self) if each.repr}
        said |= {"catalog": shown_place(self.catalog), "store": shown_place(self.store)}
        return f"Settings({', '.join(f'{name}={value!r}' for name, value in said.items())})"

    def check_online(self, url: str) -> None:
        """Raise `SettingsError` in mode "offline" for what lies on a network, before it is asked anything."""
        if self.mode == "offline" and "://" in url and not url.lower().startswith("file://"):
            shown = shown_place(url).partition("?")[0]
            raise SettingsError(f"{shown} is on a network, and the mode is offline", hint="LADING_MODE=online asks for it")


def shown_place(url: str) -> str:
    """Where a catalogue, a store or an object lies, for people: no password is shown, and no other secret that URLs can hold."""
    scheme, separator, rest = url.partition("://")
    path, _, options = rest.partition("?")
    named = set(path.partition("/")[0]) & set(":@") or "@" in unquote(options)
    return url if not separator or (scheme.lower() in _OWN_SCHEMES and not named) else shown_url(url)


def load_settings(**arguments: Any) -> Settings:
    """The settings that hold here and now. Arguments that are None count as not given. Raise `SettingsError`."""
    return Settings(**{origin.name: origin.value for origin in origins(**arguments)})


def origins(**arguments: Any) -> list[Origin]:
    """Every setting with where it came from, in the table's order."""
    files = [(path, _read(path)) for path in _files()]
    found: list[Origin] = []
    home = Path()
    for setting in TABLE:
        origin = _origin(setting, arguments.get(setting.name), os.environ, files, home)
        if setting.name == "home":
            home = origin.value
        found.append(origin)
    return found


def _origin(
    setting: Setting, argument: Any, environment: Mapping[str, str], files: list[tuple[Path, dict[str, Any]]], home: Path
) -> Origin:
    if argument is not None:
        return Origin(setting.name, _parse(setting, argument, "argument", Path.cwd()), "argument")
    if text := environment.get(setting.variable):
        return Origin(setting.name, _parse(setting, text, setting.variable, Path.cwd()), setting.variable)
    for path, values in files:
        if setting.name in values:
            return Origin(setting.name, _parse(setting, values[setting.name], str(path), path.parent), str(path))
    return Origin(setting.name, setting.default(home), "default")


def _parse(setting: Setting, value: Any, source: str, folder: Path) -> Any:
    try:
        return setting.parse(setting.place(str(value), folder))
    except (ValueError, TypeError) as error:
        shown = "a secret" if setting.secret else repr(str(value))
        why, hint = (error.message, error.hint) if isinstance(error, LadingError) else (str(error), None)
        raise SettingsError(f"{setting.variable} cannot be {shown} ({source}): {why}", hint=hint) from error


def _files() -> list[Path]:
    """The project file, found upward from the working folder, then the user's. What may not be looked at is not there. Raise
    `SettingsError` for a project file that anybody may have put where it is."""
    import platformdirs

    here = Path.cwd()
    project = next((path for folder in (here, *here.parents) if os.path.isfile(path := folder / PROJECT_FILE)), None)
    if project is not None and _is_planted(project):
        raise SettingsError(
            f"{project} is another user's, in a folder that anybody may write to: it is not believed",
            hint="take it away, or put a lading.toml of your own nearer",
        )
    user = Path(platformdirs.user_config_dir("lading", appauthor=False)) / "config.toml"
    return [path for path in (project, user if os.path.isfile(user) else None) if path is not None]


def _is_planted(path: Path) -> bool:
    """Whether it is a stranger's in a folder for all, such as /tmp: it could send whatever is logged below to any store."""
    folder = path.parent.stat()
    return bool(folder.st_mode & stat.S_IWOTH) and path.lstat().st_uid not in (os.geteuid(), folder.st_uid)


def _read(path: Path) -> dict[str, Any]:
    import tomllib  # most have no file

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    known = {setting.name for setting in TABLE}
    if unknown := sorted(values.keys() - known):
        raise SettingsError(f"{path}: unknown setting {unknown[0]!r}", hint=f"known are {', '.join(sorted(known))}")
    return values
