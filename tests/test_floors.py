"""The law of the house: which folder may import which, and what every module keeps to. A change here is a commit of its own."""

import ast
import tomllib
from collections.abc import Callable, Iterator, Set
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Of each folder or module of the root: what it may import. Itself always; what is not named here may not exist.
MAY_IMPORT: dict[str, Set[str]] = {
    # floor 1
    "errors": set(),
    # floor 2
    "store": {"errors"},
    "manifest": {"errors"},
    # floor 3
    "transfer": {"store", "manifest", "errors"},
    "catalog": {"manifest", "errors"},
    # floor 4
    "upkeep": {"catalog", "store", "manifest", "errors"},
    # floor 5
    "media": {"errors", "manifest"},
    "server": {"upkeep", "transfer", "catalog", "store", "manifest", "errors"},
    # floor 6
    "api": {"media", "upkeep", "transfer", "catalog", "store", "manifest", "errors"},
    # beside: the public test kit
    "testing": {"transfer", "catalog", "store", "manifest", "errors"},
    # the doors
    "__init__": {"api", "errors"},
    "__main__": {"api"},
}
# Also, but only as text, import_module("lading.server…"), so that the client does without the server's dependencies.
BY_NAME: dict[str, Set[str]] = {"api": {"server"}}

OUTSIDE = {"tests", "bench", "docs", "changes", "build", "dist", "artifacts", "htmlcov"}

# These decide and never do: no waiting, no disk, no network.
PURE = (
    "manifest/",
    "transfer/limiter.py",
    "transfer/locations.py",
    "transfer/pairs.py",
    "transfer/plan.py",
    "transfer/scheduler.py",
    "transfer/verdict.py",
)
NETWORK = {
    "aiohttp",
    "anyio",
    "asyncio",
    "ftplib",
    "http",
    "select",
    "selectors",
    "socket",
    "socketserver",
    "ssl",
    "urllib.request",
}
DISK = {
    "aiofiles",
    "io",
    "mmap",
    "multiprocessing",
    "os",
    "pathlib.Path",
    "shutil",
    "sqlalchemy",
    "sqlite3",
    "subprocess",
    "tempfile",
}
DOES_IO = NETWORK | DISK
WAITS = (ast.AsyncFor, ast.AsyncFunctionDef, ast.AsyncWith, ast.Await)

MOST_LINES = 400
LONGER: Set[str] = set()  # and it stays empty


def modules(root: Path) -> Iterator[Path]:
    """Every module of the package, relative to `root`."""
    for path in sorted(root.glob("*.py")):
        yield path.relative_to(root)
    for folder in sorted(root.iterdir()):
        if folder.is_dir() and folder.name not in OUTSIDE and not folder.name.startswith("."):
            yield from (path.relative_to(root) for path in sorted(folder.rglob("*.py")))


def broken_floors(root: Path) -> Iterator[str]:
    """Each import that goes up, sideways, or round the rule that imports are relative."""
    for module in modules(root):
        home = module.parts[0].removesuffix(".py")
        if home not in MAY_IMPORT:
            yield f"{module}: {home} stands on no floor"
            continue
        for node in ast.walk(ast.parse((root / module).read_bytes())):
            for target, allowed in _imported(node, module, home):
                if target != home and target not in allowed:
                    yield f"{module}:{getattr(node, 'lineno', 0)}: {home} may not import {target}"


def _imported(node: ast.AST, module: Path, home: str) -> Iterator[tuple[str, Set[str]]]:
    """What of the package `node` imports, as the name of a folder or root module, and which of these it may."""
    allowed = MAY_IMPORT[home]
    match node:
        case ast.Import(names=names):
            for name in names:
                yield from _absolute(name.name)
        case ast.ImportFrom(level=0, module=str(name)):
            yield from _absolute(name)
        case ast.ImportFrom(level=level, module=name, names=names):
            depth = len(module.parts) - level  # how many folders of the package are left above the target
            below = [*module.parts[: max(depth, 0)], *(name.split(".") if name else [])]
            if depth < 0:
                yield "what is above the package", set()
            elif below:
                yield below[0], allowed
            else:
                yield from ((alias.name, allowed) for alias in names)
        case ast.Call(func=ast.Name(id=function) | ast.Attribute(attr=function), args=[ast.Constant(value=str(name)), *_]):
            parts = [part for part in name.split(".") if part]
            if function in {"import_module", "__import__"} and parts[:1] == ["lading"]:
                yield parts[1] if len(parts) > 1 else "__init__", allowed | BY_NAME.get(home, set())
            elif function in {"import_module", "__import__"} and name.startswith("."):
                yield f"{name} by relative name", set()
        case _:
            pass


