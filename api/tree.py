"""The tree of a version: its files and folders, from no more pages of the manifest than a question needs."""

from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from ..catalog import Version
from ..manifest.document import Index, page_for, pages_for
from ..manifest.entry import Entries, Entry
from ..manifest.pages import PageRef
from .documents import AT_ONCE, load_index, load_pages
from .workspace import Workspace

PAGES = 4  # that are remembered: who opens a file opens its neighbours


class Tree:
    """Folders are what the paths of files say. The root is "". Any event loop may use it: versions do not change."""

    def __init__(self, workspace: Workspace, version: Version, index: Index) -> None:
        self.workspace, self.version, self.index = workspace, version, index
        self._pages: dict[str, Entries] = {}

    def __repr__(self) -> str:
        return f"<Tree of {self.version.place}, {self.index.count} entries in {len(self.index.pages)} pages>"

    async def entry(self, path: str) -> Entry | None:
        """The entry under `path`; None if there is none."""
        ref = page_for(self.index, path)
        return (await self._page(ref)).get(path) if ref else None

    async def is_folder(self, path: str) -> bool:
        """Whether there are files below `path`."""
        prefix = f"{path}/" if path else ""
        pages = pages_for(self.index, prefix)
        if any(page.first.startswith(prefix) for page in pages):
            return True
        return bool(pages) and any(each.startswith(prefix) for each in await self._page(pages[0]))

    async def children(self, folder: str) -> dict[str, Entry | None]:
        """What lies in the folder, by name: the entry of a file, None for a folder (which a file of the same name hides). Pages
        that hold nothing but one of its folders are not read."""
        prefix = f"{folder}/" if folder else ""
        known, found = pages_to_list(self.index, prefix), dict[str, Entry | None]()
        found.update(dict.fromkeys(known.folders))
        few = len(known.pages) <= PAGES  # then they are remembered: what was listed is likely to be opened
        for start in range(0, len(known.pages), 1 if few else AT_ONCE):
            some = known.pages[start : start + (1 if few else AT_ONCE)]
            entries = await (self._page(some[0]) if few else load_pages(self.workspace, self.version, some))
            for path, entry in entries.items():
                if path.startswith(prefix):
                    name, slash, _ = path[len(prefix) :].partition("/")
                    if not slash:
                        found[name] = entry
                    else:
                        found.setdefault(name, None)
        return dict(sorted(found.items()))

    async def below(self, folder: str) -> Entries:
        """All files below the folder, by path, sorted."""
        prefix = f"{folder}/" if folder else ""
        entries = await load_pages(self.workspace, self.version, pages_for(self.index, prefix))
        return {path: entry for path, entry in entries.items() if path.startswith(prefix)}

    async def _page(self, ref: PageRef) -> Entries:
        page = self._pages.pop(ref.digest, None)
        if page is None:
            page = await load_pages(self.workspace, self.version, [ref])
        self._pages[ref.digest] = page
        while len(self._pages) > PAGES:
            self._pages.pop(next(iter(self._pages)), None)
        return page


async def load_tree(workspace: Workspace, version: Version) -> Tree:
    """The tree of a version; of its document only the index is read."""
    return Tree(workspace, version, await load_index(workspace, version))


class Listed(Struct, frozen=True):
    """What a listing has to read, and the folders that are known without."""

    pages: Sequence[PageRef]
    folders: frozenset[str]


def pages_to_list(index: Index, prefix: str) -> Listed:
    """What to read to list the folder of this prefix ("" or "folder/"). A page that starts inside of one of its folders, and is
    followed by one that starts there, too, holds nothing else."""
    pages = pages_for(index, prefix)
    after = {early.digest: late.first for early, late in pairwise(index.pages)}
    read, folders = list[PageRef](), set[str]()
    for page in pages:
        child = _folder_of(page.first, prefix)
        if child and child == _folder_of(after.get(page.digest, ""), prefix):
            folders.add(child)
        else:
            read.append(page)
    return Listed(read, frozenset(folders))


def _folder_of(path: str, prefix: str) -> str:
    """The folder below the prefix that holds this path; "" if none does."""
    name, slash, _ = path[len(prefix) :].partition("/")
    return name if slash and path.startswith(prefix) else ""
