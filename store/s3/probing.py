"""Whether a server compares checksums: some take any, so that only trying tells."""

from ...errors import AlreadyExistsError, DigestMismatchError, StoreError, StoreUnavailableError
from ..checksum import checksum, fast_checksum
from ..threads import patiently
from .address import Place
from .asking import Ask, ask_blocking

PROBE = ".lading-probe-"  # listings leave out what begins so
_DATA = b"lading asks whether a wrong checksum is refused; this object may be deleted"


def known_checks(place: Place) -> str | None:
    """The checksum by which the store refuses other bytes, as far as that is known without asking."""
    if place.facts.checks is None:
        return None if place.endpoint else fast_checksum()  # AWS itself has them all
    return place.facts.checks or None


def find_checks(place: Place) -> str | None:
    """The same, found out once by a tiny object with a wrong checksum. Blocks. Raise `StoreUnavailableError`."""
    facts = place.facts
    with patiently(facts.lock):
        if facts.checks is None and place.endpoint:
            facts.checks = next((name for name in dict.fromkeys((fast_checksum(), "crc32")) if _refuses(place, name)), "")
    return known_checks(place)


def _refuses(place: Place, name: str) -> bool:
    if not place.facts.checksums:
        return False
    wrong = checksum(name, _DATA[1:])
    key = f"{PROBE}checksum"
    headers = (*place.create, (f"x-amz-checksum-{name}", wrong.base64))
    put = Ask("PUT", key, headers=headers, body=_DATA, relies=("checksums",))
    try:
        version = ask_blocking(place, put).headers.get("x-amz-version-id")
    except DigestMismatchError:
        return True
    except StoreUnavailableError:
        raise
    except StoreError:  # this checksum is unknown to it, or nothing may be written here: the upload will tell
        return False
    try:
        ask_blocking(place, Ask("PUT", key, headers=place.create, body=_DATA, creates=True))
        place.facts.conditional = False
    except AlreadyExistsError:
        pass
    finally:
        _remove(place, key, version)
    return False


def _remove(place: Place, key: str, version: str | None) -> None:
    try:
        ask_blocking(place, Ask("DELETE", key, query=(("versionId", version),) if version else ()))
    except StoreError as error:
        if error.retryable:
            raise
        # Who may write and not delete still may upload; what stays is one object, always the same, that no listing shows.
