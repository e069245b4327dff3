"""The JSON API of Google Cloud Storage over buckets in memory: a call in, an answer out. No network."""

import email.message
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from .gcs_server_bucket import Bucket, GcsObject, Refusal, Source

CHUNK = 256 << 10  # the pieces of a resumable upload are multiples of it
REWRITTEN = 8 << 20  # bytes by one call of a copy


class Call(Struct):
    """A request; the names of its headers are in lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Answer(Struct):
    """What comes back; `Content-Length` is added when it is sent."""

    status: int
    headers: dict[str, str]
    body: bytes | memoryview


class Routed(Struct):
    """What kind of call it is, which object or prefix it is about, and how to do it."""

    kind: str
    name: str
    act: Callable[[], Answer]


class _Resumable(Struct):
    name: str
    query: dict[str, str]
    hashes: dict[str, str]
    content_type: str
    data: bytearray


class GcsApi:
    """Knows the buckets, who may call, and the uploads in the making."""

    def __init__(self, buckets: Mapping[str, Bucket], token: str | None, denied: frozenset[str], page: int) -> None:
        self.buckets, self.token, self.denied, self.page = buckets, token, denied, page
        self.url = ""
        self.uploads: dict[str, _Resumable] = {}

    def route(self, call: Call) -> Routed:
        """Kinds are get, media, insert, compose, rewrite, list, delete, bucket, token and unknown."""
        parts = [unquote(part) for part in call.path.strip("/").split("/")]
        uploading = parts[0] == "upload"
        match call.method, parts[parts[0] in ("upload", "download") :]:
            case "POST", ["token"]:  # what `token_uri` in a file of credentials names
                return Routed("token", "", self._give_token)
            case "GET", ["computeMetadata", "v1", "instance", "service-accounts", "default", "token"]:
                return Routed("token", "", self._give_token)
            case "GET", ["storage", "v1", "b", bucket]:
                return Routed("bucket", bucket, lambda: self._describe(bucket))
            case "POST", ["storage", "v1", "b", bucket, "o"] if uploading:
                return Routed("insert", call.query.get("name", ""), lambda: self._insert(self._bucket(bucket), call))
            case (("PUT" | "DELETE"), ["storage", "v1", "b", bucket, "o"]) if uploading and "upload_id" in call.query:
                return Routed("insert", call.query["upload_id"], lambda: self._continue(self._bucket(bucket), call))
            case "GET", ["storage", "v1", "b", bucket, "o"]:
                return Routed("list", call.query.get("prefix", ""), lambda: self._list(self._bucket(bucket), call))
            case "GET", ["storage", "v1", "b", bucket, "o", name] if call.query.get("alt") == "media":
                return Routed("media", name, lambda: self._media(self._bucket(bucket).get(name, call.query), call))
            case "GET", ["storage", "v1", "b", bucket, "o", name]:
                return Routed("get", name, lambda: _json(self._bucket(bucket).get(name, call.query).resource(bucket)))
            case "POST", ["storage", "v1", "b", bucket, "o", name, "compose"]:
                return Routed("compose", name, lambda: self._compose(self._bucket(bucket), name, call))
            case "POST", ["storage", "v1", "b", bucket, "o", name, "rewriteTo", "b", target, "o", made]:
                return Routed(
                    "rewrite", made, lambda: self._rewrite(self._bucket(bucket), name, self._bucket(target), made, call)
                )
            case "DELETE", ["storage", "v1", "b", bucket, "o", name]:
                return Routed("delete", name, lambda: self._delete(self._bucket(bucket), name, call))
            case _:
                return Routed("unknown", call.path, self._unknown)

    def authorize(self, said: str | None) -> None:
        """Raise 401 unless the header `said` is that of the token, where there is one."""
        if self.token is None:
            return
        if said is None:
            raise Refusal(401, "required", "Anonymous caller does not have access to the Google Cloud Storage bucket.")
        if said != f"Bearer {self.token}":
            raise Refusal(401, "authError", "Invalid Credentials")

    def _unknown(self) -> Answer:
        raise Refusal(404, "notFound", "Not Found")

    def _give_token(self) -> Answer:
        return _json({"access_token": self.token or "any", "expires_in": 3600, "token_type": "Bearer"})

    def _bucket(self, name: str) -> Bucket:
        if name in self.denied:
            raise Refusal(403, "forbidden", "The caller does not have permission on the resource, or it may not exist.")
        if name not in self.buckets:
            raise Refusal(404, "notFound", "The specified bucket does not exist.")
        return self.buckets[name]

    def _describe(self, bucket: str) -> Answer:
        return _json({"kind": "storage#bucket", "id": self._bucket(bucket).name, "name": bucket, "storageClass": "STANDARD"})

    def _media(self, found: GcsObject, call: Call) -> Answer:
        headers = {
            "Content-Type": found.content_type,
            "ETag": found.etag,
            "x-goog-generation": str(found.generation),
            "x-goog-metageneration": "1",
            "x-goog-hash": f"crc32c={found.crc32c}" + (f",md5={found.md5}" if found.md5 else ""),
            "x-goog-stored-content-length": str(len(found.data)),
            "x-goog-stored-content-encoding": "identity",
            "Accept-Ranges": "bytes",
        }
        wanted = _range(call.headers.get("range"), len(found.data))
        if wanted is None:
            return Answer(200, headers, found.data)
        start, stop = wanted
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(found.data)}"
        return Answer(206, headers, memoryview(found.data)[start:stop])

    def _list(self, bucket: Bucket, call: Call) -> Answer:
        page = bucket.list(call.query, self.page)
        found: dict[str, Any] = {"kind": "storage#objects"}
        if page.objects:
            found["items"] = [one.resource(bucket.name) for one in page.objects]
        if page.prefixes:
            found["prefixes"] = list(page.prefixes)
        if page.token is not None:
            found["nextPageToken"] = page.token
        return _json(found)

    def _delete(self, bucket: Bucket, name: str, call: Call) -> Answer:
        bucket.delete(name, call.query)
        return Answer(204, {}, b"")

    def _compose(self, bucket: Bucket, name: str, call: Call) -> Answer:
        asked = _document(call.body)
        sources = [_source(one) for one in asked.get("sourceObjects", ())]
        content_type = asked.get("destination", {}).get("contentType")
        return _json(bucket.compose(name, sources, call.query, content_type=content_type).resource(bucket.name))

    def _rewrite(self, source: Bucket, name: str, target: Bucket, made: str, call: Call) -> Answer:
        """A copy, so many bytes by each call; the token says how many there are by then."""
        wanted = call.query.get("ifSourceGenerationMatch")
        found = source.get(name, {"ifGenerationMatch": wanted} if wanted else {})
        size = len(found.data)
        far = min(size, int(call.query.get("rewriteToken", "0")) + REWRITTEN)
        said: dict[str, Any] = {"kind": "storage#rewriteResponse", "totalBytesRewritten": str(far), "objectSize": str(size)}
        if far < size:
            return _json({**said, "done": False, "rewriteToken": str(far)})
        metadata = dict(found.metadata) if found.metadata else None
        copy = target.insert(made, found.data, call.query, content_type=found.content_type, metadata=metadata)
        return _json({**said, "done": True, "resource": copy.resource(target.name)})

    def _insert(self, bucket: Bucket, call: Call) -> Answer:
        """In one request, in one with a description before the data, or piece by piece from here on."""
        name, content_type = call.query.get("name", ""), call.headers.get("content-type", "application/octet-stream")
        hashes = _hashes(call.headers.get("x-goog-hash"))
        metadata: dict[str, str] | None = None
        data = call.body
        match call.query.get("uploadType"):
            case "media":
                pass
            case "multipart":
                said, data, content_type = _parts(content_type, call.body)
                name, metadata, hashes = said.get("name") or name, said.get("metadata"), {**_said(said), **hashes}
            case "resumable":
                said = _document(call.body)
                content_type = call.headers.get("x-upload-content-type", "application/octet-stream")
                upload = f"upload-{len(self.uploads)}"
                self.uploads[upload] = _Resumable(
                    said.get("name") or name, call.query, {**_said(said), **hashes}, content_type, bytearray()
                )
                where = f"{self.url}/upload/storage/v1/b/{bucket.name}/o?uploadType=resumable&upload_id={upload}"
                return Answer(200, {"Location": where}, b"")
            case other:
                raise Refusal(400, "invalid", f"Invalid uploadType: {other}")
        made = bucket.insert(name, data, call.query, hashes=hashes, content_type=content_type, metadata=metadata)
        return _json(made.resource(bucket.name))

    def _continue(self, bucket: Bucket, call: Call) -> Answer:
        """A piece of a resumable upload: `bytes a-b/total`, `bytes a-b/*`, `bytes */total` to ask, or all of it without."""
        key = call.query["upload_id"]
        if key not in self.uploads:
            raise Refusal(404, "notFound", "No such upload session.")
        if call.method == "DELETE":
            del self.uploads[key]
            return Answer(499, {}, b"")
        upload = self.uploads[key]
        span, _, total = call.headers.get("content-range", f"bytes */{len(call.body)}").removeprefix("bytes ").partition("/")
        start = int(span.partition("-")[0]) if span != "*" else len(upload.data)
        if start > len(upload.data):
            raise Refusal(400, "invalid", "Invalid request. The piece does not follow what was received.")
        if total == "*" and len(call.body) % CHUNK:
            raise Refusal(400, "invalid", f"Pieces but the last are multiples of {CHUNK} bytes.")
        upload.data[start:] = call.body
        if total.isdigit() and len(upload.data) == int(total):
            hashes = {**upload.hashes, **_hashes(call.headers.get("x-goog-hash"))}
            made = bucket.insert(upload.name, bytes(upload.data), upload.query, hashes=hashes, content_type=upload.content_type)
            del self.uploads[key]
            return _json(made.resource(bucket.name))
        return Answer(308, {"Range": f"bytes=0-{len(upload.data) - 1}"} if upload.data else {}, b"")


def refused(refusal: Refusal, retry_after: int | None = None) -> Answer:
    """The answer that says so."""
    if refusal.status == 304:
        return Answer(304, {}, b"")
    detail = {"message": refusal.message, "domain": "global", "reason": refusal.reason}
    answer = _json({"error": {"code": refusal.status, "message": refusal.message, "errors": [detail]}}, refusal.status)
    if refusal.status == 401:
        answer.headers["WWW-Authenticate"] = 'Bearer realm="https://accounts.google.com/"'
    if retry_after is not None:
        answer.headers["Retry-After"] = str(retry_after)
    return answer


def _json(document: Mapping[str, Any], status: int = 200) -> Answer:
    return Answer(status, {"Content-Type": "application/json; charset=UTF-8"}, json.dumps(document).encode())


def _document(body: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(body or b"{}")
    except ValueError:
        raise Refusal(400, "parseError", "Parse Error") from None
    return found


def _source(said: Mapping[str, Any]) -> Source:
    match, generation = said.get("objectPreconditions", {}).get("ifGenerationMatch"), said.get("generation")
    return Source(said.get("name", ""), None if generation is None else int(generation), None if match is None else int(match))


def _hashes(header: str | None) -> dict[str, str]:
    """Of `x-goog-hash: crc32c=…,md5=…`."""
    pairs = (part.strip().partition("=") for part in (header or "").split(",") if part.strip())
    return {name: value for name, _, value in pairs}


def _said(resource: Mapping[str, Any]) -> dict[str, str]:
    """The checksums in an object's description."""
    return {kind: resource[field] for kind, field in (("crc32c", "crc32c"), ("md5", "md5Hash")) if field in resource}


