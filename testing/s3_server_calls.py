"""The calls of S3 over a bucket in memory: a call in, an answer out. No network."""

from collections.abc import Callable, Mapping
from email.utils import formatdate
from urllib.parse import quote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from msgspec import Struct

from .s3_server_bucket import SUMS, Bucket, Headers, Refusal, S3Object


class Call(Struct):
    """A request, and what kind of call it is. Names of headers are in lower case."""

    kind: str
    method: str
    path: str  # as it was sent
    bucket: str
    key: str
    raw: str  # the query as it was sent
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Answer(Struct):
    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b""


def kind_of(method: str, key: str, query: Mapping[str, str], headers: Headers) -> str:
    """head, get, put, copy, delete, begin, part, copy part, complete, abort, parts, list, uploads or bulk."""
    if not key:
        return {"GET": "uploads" if "uploads" in query else "list", "POST": "bulk"}.get(method, "list")
    if "uploads" in query:
        return "begin"
    if "x-amz-copy-source" in headers:
        return "copy part" if "uploadId" in query else "copy"
    if "uploadId" in query:
        return {"PUT": "part", "POST": "complete", "GET": "parts"}.get(method, "abort")
    return method.lower()


def perform(bucket: Bucket, call: Call) -> Answer:
    """Raise `Refusal`."""
    if call.bucket != bucket.name:
        raise Refusal(404, "NoSuchBucket", "The specified bucket does not exist", BucketName=call.bucket)
    return _DO[call.kind](bucket, call)


def refused(refusal: Refusal) -> Answer:
    """The answer that says so."""
    also = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in refusal.also.items())
    text = f"<Code>{refusal.code}</Code><Message>{escape(refusal.message)}</Message>{also}"
    return document(f"<Error>{text}</Error>" if refusal.code else "", refusal.status)


def document(text: str, status: int = 200, *, blanks: bool = False) -> Answer:
    """An answer of XML, with the `blanks` by which S3 keeps a connection alive while it works."""
    body = '<?xml version="1.0" encoding="UTF-8"?>\n' + " \n" * blanks + text if text else ""
    return Answer(status, {"Content-Type": "application/xml"}, body.encode())


def _head(bucket: Bucket, call: Call) -> Answer:
    found = bucket.get(call.key, call.query, call.headers)
    headers = _described(found, call.headers)
    span = call.headers.get("range")
    if span is None:
        return Answer(200, headers, found.data)
    first, _, last = span.removeprefix("bytes=").partition("-")
    start, stop = int(first), min(int(last) + 1, len(found.data))
    if start >= len(found.data):
        raise Refusal(416, "InvalidRange", "The range is not satisfiable")
    headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(found.data)}"
    return Answer(206, headers, found.data[start:stop])


def _described(found: S3Object, asked: Headers) -> dict[str, str]:
    headers = {"ETag": found.etag, "Last-Modified": formatdate(found.modified.timestamp(), usegmt=True), **found.kept}
    if found.version != "null":
        headers["x-amz-version-id"] = found.version
    if found.sum and asked.get("x-amz-checksum-mode") == "ENABLED":
        headers |= {f"x-amz-checksum-{found.sum.name}": found.sum.base64, "x-amz-checksum-type": "FULL_OBJECT"}
    return headers


def _put(bucket: Bucket, call: Call) -> Answer:
    return Answer(200, _described(bucket.put(call.key, call.body, call.headers), {}))


def _copy(bucket: Bucket, call: Call) -> Answer:
    made = bucket.copy(call.key, call.headers)
    return document(f"<CopyObjectResult><ETag>{escape(made.etag)}</ETag></CopyObjectResult>", blanks=True)


def _copy_part(bucket: Bucket, call: Call) -> Answer:
    part = bucket.copy_part(call.key, call.query["uploadId"], int(call.query["partNumber"]), call.headers)
    return document(f"<CopyPartResult><ETag>{escape(part.etag)}</ETag></CopyPartResult>", blanks=True)


def _delete(bucket: Bucket, call: Call) -> Answer:
    bucket.delete(call.key, call.query)
    return Answer(204)


def _begin(bucket: Bucket, call: Call) -> Answer:
    upload = bucket.begin(call.key, call.headers)
    return document(f"<InitiateMultipartUploadResult><UploadId>{upload.id}</UploadId></InitiateMultipartUploadResult>")


def _part(bucket: Bucket, call: Call) -> Answer:
    part = bucket.part(call.key, call.query["uploadId"], int(call.query["partNumber"]), call.body, call.headers)
    return Answer(200, {"ETag": part.etag})


