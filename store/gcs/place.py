"""Where a store lies in Google Cloud Storage, as `gs://bucket/prefix?…` and the environment say. Decides only."""

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from msgspec import Struct

from ...errors import InvalidValueError
from ..http.request import shown_url

GOOGLE = "https://storage.googleapis.com"
COMPONENTS = ".lading-components"  # a name of this kind in a key: parts of an object that is not whole yet
_BUCKET = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]").fullmatch
_OPTIONS = ("anonymous", "endpoint", "project", "user_project")


class Place(Struct, frozen=True):
    """A prefix in a bucket, and how it is reached. `credentials` is a file; None: what the machine offers."""

    bucket: str
    prefix: str = ""
    endpoint: str = GOOGLE
    anonymous: bool = False
    credentials: str | None = None
    user_project: str | None = None  # who pays, where the bucket lets requesters pay

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str]) -> "Place":
        """From `gs://bucket/prefix` with the options `anonymous=1`, `endpoint=URL`, and `user_project=ID` (or `project=ID`).

        `STORAGE_EMULATOR_HOST`, with `http://` or without, is an endpoint that asks for no credentials;
        `GOOGLE_APPLICATION_CREDENTIALS` names a file with some. Raise `InvalidValueError`.
        """
        split = urlsplit(url)
        options = dict(parse_qsl(split.query, keep_blank_values=True))
        if split.scheme != "gs" or not _BUCKET(split.netloc):
            raise InvalidValueError(
                f"{shown_url(url)} names no bucket", hint="gs://bucket/prefix, in lower case and without a user"
            )
        if unknown := sorted(set(options) - set(_OPTIONS)):
            raise InvalidValueError(
                f"{shown_url(url)}: {unknown[0]} is no option of gs://", hint=f"there are {', '.join(_OPTIONS)}"
            )
        emulator = environment.get("STORAGE_EMULATOR_HOST")
        endpoint = options.get("endpoint") or emulator or GOOGLE
        anonymous = _flag(url, options.get("anonymous")) or ("endpoint" not in options and bool(emulator))
        return cls(
            split.netloc,
            unquote(split.path).strip("/"),
            _endpoint(endpoint),
            anonymous,
            environment.get("GOOGLE_APPLICATION_CREDENTIALS") or None,
            options.get("user_project") or options.get("project") or None,
        )

    @property
    def url(self) -> str:
        """What names the store: without what only says how it is reached, but for who pays and where another server is."""
        said = {} if self.endpoint == GOOGLE else {"endpoint": self.endpoint}
        if self.user_project:
            said["user_project"] = self.user_project
        path = f"/{quote(self.prefix)}" if self.prefix else ""
        return f"gs://{self.bucket}{path}{'?' + urlencode(said) if said else ''}"

    def name(self, key: str) -> str:
        """The object of a key, in the bucket."""
        return f"{self.prefix}/{key}" if self.prefix else key

    def key(self, name: str) -> str:
        """The key of an object below the prefix."""
        return name[len(self.prefix) + 1 :] if self.prefix else name

    def api(self, name: str | None = None, *, action: str = "", query: Mapping[str, str] | None = None) -> str:
        """The URL of a call to the JSON API: of the bucket's objects, or of one of them."""
        path = f"/storage/v1/b/{quote(self.bucket, safe='')}/o"
        if name is not None:
            path += f"/{quote(name, safe='')}"
        return f"{self.endpoint}{path}{action}{'?' + urlencode(query) if query else ''}"

    def upload(self, name: str, query: Mapping[str, str]) -> str:
        """The URL that takes the bytes of an object in one request."""
        asked = urlencode({"uploadType": "media", "name": name, **query})
        return f"{self.endpoint}/upload/storage/v1/b/{quote(self.bucket, safe='')}/o?{asked}"


def is_component(key: str) -> bool:
    """Whether it belongs to an object that is not whole yet, of this store or of one that lies further down."""
    return COMPONENTS in key.split("/")


def _endpoint(text: str) -> str:
    url = text if "://" in text else f"http://{text}"
    split = urlsplit(url)
    if split.scheme not in ("http", "https") or not split.netloc:
        raise InvalidValueError(f"{shown_url(text)} is no address of a storage server", hint="http://host:port or https://host")
    if split.username is not None:  # it would be part of every message that names the store
        raise InvalidValueError(f"{shown_url(url)}, the endpoint of gs://, names a user", hint="anonymous=1 asks without a token")
    return f"{split.scheme}://{split.netloc}{split.path.rstrip('/')}"


def _flag(url: str, text: str | None) -> bool:
    if text is None or text.lower() in ("0", "false", "no"):
        return False
    if text.lower() in ("", "1", "true", "yes"):
        return True
    raise InvalidValueError(f"{shown_url(url)}: anonymous={text} is neither 1 nor 0")
