"""The face of the package: what may be used by itself."""

import subprocess
import sys

import pytest

import lading.transfer


@pytest.mark.parametrize("name", lading.transfer.__all__)
def test_what_is_named_is_there(name: str) -> None:
    assert getattr(lading.transfer, name).__name__ == name


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = lading.transfer.nope


def test_importing_it_loads_nothing() -> None:
    code = "import sys, lading.transfer; print([name for name in ('asyncio', 'msgspec', 'blake3') if name in sys.modules])"

    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert told.stdout == "[]\n"
