"""AWS's settings on this machine: a profile of `~/.aws/config` and `~/.aws/credentials`, read without its SDK."""

import configparser
import os
import shlex
from collections.abc import Mapping

from msgspec import Struct

from ...errors import SettingsError

Settings = Mapping[str, str]


class Profile(Struct, frozen=True):
    """What the files say under one name. `shared` is of the credentials file, `config` of the other."""

    name: str
    shared: Settings
    config: Settings
    services: Settings  # the section to which `services` points

    def get(self, key: str) -> str | None:
        """A setting; where both files have it, that of the credentials file."""
        return self.shared.get(key) or self.config.get(key)

    @property
    def exists(self) -> bool:
        return bool(self.shared or self.config)

    @property
    def endpoint(self) -> str | None:
        return _nested(self.services.get("s3", "")).get("endpoint_url") or self.get("endpoint_url")

    @property
    def style(self) -> str | None:
        """`path`, `virtual` or `auto`."""
        return _nested(self.get("s3") or "").get("addressing_style")


def profile_name(explicit: str | None = None) -> str:
    """The profile that is meant, where `explicit` is what a URL or an argument asks for."""
    return explicit or os.environ.get("AWS_PROFILE") or os.environ.get("AWS_DEFAULT_PROFILE") or "default"


def read_profile(explicit: str | None = None) -> Profile:
    """Missing files are empty. Raise `SettingsError` for one that cannot be read."""
    name = profile_name(explicit)
    config = _sections(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config")
    shared = _sections(os.environ.get("AWS_SHARED_CREDENTIALS_FILE") or "~/.aws/credentials")
    named = {_title(title): values for title, values in config.items()}
    mine = named.get(("profile", name), {}) or (config.get("default", {}) if name == "default" else {})
    services = named.get(("services", mine.get("services", "")), {})
    return Profile(name, shared.get(name, {}), mine, services)


def _sections(path: str) -> dict[str, dict[str, str]]:
    parser = configparser.RawConfigParser(default_section="", strict=False)
    path = os.path.expanduser(os.path.expandvars(path))
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        # Only what is wrong, never the line: it may hold a secret.
        raise SettingsError(f"{path} cannot be read: {type(error).__name__}", hint="correct the file, or name another") from error
    return {title: dict(parser.items(title)) for title in parser.sections()}


def _title(text: str) -> tuple[str, str]:
    """`[profile "some name"]` as ("profile", "some name")."""
    try:
        words = shlex.split(text)
    except ValueError:
        words = []
    return (words[0], words[1]) if len(words) == 2 else ("", text)


def _nested(text: str) -> dict[str, str]:
    """An indented block as settings of its own."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip() for key, _, value in pairs}
