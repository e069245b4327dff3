"""Folders of a manifest, from no more pages than a question needs."""

from collections.abc import Callable, Iterable
from functools import partial

import msgspec
import pytest

import lading
from lading.api.documents import load_entries
from lading.api.portal import run as on_bridge
from lading.api.tree import Tree, load_tree, pages_to_list
from lading.api.workspace import Workspace
from lading.catalog import Version
from lading.manifest.digest import LEAF_SIZE, Algorithm
from lading.manifest.document import Index, encode_index
from lading.manifest.encoded import Encoded
from lading.manifest.pages import PageRef, encode_page, page_ref
from lading.transfer.plan import manifest_key

Dataset = Callable[..., lading.Artifact]


def index(*firsts: str) -> Index:
    refs = [PageRef(first, f"{number:064x}", 1, 10) for number, first in enumerate(firsts)]
    return Index(1, Algorithm.BLAKE3, LEAF_SIZE, len(refs), 0, refs)


@pytest.mark.parametrize(
    ("firsts", "prefix", "read", "folders"),
    [
        (["a"], "", ["a"], []),
        (["a/1", "a/2", "a/3", "b"], "", ["a/3", "b"], ["a"]),
        (["a/1", "a/2", "a/3"], "", ["a/3"], ["a"]),
        (["a/1", "a-b", "b/1", "b/2"], "", ["a/1", "a-b", "b/2"], ["b"]),
        (["a/x/1", "a/x/2", "a/y/1", "a/y/2", "b"], "a/", ["a/x/2", "a/y/2"], ["x", "y"]),
        (["a/x/1", "a/x/2", "a/y"], "b/", ["a/y"], []),
        (["a/1", "a/2"], "a/", ["a/1", "a/2"], []),
    ],
)
def test_pages_inside_of_one_folder_are_not_read_to_list(
    firsts: list[str], prefix: str, read: list[str], folders: Iterable[str]
) -> None:
    found = pages_to_list(index(*sorted(firsts)), prefix)

    assert [page.first for page in found.pages] == sorted(read)
    assert found.folders == set(folders)


MANY = sorted([f"f{number % 3}/g{number % 7}/{number:03}" for number in range(300)] + ["top", "f1/file", "f1-", "f10"])


@pytest.fixture
def tree(dataset: Dataset) -> Tree:
    """`MANY` in pages of seven entries each."""
    version, workspace = dataset({"x": "x"}).logged_in("test")

    async def store() -> Tree:
        entry = (await load_entries(workspace, version))["x"]
        refs = list[PageRef]()
        for start in range(0, len(MANY), 7):
            page = dict.fromkeys(MANY[start : start + 7], entry)
            encoded = encode_page(page, Algorithm.BLAKE3)
            await put(workspace, version, encoded)
            refs.append(page_ref(page, encoded))
        root = encode_index(Index(1, Algorithm.BLAKE3, LEAF_SIZE, len(MANY), len(MANY), refs))
        await put(workspace, version, root)
        return await load_tree(workspace, msgspec.structs.replace(version, document=root.digest))

    return on_bridge(store)


async def put(workspace: Workspace, version: Version, encoded: Encoded) -> None:
    await workspace.engine.put_document(manifest_key(version.entity_id, Algorithm.BLAKE3, encoded.digest), encoded.data)


def test_answers_are_those_of_all_paths(tree: Tree) -> None:
    for folder in ("", "f0", "f1", "f1/g3", "f1-", "none", "f", "f1/file"):
        prefix = f"{folder}/" if folder else ""
        below = [path for path in MANY if path.startswith(prefix)]
        children = {path[len(prefix) :].partition("/")[0] for path in below}
        found = on_bridge(partial(tree.children, folder))

        assert list(found) == sorted(children)
        assert {name for name, entry in found.items() if entry is not None} == {
            name for name in children if prefix + name in MANY
        }
        assert list(on_bridge(partial(tree.below, folder))) == below
        assert on_bridge(partial(tree.is_folder, folder)) is bool(below)


def test_entries_are_found_page_by_page(tree: Tree) -> None:
    for path in [*MANY[::17], "", "zzz", "f1/g3"]:
        entry = on_bridge(partial(tree.entry, path))

        assert (entry is not None) == (path in MANY)
