"""Cards for notebooks."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .described import Described

_FILES = 10
_CHIP = "border:1px solid #888;border-radius:8px;padding:0 6px;margin-left:6px;font-size:85%"


def artifact_html(artifact: "Described") -> str:
    """Name, state, labels and the first files that are known without a request."""
    title = _escape(artifact.name if artifact.is_draft() else artifact.qualified_name)
    labels = [] if artifact.is_draft() else [*artifact.aliases, *artifact.tags]
    facts = {
        "type": artifact.type,
        "state": artifact.state,
        "size": readable_size(artifact.size),
        "digest": artifact.digest,
        "description": artifact.description or "",
    }
    entries = artifact.known_entries()
    rows = "".join(
        f"<tr><td>{_escape(path)}</td><td style='text-align:right'>{readable_size(entry.size or 0)}</td></tr>"
        for path, entry in entries[:_FILES]
    )
    more = f"<tr><td colspan=2>… and {len(entries) - _FILES} more</td></tr>" if len(entries) > _FILES else ""
    return _card(title, labels, facts, f"<table>{rows}{more}</table>" if rows else "")


def run_html(path: str, state: str, config: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    facts = {"state": state} | {f"config.{key}": value for key, value in config.items()} | dict(summary)
    return _card(_escape(f"run {path}"), [], facts, "")


def _card(title: str, labels: Iterable[str], facts: Mapping[str, Any], body: str) -> str:
    chips = "".join(f"<span style='{_CHIP}'>{_escape(label)}</span>" for label in labels)
    rows = "".join(
        f"<tr><td>{_escape(str(key))}</td><td><code>{_escape(str(value))}</code></td></tr>"
        for key, value in facts.items()
        if value != ""
    )
    return f"<div><b>{title}</b>{chips}<table>{rows}</table>{body}</div>"


def _escape(text: str) -> str:
    from html import escape  # loads a long table, which whoever only needs sizes does without

    return escape(text)


def readable_size(size: float) -> str:
    """Bytes for people: 0 B, 9.8 kB, 4.3 GB."""
    for unit in ("B", "kB", "MB", "GB"):
        if round(size, 1) < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
