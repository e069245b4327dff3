"""Whether a server compares checksums: some take any, so that only trying tells."""

import secrets

from ...errors import AlreadyExistsError, DigestMismatchError, StoreError, StoreUnavailableError
from ..checksum import checksum, fast_checksum
from ..threads import patiently
from .address import Place
from .asking import Ask, ask_blocking

PROBE = ".lading-probe-"
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
    key = f"{PROBE}{secrets.token_hex(8)}"
    put = Ask("PUT", key, headers=((f"x-amz-checksum-{name}", wrong.base64),), body=_DATA, relies=("checksums",))
    try:
        version = ask_blocking(place, put).headers.get("x-amz-version-id")
    except DigestMismatchError:
        return True
    except StoreUnavailableError:
        raise
    except StoreError:  # this checksum is unknown to it, or nothing may be written here: the upload will tell
        return False
    try:
        ask_blocking(place, Ask("PUT", key, body=_DATA, creates=True))
        place.facts.conditional = False
    except AlreadyExistsError:
        pass
    finally:
        ask_blocking(place, Ask("DELETE", key, query=(("versionId", version),) if version else ()))
    return False