def _parts(content_type: str, body: bytes) -> tuple[dict[str, Any], bytes, str]:
    """The description, the data and its type, of the two parts of a `multipart/related` body."""
    outer = email.message.Message()
    outer["Content-Type"] = content_type
    pieces = (b"\r\n" + body).split(f"\r\n--{outer.get_param('boundary')}".encode())
    if len(pieces) != 4:  # what is before, two parts, what is after
        raise Refusal(400, "invalid", "A multipart upload has two parts.")
    _, _, description = pieces[1].partition(b"\r\n\r\n")
    head, _, data = pieces[2].partition(b"\r\n\r\n")
    kinds = [line.partition(b":")[2].strip().decode() for line in head.splitlines() if line.lower().startswith(b"content-type:")]
    return _document(description), data, kinds[0] if kinds else "application/octet-stream"


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """[start, stop) of `bytes=a-b`, `bytes=a-` or `bytes=-n`; None for what is to be ignored. Raise 416 where nothing is left."""
    unit, _, span = (header or "").partition("=")
    first, dash, last = span.partition("-")
    if unit != "bytes" or not dash or not (first + last).isdigit():
        return None
    start = int(first) if first else max(0, size - int(last))
    stop = min(int(last) + 1, size) if first and last else size
    if first and last and int(last) < start:
        return None
    if start >= size:
        raise Refusal(416, "requestedRangeNotSatisfiable", "Request range not satisfiable")
    return start, stop
