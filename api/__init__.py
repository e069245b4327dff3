"""What people call. Each name is loaded at first use, so that the command line can say `--help` without any of it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..media import registry as data_types
    from ..media.registry import (
        Audio,
        Bokeh,
        BoundingBoxes2D,
        Classes,
        Html,
        Image,
        ImageMask,
        JoinedTable,
        Molecule,
        Object3D,
        PartitionedTable,
        Plotly,
        Table,
        Video,
        box3d,
    )
    from .active import (
        finish,
        finish_artifact,
        finish_artifact_async,
        finish_async,
        link_artifact,
        link_artifact_async,
        link_model,
        link_model_async,
        log_artifact,
        log_artifact_async,
        log_model,
        log_model_async,
        upsert_artifact,
        upsert_artifact_async,
        use_artifact,
        use_artifact_async,
        use_model,
        use_model_async,
    )
    from .artifact import Artifact
    from .collection import ArtifactCollection, ArtifactType
    from .entry import ArtifactManifestEntry, File
    from .manifest import ArtifactManifest
    from .public import Api
    from .run import Run
    from .session import active_run
    from .starting import init, init_async
    from .ttl import ArtifactTTL

_VALUES = (
    "Audio",
    "Bokeh",
    "BoundingBoxes2D",
    "Classes",
    "Html",
    "Image",
    "ImageMask",
    "JoinedTable",
    "Molecule",
    "Object3D",
    "PartitionedTable",
    "Plotly",
    "Table",
    "Video",
    "box3d",
)
_MODULES = {
    "Api": "public",
    "Artifact": "artifact",
    "ArtifactCollection": "collection",
    "ArtifactManifest": "manifest",
    "ArtifactManifestEntry": "entry",
    "ArtifactTTL": "ttl",
    "ArtifactType": "collection",
    "File": "entry",
    "Run": "run",
    "active_run": "session",
    "finish": "active",
    "finish_artifact": "active",
    "finish_artifact_async": "active",
    "finish_async": "active",
    "init": "starting",
    "init_async": "starting",
    "link_artifact": "active",
    "link_artifact_async": "active",
    "link_model": "active",
    "link_model_async": "active",
    "log_artifact": "active",
    "log_artifact_async": "active",
    "log_model": "active",
    "log_model_async": "active",
    "upsert_artifact": "active",
    "upsert_artifact_async": "active",
    "use_artifact": "active",
    "use_artifact_async": "active",
    "use_model": "active",
    "use_model_async": "active",
}
__all__ = [
    "Api",
    "Artifact",
    "ArtifactCollection",
    "ArtifactManifest",
    "ArtifactManifestEntry",
    "ArtifactTTL",
    "ArtifactType",
    "Audio",
    "Bokeh",
    "BoundingBoxes2D",
    "Classes",
    "File",
    "Html",
    "Image",
    "ImageMask",
    "JoinedTable",
    "Molecule",
    "Object3D",
    "PartitionedTable",
    "Plotly",
    "Run",
    "Table",
    "Video",
    "active_run",
    "box3d",
    "data_types",
    "finish",
    "finish_artifact",
    "finish_artifact_async",
    "finish_async",
    "init",
    "init_async",
    "link_artifact",
    "link_artifact_async",
    "link_model",
    "link_model_async",
    "log_artifact",
    "log_artifact_async",
    "log_model",
    "log_model_async",
    "upsert_artifact",
    "upsert_artifact_async",
    "use_artifact",
    "use_artifact_async",
    "use_model",
    "use_model_async",
]


def __getattr__(name: str) -> object:
    from importlib import import_module

    if name in _VALUES:
        from ..media import registry

        return getattr(registry, name)
    if name == "data_types":  # W&B's older place of the same
        from ..media import registry

        return registry
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
