"""W&B's own download engine as a contestant, without its service. Run by race.py: PLAN down ENDPOINT OUT.

The published client downloads an artifact whose manifest and URLs are handed to it here instead of being asked for. What that
takes, and the import of the client, is printed and not counted against it.
"""

import base64
import importlib
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

STARTED = time.perf_counter()


def main(plan_path: str, way: str, endpoint: str, out: str) -> None:
    assert way == "down", "its uploads need its service"
    with tempfile.TemporaryDirectory(dir=Path(out).parent) as scratch:
        os.environ |= {"WANDB_DATA_DIR": scratch, "WANDB_CACHE_DIR": scratch}
        os.environ |= {"WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
        artifact = committed(json.loads(Path(plan_path).read_bytes()), endpoint)
        used = resource.getrusage(resource.RUSAGE_SELF)
        print(json.dumps({"before": {"wall": time.perf_counter() - STARTED, "cpu": used.ru_utime + used.ru_stime}}), flush=True)
        artifact.download(out, skip_cache=True)


def committed(plan: Any, endpoint: str) -> Any:
    """An artifact that takes itself for one of the service's, with the files of the plan."""
    wandb: Any = importlib.import_module("wandb")  # not among our own dependencies: the race has an environment for peers
    entries: Any = importlib.import_module("wandb.sdk.artifacts.artifact_manifest_entry")
    states: Any = importlib.import_module("wandb.sdk.artifacts.artifact_state")
    artifact, edges = wandb.Artifact("raced", "dataset"), list[Any]()
    for file in plan["files"]:
        # In the form of an MD5. It is compared with nothing: this engine verifies nothing that it downloads.
        digest = base64.b64encode(bytes.fromhex(file["digest"])[:16]).decode()
        entry = entries.ArtifactManifestEntry(path=file["path"], digest=digest, size=file["size"])
        artifact.manifest.add_entry(entry)
        entry._parent_artifact = artifact
        url = f"{endpoint}/bkt/{plan['prefix']}/{file['path']}"
        edges.append(SimpleNamespace(node=SimpleNamespace(name=file["path"], direct_url=url)))
    page = SimpleNamespace(page_info=SimpleNamespace(has_next_page=False, end_cursor=None), edges=edges)

    def urls(*arguments: object, **named: object) -> object:
        return page

    artifact._state, artifact._name, artifact._source_name = states.ArtifactState.COMMITTED, "raced:v0", "raced:v0"
    artifact._fetch_file_urls = urls
    return artifact


if __name__ == "__main__":
    main(*sys.argv[1:])