def _parts(bucket: Bucket, call: Call) -> Answer:
    after = int(call.query.get("part-number-marker", "0"))
    parts = sorted(bucket.upload(call.key, call.query["uploadId"]).parts.items())
    most = min(bucket.rules.page, int(call.query.get("max-parts", "1000")))
    page = [(number, part) for number, part in parts if number > after][:most]
    text = ""
    for number, part in page:
        value = f"<Checksum{part.sum.name.upper()}>{part.sum.base64}</Checksum{part.sum.name.upper()}>" if part.sum else ""
        text += (
            f"<Part><PartNumber>{number}</PartNumber><ETag>{escape(part.etag)}</ETag><Size>{len(part.data)}</Size>{value}</Part>"
        )
    if page and page[-1][0] < parts[-1][0]:
        text += f"<IsTruncated>true</IsTruncated><NextPartNumberMarker>{page[-1][0]}</NextPartNumberMarker>"
    return document(f"<ListPartsResult>{text}</ListPartsResult>")


def _complete(bucket: Bucket, call: Call) -> Answer:
    asked = ElementTree.fromstring(call.body)
    listed = [(int(part.findtext("{*}PartNumber") or 0), part.findtext("{*}ETag") or "") for part in asked.findall("{*}Part")]
    made = bucket.complete(call.key, call.query["uploadId"], listed, call.headers)
    return document(
        f"<CompleteMultipartUploadResult><ETag>{escape(made.etag)}</ETag></CompleteMultipartUploadResult>", blanks=True
    )


def _abort(bucket: Bucket, call: Call) -> Answer:
    bucket.abort(call.key, call.query["uploadId"])
    return Answer(204)


def _list(bucket: Bucket, call: Call) -> Answer:
    found, more = bucket.list(call.query.get("prefix", ""), call.query.get("continuation-token", ""))
    text = "<EncodingType>url</EncodingType>"
    for one in found:
        modified = one.modified.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        named = f"<Key>{quote(one.key)}</Key><LastModified>{modified}</LastModified>"
        text += f"<Contents>{named}<ETag>{escape(one.etag)}</ETag><Size>{len(one.data)}</Size></Contents>"
    if more:
        token = escape(found[-1].key)
        text += f"<IsTruncated>true</IsTruncated><NextContinuationToken>{token}</NextContinuationToken>"
    return document(f"<ListBucketResult>{text}</ListBucketResult>")


def _uploads(bucket: Bucket, call: Call) -> Answer:
    after = call.query.get("key-marker", ""), call.query.get("upload-id-marker", "")
    every = sorted((upload.key, upload.id, upload.begun) for upload in bucket.uploads.values())
    left = [one for one in every if one[0].startswith(call.query.get("prefix", "")) and one[:2] > after]
    page = left[: bucket.rules.page]
    text = "<EncodingType>url</EncodingType>"
    for key, upload, begun in page:
        started = f"<Initiated>{begun.isoformat().replace('+00:00', 'Z')}</Initiated>"
        text += f"<Upload><Key>{quote(key)}</Key><UploadId>{upload}</UploadId>{started}</Upload>"
    if len(left) > len(page):
        text += f"<IsTruncated>true</IsTruncated><NextKeyMarker>{quote(page[-1][0])}</NextKeyMarker>"
        text += f"<NextUploadIdMarker>{page[-1][1]}</NextUploadIdMarker>"
    return document(f"<ListMultipartUploadsResult>{text}</ListMultipartUploadsResult>")


def _bulk(bucket: Bucket, call: Call) -> Answer:
    if not bucket.rules.bulk_delete:
        raise Refusal(501, "NotImplemented", "This server deletes one object at a time")
    if "content-md5" not in call.headers and not any(f"x-amz-checksum-{name}" in call.headers for name in SUMS):
        raise Refusal(400, "InvalidRequest", "Missing required header for this request: Content-MD5")
    keys = [node.text or "" for node in ElementTree.fromstring(call.body).findall("{*}Object/{*}Key")]
    if len(keys) > 1000:
        raise Refusal(400, "MalformedXML", "At most 1000 keys")
    for key in keys:
        bucket.delete(key, {})
    return document("<DeleteResult></DeleteResult>")


_DO: Mapping[str, Callable[[Bucket, Call], Answer]] = {
    "head": _head,
    "get": _head,
    "put": _put,
    "copy": _copy,
    "delete": _delete,
    "begin": _begin,
    "part": _part,
    "copy part": _copy_part,
    "parts": _parts,
    "complete": _complete,
    "abort": _abort,
    "list": _list,
    "uploads": _uploads,
    "bulk": _bulk,
}
