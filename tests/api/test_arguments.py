"""What SEMANTICS 1.1 to 1.3 call methods, their arguments and defaults: ours take them in the same order, and may take more."""

import ast
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import lading
from lading.api import Api, ArtifactCollection, ArtifactManifest, ArtifactManifestEntry, ArtifactType
from lading.api.registry import Project, Registry
from lading.api.runs import PublicRun

# SEMANTICS 1.1, without the types.
ARTIFACT = """
    __init__(name, type, description=None, metadata=None, incremental=False, use_as=None, storage_region=None)
    new_draft()  finalize()  is_draft()  save(project=None, settings=None)  wait(timeout=None)
    new_file(name, mode="x", encoding=None, policy="mutable")
    add_file(local_path, name=None, is_tmp=False, skip_cache=False, policy="mutable", overwrite=False)
    add_dir(local_path, name=None, skip_cache=False, policy="mutable", merge=False)
    add_reference(uri, name=None, checksum=True, max_objects=None)
    add(obj, name, overwrite=False)  remove(item)  get_path(name)  get_entry(name)  get(name)
    get_added_local_path_name(local_path)
    download(root=None, allow_missing_references=False, skip_cache=None, path_prefix=None, multipart=None)
    checkout(root=None)  verify(root=None)  file(root=None)  files(names=None, per_page=50, start=None)
    delete(delete_aliases=False)  link(target_path, aliases=None)  unlink()  used_by()  logged_by()  json_encode()
"""
ENTRY = "parent_artifact()  download(root=None, skip_cache=None, executor=None)  ref_target()  ref_url()  to_json()"
MANIFEST = """
    version()  to_manifest_json()  digest()  size()  add_entry(entry, overwrite=False)  remove_entry(entry)
    get_entry_by_path(path)  get_entries_in_directory(directory)
"""
# SEMANTICS 1.2.
RUN = """
    log_artifact(artifact_or_path, name=None, type=None, aliases=None, tags=None)
    use_artifact(artifact_or_name, type=None, aliases=None, use_as=None)
    upsert_artifact(artifact_or_path, name=None, type=None, aliases=None, distributed_id=None)
    finish_artifact(artifact_or_path, name=None, type=None, aliases=None, distributed_id=None)
    link_artifact(artifact, target_path, aliases=None)
    log_model(path, name=None, aliases=None)  use_model(name)
    link_model(path, registered_model_name, name=None, aliases=None)
"""
# SEMANTICS 1.3.
API = """
    artifact(name, type=None)  artifact_exists(name, type=None)  artifact_collection_exists(name, type)
    artifacts(type_name, name, order=None, per_page=50, tags=None, start=None)
    artifact_types(project=None, start=None)  artifact_type(type_name, project=None)
    artifact_collections(project_name, type_name, order=None, per_page=50, start=None)
    artifact_collection(type_name, name)
    registries(organization=None, filter=None, order=None, per_page=100, start=None)  registry(name, organization=None)
    create_registry(name, visibility, organization=None, description=None, artifact_types=None)
    run(path)  runs(path=None, filters=None, order="+created_at", per_page=50)  project(name)
"""
TYPE = "collections(filters=None, order=None, per_page=50, start=None)  collection(name)"
COLLECTION = "artifacts(per_page=50, start=None)  load()  is_sequence()  change_type(new_type)  save()  delete()"
REGISTRY = "collections(filter=None)  versions(filter=None)  save()  delete()"
PROJECT = "collections(filters=None, order=None)"
PUBLIC_RUN = """
    logged_artifacts(per_page=100)  used_artifacts(per_page=100)  use_artifact(artifact, use_as=None)
    log_artifact(artifact, aliases=None, tags=None)
"""
OF_CLASSES = {
    lading.Artifact: ARTIFACT,
    ArtifactManifestEntry: ENTRY,
    ArtifactManifest: MANIFEST,
    lading.Run: RUN,
    Api: API,
    ArtifactType: TYPE,
    ArtifactCollection: COLLECTION,
    Registry: REGISTRY,
    Project: PROJECT,
    PublicRun: PUBLIC_RUN,
}
# DESIGN 7: "`type` defaults to `unspecified`"; a list of collections may be of all types.
OPTIONAL = {("Artifact", "__init__", "type"), ("Api", "artifact_collections", "type_name")}
REQUIRED = object()


def calls(text: str) -> Iterator[ast.Call]:
    for line in ast.parse(text.replace(")  ", ")\n").replace("    ", "")).body:
        assert isinstance(line, ast.Expr)
        assert isinstance(line.value, ast.Call)
        yield line.value


def wanted(call: ast.Call) -> list[tuple[str, object]]:
    """Names and defaults of the arguments."""
    required = [(each.id, REQUIRED) for each in call.args if isinstance(each, ast.Name)]
    return [*required, *((each.arg or "", ast.literal_eval(each.value)) for each in call.keywords)]


def taken(function: Callable[..., Any]) -> list[tuple[str, object]]:
    parameters = [each for each in inspect.signature(function).parameters.values() if each.name not in ("self", "cls")]
    return [(each.name, REQUIRED if each.default is each.empty else each.default) for each in parameters]


METHODS = [(kind, call) for kind, text in OF_CLASSES.items() for call in calls(text)]


@pytest.mark.parametrize(("kind", "call"), METHODS, ids=[f"{kind.__name__}.{ast.unparse(call)}" for kind, call in METHODS])
def test_a_method_takes_what_wandbs_takes(kind: type, call: ast.Call) -> None:
    assert isinstance(call.func, ast.Name)
    method = call.func.id

    found = taken(getattr(kind, method))[: len(wanted(call))]

    expected = [
        (name, dict(found).get(name)) if (kind.__name__, method, name) in OPTIONAL else (name, default)
        for name, default in wanted(call)
    ]
    assert found == expected


@pytest.mark.parametrize("call", list(calls(RUN)), ids=ast.unparse)
def test_the_module_takes_what_the_run_takes(call: ast.Call) -> None:
    assert isinstance(call.func, ast.Name)
    function = getattr(lading, call.func.id)

    parameters = list(inspect.signature(function).parameters.values())

    found = [(each.name, REQUIRED if each.default is each.empty else each.default) for each in parameters]
    assert found[: len(wanted(call))] == wanted(call)


LISTS = ("artifact_types",)  # awaited it is a list, and not a page of one
ASYNC = [
    (kind, call)
    for kind, call in METHODS
    if isinstance(call.func, ast.Name) and call.func.id not in LISTS and hasattr(kind, f"{call.func.id}_async")
]


@pytest.mark.parametrize(("kind", "call"), ASYNC, ids=[f"{kind.__name__}.{ast.unparse(call)}" for kind, call in ASYNC])
def test_the_awaited_form_takes_the_same(kind: type, call: ast.Call) -> None:
    """DESIGN 7: "What may wait is written once, as `…_async`"."""
    assert isinstance(call.func, ast.Name)

    plain, awaited = getattr(kind, call.func.id), getattr(kind, f"{call.func.id}_async")

    assert taken(plain) == taken(awaited)
