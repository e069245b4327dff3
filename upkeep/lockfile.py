"""The lock file: which versions a project was made with, for git. Text that is compared line by line, in the order of names."""

import tomllib
from collections.abc import Iterable

import msgspec

from ..errors import FormatNewerError, InvalidValueError
from ..manifest.names import parse_artifact_name, version_index

FORMAT = 1
NAME = "lading.lock"
_TOP = f"""\
# Made by `lading pin`. `lading get --pinned` downloads exactly these versions.
format = {FORMAT}
"""


class Pin(msgspec.Struct, frozen=True):
    """One version. `name` is entity/project/collection; `alias` is what was asked for; `digest` is that of the content, whatever
    the version's labels are."""

    name: str
    alias: str
    version: str
    type: str
    digest: str

    @property
    def qualified_name(self) -> str:
        return f"{self.name}:{self.version}"


class _Lock(msgspec.Struct):
    format: int
    artifact: list[Pin] = []


def encode_lock(pins: Iterable[Pin]) -> str:
    """TOML. Of two pins of one name and alias the last counts."""
    chosen = {(pin.name, pin.alias): pin for pin in pins}
    return "\n".join([_TOP, *(_table(chosen[key]) for key in sorted(chosen))])


def _table(pin: Pin) -> str:
    return "[[artifact]]\n" + "".join(f"{name} = {_string(getattr(pin, name))}\n" for name in Pin.__struct_fields__)


def _string(text: str) -> str:
    """JSON's strings are TOML's, but for one character that only TOML wants escaped."""
    return msgspec.json.encode(text).decode().replace("\x7f", "\\u007f")


def decode_lock(text: str, name: str) -> list[Pin]:
    """Raise `InvalidValueError` for what is no lock file, `FormatNewerError`; both name it."""
    try:
        values = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise _refused(name, error) from error
    if isinstance(found := values.get("format"), int) and found > FORMAT:
        raise FormatNewerError(f"{name} has format {found}; this lading reads up to {FORMAT}", hint="upgrade lading")
    try:
        pins = msgspec.convert(values, _Lock).artifact
        for pin in pins:
            _check(pin)
    except (msgspec.ValidationError, InvalidValueError) as error:
        raise _refused(name, error) from error
    return pins


def _refused(name: str, error: Exception) -> InvalidValueError:
    return InvalidValueError(f"{name} is no lock file: {error}", hint=f"lading pin NAME:ALIAS > {name}")


def _check(pin: Pin) -> None:
    parsed = parse_artifact_name(pin.qualified_name)
    if parsed.entity is None or version_index(pin.version) is None:
        raise InvalidValueError(f"{pin.qualified_name} is not ENTITY/PROJECT/NAME:vN")


def chosen(pins: Iterable[Pin], names: Iterable[str], *, entity: str, project: str) -> list[Pin]:
    """The pins of these names ([[ENTITY/]PROJECT/]NAME[:ALIAS]), or all. Raise `InvalidValueError` for a name without pin."""
    pins, found = list(pins), list[Pin]()
    for text in names:
        wanted = parse_artifact_name(text)
        full = f"{wanted.entity or entity}/{wanted.project or project}/{wanted.collection}"
        some = [pin for pin in pins if pin.name == full and (":" not in text or wanted.alias in (pin.alias, pin.version))]
        if not some:
            raise InvalidValueError(f"{text} is not pinned", hint=f"pinned are {', '.join(pin.name for pin in pins) or 'none'}")
        found += some
    return found or pins