def _absolute(name: str) -> Iterator[tuple[str, Set[str]]]:
    top = name.partition(".")[0]
    if top == "lading" or top in MAY_IMPORT:  # `import store` works only where the root happens to be on sys.path
        yield f"{name} absolutely", set()


def impurities(root: Path) -> Iterator[str]:
    """Each place where a module that only decides waits or can touch the world."""
    for module in modules(root):
        if not module.as_posix().startswith(PURE):
            continue
        for node in ast.walk(ast.parse((root / module).read_bytes())):
            where = f"{module}:{getattr(node, 'lineno', 0)}"
            if isinstance(node, WAITS) or (isinstance(node, ast.comprehension) and node.is_async):
                yield f"{where}: waits"
            for name in _names(node):
                if any(name == one or name.startswith(f"{one}.") for one in DOES_IO):
                    yield f"{where}: imports {name}"
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
                yield f"{where}: opens a file"
            if isinstance(node, ast.Attribute) and ast.unparse(node) in DOES_IO:
                yield f"{where}: uses {ast.unparse(node)}"


def _names(node: ast.AST) -> Iterator[str]:
    """The full names that `node` imports from outside the package."""
    match node:
        case ast.Import(names=names):
            yield from (name.name for name in names)
        case ast.ImportFrom(level=0, module=str(module), names=names):
            yield from (f"{module}.{name.name}" for name in names)
        case _:
            pass


def too_long(root: Path) -> Iterator[str]:
    for module in modules(root):
        lines = (root / module).read_bytes().count(b"\n")
        if lines > MOST_LINES and module.as_posix() not in LONGER:
            yield f"{module}: {lines} lines; {MOST_LINES} at most"


