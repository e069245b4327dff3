"""Config: the settings of a run; artifacts among them are its inputs."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from ..errors import InvalidTypeError, InvalidValueError, UsageError
from .artifact import Artifact
from .finding import is_artifact_uri
from .portal import may_block, run

if TYPE_CHECKING:
    from argparse import Namespace

Use = Callable[[Artifact | str], Awaitable[Artifact]]
Values: TypeAlias = "Mapping[str, Any] | Iterable[tuple[str, Any]] | Namespace"


class Config(dict[str, Any]):
    """A dict, saved with the run; `config.key` reads `config["key"]`.

    A value may be an artifact, or the URI of one (`wandb-artifact://entity/project/name:alias`, `wandb-artifact://_id/<id>`):
    then the run uses it, and the value is the artifact. Where an event loop runs, await `update_async` for those.
    """

    def __init__(self, use: Use | None, values: Mapping[str, Any]) -> None:
        """Without `use` artifacts are values like others."""
        super().__init__(values)
        self._use: Use | None
        object.__setattr__(self, "_use", use)

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"config has no {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __setitem__(self, key: str, value: Any) -> None:
        if self._use is None or not is_artifact(value):
            _check_plain(key, value)
            super().__setitem__(key, value)
            return
        if not may_block():
            raise UsageError(
                f"config[{key!r}] = … would block this event loop", hint=f"await run.config.update_async({{{key!r}: …}})"
            )
        run(lambda: self.update_async({key: value}))

    def update(self, values: Values = (), /, **more: Any) -> None:  # type: ignore[override]
        """As a dict's. `allow_val_change` is accepted and changes nothing."""
        more.pop("allow_val_change", None)
        for key, value in {**config_values(values), **more}.items():
            self[key] = value

    async def update_async(self, values: Values) -> None:
        """Set these, artifacts and their URIs among them."""
        for key, value in config_values(values).items():
            if self._use is not None and is_artifact(value):
                super().__setitem__(key, await self._use(value))
            else:
                self[key] = value

    def __reduce__(self) -> tuple[type, tuple[dict[str, Any]]]:
        """Copied or pickled it is a plain dict: it does not take its run along."""
        return dict, (dict(self),)

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def __ior__(self, values: Any) -> "Config":  # type: ignore[override,misc]
        self.update(values)
        return self

    def saved(self) -> dict[str, Any]:
        """As it is saved: an artifact as what names it."""
        return {key: value.json_encode() if isinstance(value, Artifact) else value for key, value in self.items()}


def config_values(values: Values) -> dict[str, Any]:
    """What a config is made of: a mapping, pairs, or what argparse parsed. Raise `InvalidTypeError` for anything else."""
    try:
        return dict(values if isinstance(values, Iterable) else _parsed(values))
    except (TypeError, ValueError) as error:
        raise InvalidTypeError(f"config cannot be made of {values!r}", hint="a dict, or what argparse parsed") from error


def _parsed(values: object) -> dict[str, Any]:
    from argparse import Namespace  # most have none, and it takes its time

    if not isinstance(values, Namespace):
        raise TypeError
    return vars(values)


def is_artifact(value: object) -> bool:
    """Whether it is an artifact, or the URI of one."""
    return isinstance(value, Artifact) or is_artifact_uri(value)


def _check_plain(key: str, value: Any) -> None:
    """Raise `InvalidValueError` for an artifact inside of something else."""
    if not isinstance(value, Mapping | list | tuple):
        return
    for each in cast("Iterable[Any]", value.values() if isinstance(value, Mapping) else value):
        if is_artifact(each):
            raise InvalidValueError(f"config[{key!r}] holds an artifact inside of another value", hint="give it a key of its own")
        _check_plain(key, each)
