"""The journal remembers what was begun, for whoever comes after its owner."""

import threading
from pathlib import Path

import pytest

from lading.errors import LocalFileError
from lading.store.journal import Begun, Journal, Noted
from lading.store.owner import Owner, this_process

from .uploads import dead

BEGUN = Begun("s3://b", "k", 100, 10, "marker", 1.5, "crc32")


def _of_the_dead(noted: Noted) -> str:
    """The file's name, had it been written by a process that is gone."""
    path = noted.path.replace(str(this_process()), str(dead()))
    Path(noted.path).rename(path)
    return path


def _files(journal: Journal) -> list[str]:
    return sorted(path.name for path in Path(journal.folder).iterdir())


def _find(journal: Journal) -> Noted | None:
    found = journal.find("s3://b", "k", 100, 10)
    return found and journal.adopt(found)


def test_an_upload_of_the_dead_is_taken_over_once(journal: Journal) -> None:
    left = _of_the_dead(journal.name(journal.note(BEGUN), "upload"))

    found, again = _find(journal), _find(journal)

    assert found is not None
    assert (found.begun.upload, found.begun.marker, found.begun.checks) == ("upload", "marker", "crc32")
    assert again is None
    assert _files(journal) == [Path(found.path).name]
    assert not Path(left).exists()


def test_of_many_who_found_it_one_gets_it(journal: Journal) -> None:
    _of_the_dead(journal.name(journal.note(BEGUN), "upload"))
    seen = journal.find("s3://b", "k", 100, 10)
    assert seen is not None
    start, found = threading.Barrier(8), list[Noted | None]()

    def look() -> None:
        start.wait()
        found.append(journal.adopt(seen))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len([one for one in found if one is not None]) == 1


def test_what_lives_or_is_uncertain_is_left_alone(journal: Journal) -> None:
    journal.name(journal.note(BEGUN), "upload")
    other = journal.name(journal.note(BEGUN), "upload")
    Path(other.path).rename(other.path.replace(str(this_process()), str(Owner("elsewhere", "1", 1, "1"))))

    assert _find(journal) is None
    assert [left.certain for left in journal.leftovers()] == [False]


@pytest.mark.parametrize(
    "other", [("s3://c", "k", 100, 10), ("s3://b", "l", 100, 10), ("s3://b", "k", 99, 10), ("s3://b", "k", 100, 9)]
)
def test_only_the_same_is_taken_over(journal: Journal, other: tuple[str, str, int, int]) -> None:
    _of_the_dead(journal.name(journal.note(BEGUN), "upload"))

    assert journal.find(*other) is None


def test_an_upload_that_the_store_never_named_is_a_leftover_only(journal: Journal) -> None:
    path = _of_the_dead(journal.note(BEGUN))

    assert _find(journal) is None
    assert [(left.noted, left.certain) for left in journal.leftovers()] == [(Noted(path, BEGUN), True)]


def test_a_note_that_was_cut_short_is_removed_and_one_of_a_newer_lading_is_not(journal: Journal) -> None:
    cut, torn, deep, newer, odd = (Path(_of_the_dead(journal.note(BEGUN))) for _ in range(5))
    torn.write_bytes(b'{"store":"\xff"}')
    deep.write_bytes(b'{"x":' + b"[" * 100_000)
    cut.write_bytes(cut.read_bytes()[:-5])
    newer.write_bytes(newer.read_bytes().replace(b'"format":1', b'"format":2'))
    odd.write_bytes(b'{"format":2}')
    (Path(journal.folder) / "notes.txt").write_text("of somebody else")

    assert _find(journal) is None
    assert journal.leftovers() == []
    assert _files(journal) == sorted([newer.name, odd.name, "notes.txt"])


def test_what_is_forgotten_is_gone_and_may_be_forgotten_again(journal: Journal) -> None:
    noted = journal.note(BEGUN)

    journal.forget(noted)
    journal.forget(noted)

    assert _files(journal) == []
    assert Path(journal.folder).stat().st_mode & 0o777 == 0o700


def test_an_empty_machine_has_no_leftovers(journal: Journal) -> None:
    assert (journal.leftovers(), _find(journal)) == ([], None)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(LocalFileError, match=r"journal .*file/journal cannot be written"):
        Journal(tmp_path / "file" / "journal").note(BEGUN)