def unlisted(root: Path) -> Iterator[str]:
    """Each folder of code that pyproject.toml does not list as a package, and each listed package that is none."""
    listed = set(tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    present = {".".join(("lading", *module.parent.parts)) for module in modules(root)}
    yield from (f"{name}: not in the packages of pyproject.toml" for name in sorted(present - listed))
    yield from (f"{name}: in the packages of pyproject.toml, not on the disk" for name in sorted(listed - present))
    for name in sorted(present):
        folder = root.joinpath(*name.split(".")[1:])
        if not (folder / "__init__.py").exists():
            yield f"{name}: has no __init__.py"


@pytest.mark.parametrize("law", [broken_floors, impurities, too_long, unlisted])
def test_the_package_keeps_the_law(law: Callable[[Path], Iterator[str]]) -> None:
    assert list(law(ROOT)) == []


def test_floors_are_drawn_once_for_each_import() -> None:
    for home, below in MAY_IMPORT.items():
        for other in below:
            assert home not in MAY_IMPORT[other], f"{home} and {other} import each other"


# The law itself, broken on purpose.


def plant(root: Path, module: str, text: str) -> Path:
    path = root / module
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("store/memory.py", "from ..transfer import plan", "store may not import transfer"),
        ("store/memory.py", "from .. import catalog", "store may not import catalog"),
        ("store/memory.py", "from .. import Artifact", "store may not import Artifact"),
        ("store/a/b.py", "from ...api.run import Run", "store may not import api"),
        ("store/a/__init__.py", "from ... import api", "store may not import api"),
        ("store/memory.py", "def late():\n    from ..manifest import Entry", "store may not import manifest"),
        ("store/memory.py", "if TYPE_CHECKING:\n    from ..api import Run", "store may not import api"),
        ("store/memory.py", "from ...outside import x", "store may not import what is above the package"),
        ("api/run.py", "from ..server import app", "api may not import server"),
        ("server/app.py", "from ..media import Table", "server may not import media"),
        ("api/run.py", "from ..testing import faults", "api may not import testing"),
        ("store/memory.py", "import lading", "store may not import lading absolutely"),
        ("store/memory.py", "from lading.errors import StoreError", "store may not import lading.errors absolutely"),
        ("store/memory.py", "from errors import StoreError", "store may not import errors absolutely"),
        ("store/memory.py", "import_module('lading.server.app')", "store may not import server"),
        ("store/memory.py", "importlib.import_module('..api', __package__)", "store may not import ..api by relative name"),
        ("errors.py", "from .api import Run", "errors may not import api"),
        ("__init__.py", "from .store import Store", "__init__ may not import store"),
        ("common/x.py", "", "common stands on no floor"),
    ],
)
def test_a_planted_import_is_found(tmp_path: Path, module: str, line: str, found: str) -> None:
    problems = list(broken_floors(plant(tmp_path, module, line)))

    assert len(problems) == 1
    assert problems[0].endswith(found)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("transfer/plan.py", "from ..store import Job"),
        ("transfer/a/b.py", "from ..plan import Part\nfrom ...errors import LadingError\nfrom . import c"),
        ("transfer/__init__.py", "from . import plan\nfrom .. import manifest"),
        ("api/serve.py", "import_module('lading.server.app')"),
        ("__init__.py", "def __getattr__(name):\n    from . import api"),
        ("tests/test_x.py", "import lading"),
    ],
)
def test_what_is_allowed_is_not_found(tmp_path: Path, module: str, line: str) -> None:
    assert list(broken_floors(plant(tmp_path, module, line))) == []


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("manifest/entry.py", "import os", "imports os"),
        ("manifest/entry.py", "from os.path import join", "imports os.path.join"),
        ("manifest/entry.py", "from pathlib import Path, PurePosixPath", "imports pathlib.Path"),
        ("manifest/entry.py", "import pathlib\npathlib.Path('x')", "uses pathlib.Path"),
        ("manifest/entry.py", "open('x')", "opens a file"),
        ("manifest/deep/page.py", "async def f(): ...", "waits"),
        ("transfer/scheduler.py", "import asyncio", "imports asyncio"),
        ("transfer/plan.py", "import socket", "imports socket"),
    ],
)
def test_a_planted_impurity_is_found(tmp_path: Path, module: str, line: str, found: str) -> None:
    problems = list(impurities(plant(tmp_path, module, line)))

    assert len(problems) == 1
    assert problems[0].endswith(found)


@pytest.mark.parametrize(
    ("module", "line"), [("manifest/entry.py", "from pathlib import PurePosixPath"), ("transfer/move.py", "import os, asyncio")]
)
def test_what_is_pure_or_may_act_is_not_found(tmp_path: Path, module: str, line: str) -> None:
    assert list(impurities(plant(tmp_path, module, line))) == []


def test_a_long_module_is_found(tmp_path: Path) -> None:
    plant(tmp_path, "store/ok.py", "\n" * MOST_LINES)

    assert list(too_long(plant(tmp_path, "store/long.py", "\n" * (MOST_LINES + 1)))) == ["store/long.py: 401 lines; 400 at most"]


def test_a_package_that_is_not_listed_and_a_list_without_package_are_found(tmp_path: Path) -> None:
    plant(tmp_path, "pyproject.toml", '[tool.setuptools]\npackages = ["lading", "lading.gone"]')
    plant(tmp_path, "__init__.py", "")
    plant(tmp_path, "tests/test_x.py", "")

    problems = list(unlisted(plant(tmp_path, "store/deep/x.py", "")))

    assert problems == [
        "lading.store.deep: not in the packages of pyproject.toml",
        "lading.gone: in the packages of pyproject.toml, not on the disk",
        "lading.store.deep: has no __init__.py",
    ]
