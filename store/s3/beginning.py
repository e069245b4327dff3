"""How an upload begins: noted in the journal first, or found there and gone on with."""

import secrets
import time

from ...errors import NotFoundError, StoreError, StoreUnavailableError
from ..checksum import can_compute
from ..journal import Begun, Journal
from ..threads import in_thread
from .address import Place
from .asking import Ask, ask
from .documents import parse_begun
from .probing import find_checks
from .upload import MARKER, Cut, S3Write, abort_upload, parts_of


async def started(place: Place, key: str, cut: Cut, journal: Journal | None, *, replace: bool) -> S3Write:
    """A new upload. Whatever moment this process dies at, its note says where to look for what was begun."""
    checks = await in_thread(lambda: find_checks(place))
    begun = Begun(place.url, key, cut.size, cut.part, secrets.token_hex(8), time.time(), checks)
    if journal is None:
        upload = await _start(place, begun)
        return S3Write(place, key, cut, upload, begun.marker, checks=checks, replace=replace)
    noted = await in_thread(lambda: journal.note(begun))
    try:
        upload = await _start(place, begun)
    except StoreError as error:
        if not error.retryable or (isinstance(error, StoreUnavailableError) and error.throttled):
            await in_thread(lambda: journal.forget(noted))  # the store said no; after anything else it may have begun
        raise
    try:
        named = await in_thread(lambda: journal.name(noted, upload))
    except BaseException:
        await abort_upload(place, key, upload)
        await in_thread(lambda: journal.forget(noted))
        raise
    return S3Write(place, key, cut, upload, begun.marker, checks=checks, replace=replace, journal=journal, noted=named)


async def _start(place: Place, begun: Begun) -> str:
    headers = (*place.create, (MARKER, begun.marker))
    if begun.checks:
        headers = (*headers, ("x-amz-checksum-algorithm", begun.checks.upper()), ("x-amz-checksum-type", "FULL_OBJECT"))
    return parse_begun((await ask(place, Ask("POST", begun.key, (("uploads", ""),), headers))).body)


async def resumed(place: Place, key: str, cut: Cut, journal: Journal | None, *, replace: bool) -> S3Write | None:
    """The upload of the same that a dead process of this machine began, if the store still has it."""
    if journal is None:
        return None
    while found := await in_thread(lambda: journal.find(place.url, key, cut.size, cut.part)):
        begun, seen = found.begun, found
        try:
            stored = {part.number: part async for part in parts_of(place, key, begun.upload)}
        except NotFoundError:
            await in_thread(lambda: journal.forget(seen))  # noqa: B023  # awaited within the round
            continue
        if begun.checks and not can_compute(begun.checks):  # no part could be added here
            await abort_upload(place, key, begun.upload)
            await in_thread(lambda: journal.forget(seen))  # noqa: B023
            continue
        noted = await in_thread(lambda: journal.adopt(seen))  # noqa: B023
        if noted is None:
            continue  # somebody else got it
        whole = {number: part for number, part in stored.items() if cut.holds(number, part.size)}
        return S3Write(
            place,
            key,
            cut,
            begun.upload,
            begun.marker,
            checks=begun.checks,
            replace=replace,
            journal=journal,
            noted=noted,
            stored=whole,
        )
    return None
