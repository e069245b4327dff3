"""Importing references: which of an export's are taken over, and which become files."""

from ...catalog import State
from ...errors import DigestMismatchError, EntryNotFoundError, ManifestError, StoreDeniedError, StoreError, UnknownNameError
from ...manifest.digest import Label
from ...manifest.entry import Entries
from ...manifest.targets import is_target
from ..targets import find_targets
from ..workspace import Workspace
from .authorising import check_foreign

_TRUST = "--allow-local-references takes it over, if you trust who made the export"


async def check_references(workspace: Workspace, label: Label, entries: Entries, place: str) -> None:
    """An export can be anybody's work, whatever name it bears: raise `StoreDeniedError` for a reference that is not followed of
    strangers, or cannot be judged."""
    outside = {path: entry for path, entry in entries.items() if entry.ref is not None and not is_target(entry)}
    try:
        await check_foreign(workspace, label, outside, place, hint=_TRUST)
    except StoreDeniedError:
        raise
    except StoreError as error:  # a name that leads nowhere now may lead anywhere later
        raise StoreDeniedError(error.message, hint=_TRUST) from error


async def lost_targets(workspace: Workspace, targets: Entries) -> list[str]:
    """The paths of references to other artifacts that do not lead to what they say, here and now."""
    if await _all_lead(workspace, targets):
        return []
    return [path for path, entry in targets.items() if not await _all_lead(workspace, {path: entry})]


async def _all_lead(workspace: Workspace, targets: Entries) -> bool:
    try:
        found = await find_targets(workspace, targets)
    except (UnknownNameError, EntryNotFoundError, DigestMismatchError, ManifestError):
        return False
    return all(target.version.state is State.COMMITTED for target in found.values())
