"""Where the objects of a store lie, and who asks for them: all that turns a method and a key into a signed request."""

import functools
import os
import re
import time
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from msgspec import Struct

from ...errors import InvalidValueError, StoreDeniedError
from ..http.request import Headers, Request, shown_url
from .credentials import Anonymous, Source, find_source
from .customer import CustomerKey, read_customer_key
from .facts import Facts, facts_of
from .profile import Profile, read_profile
from .signing import UNSIGNED, Credentials, Scope, encode_path, encode_query, presign, sign

Pairs = Sequence[tuple[str, str]]

WEEK = 7 * 86400  # seconds; no presigned URL lives longer
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}").fullmatch
_AS_HOST = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]").fullmatch  # one label: a dot would break the certificate
_OPTIONS = (
    "anonymous",
    "endpoint",
    "profile",
    "region",
    "requester_pays",
    "sse",
    "sse_customer_key_file",
    "sse_kms_key_id",
    "storage_class",
    "style",
    "version_id",
)


class Place(Struct, frozen=True):
    """A bucket at an endpoint, below a prefix. A value: jobs carry it into their lanes."""

    url: str
    bucket: str
    prefix: str  # empty, or it ends with a slash
    endpoint: str  # empty: AWS
    region: str
    path_style: bool
    source: Source
    always: Headers = ()  # sent with each request
    create: Headers = ()  # sent where an object is made
    version: str | None = None  # of the one object that is meant
    service: str = "s3"  # what the names of AWS's endpoints begin with
    customer: CustomerKey | None = None

    @property
    def facts(self) -> Facts:
        return facts_of(self.endpoint, self.bucket)

    @property
    def scope(self) -> Scope:
        return Scope(self.facts.region or self.region)

    def request(self, method: str, key: str | None = None, query: Pairs = (), headers: Headers = ()) -> Request:
        """A request, unsigned, of the object or of the bucket itself."""
        scheme, host, port, path = _server(self.endpoint, self.service, self.scope.region, self.bucket, self.path_style)
        path += "/" if key is None and not self.path_style else "" if key is None else encode_path(f"/{self.prefix}{key}")
        target = f"{path}?{encode_query(query)}" if query else path
        customer = self.customer.headers if self.customer and key is not None and method != "DELETE" else ()
        return Request(method, scheme, host, port, target, (*self.always, *customer, *headers))

    def signed(self, request: Request, who: Credentials | None) -> Request:
        """The request as it is sent now. A body that the caller has hashed is in `x-amz-content-sha256`; any other goes
        unsigned."""
        if who is None:
            return request
        path, _, query = request.target.partition("?")
        headers = {name.lower(): value for name, value in request.headers}
        headers["host"] = request.authority
        facts, payload = self.facts, headers.get("x-amz-content-sha256", UNSIGNED)
        scope, now = Scope(facts.region or self.region), time.time() + facts.skew
        proof = sign(who, scope, request.method, path, query, headers, payload=payload, now=now)
        return request.with_headers(*proof.items())

    def presigned(self, method: str, key: str, expires: int, query: Pairs, headers: Mapping[str, str]) -> str:
        """A URL that lets whoever has it do this for `expires` seconds, with exactly these headers. Raise `StoreDeniedError`,
        `InvalidValueError`."""
        if not 0 < expires <= WEEK:
            raise InvalidValueError(f"a presigned URL lives for 1 to {WEEK} seconds, not {expires}")
        if self.customer:
            told = f"{self.url} is encrypted with a key of yours, which whoever uses a presigned URL would have to send"
            raise InvalidValueError(told, hint="use sse=aws:kms in place of sse_customer_key_file")
        who = self.source.credentials()
        if who is None:
            raise StoreDeniedError(f"{self.url} is used without credentials, and cannot sign", hint="leave ?anonymous=1 out")
        request = self.request(method, key)
        signed = {name.lower(): value for name, value in headers.items()} | {"host": request.authority}
        pairs = [*query, *self.always]  # what is said by a header can be said there, too
        pairs += [("versionId", self.version)] if self.version and method == "GET" else []
        now = time.time() + self.facts.skew
        text = presign(who, self.scope, method, request.target, pairs, signed, expires=expires, now=now)
        return f"{request.scheme}://{request.authority}{request.target}?{text}"


@functools.lru_cache(maxsize=64)
def _server(endpoint: str, service: str, region: str, bucket: str, path_style: bool) -> tuple[str, str, int, str]:
    """Scheme, host, port, and the path below which the objects of the bucket lie."""
    if endpoint:
        parts = urlsplit(endpoint)
        scheme, host, base = parts.scheme, parts.hostname or "", parts.path.rstrip("/")
        port = parts.port or (443 if parts.scheme == "https" else 80)
    else:
        host = f"{service}.{region}.amazonaws.com" + (".cn" if region.startswith("cn-") else "")
        scheme, base, port = "https", "", 443
    return (scheme, host, port, f"{base}/{bucket}") if path_style else (scheme, f"{bucket}.{host}", port, base)


def is_region(text: str) -> bool:
    """Whether it may become part of a host's name."""
    return re.fullmatch(r"[A-Za-z0-9-]{1,63}", text) is not None


def parse_place(url: str) -> Place:
    """The place that `s3://bucket/prefix?option=…` names, with what variables and the profile add: the endpoint, the region, the
    credentials. Options: endpoint, region, style (`path` or `virtual`), profile, anonymous=1, requester_pays=1, sse,
    sse_kms_key_id, sse_customer_key_file, storage_class, version_id. Raise `InvalidValueError`, `SettingsError`,
    `StoreDeniedError`."""
    name, _, query = url.partition("?")  # not as URLs are split: a `#` is a character of keys
    scheme, _, path = name.partition("://")
    bucket, _, path = path.partition("/")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if scheme != "s3" or not _BUCKET(bucket):
        raise InvalidValueError(f"{shown_url(url)} does not name a bucket", hint="s3://bucket/prefix, without a user")
    if unknown := sorted(set(options) - set(_OPTIONS)):
        raise InvalidValueError(f"{unknown[0]} is no option of an S3 store", hint=f"there are {', '.join(_OPTIONS)}")
    profile = read_profile(options.get("profile"))
    endpoint = options.get("endpoint") or _endpoint() or ("" if _ignored() else profile.endpoint) or ""
    if endpoint and (urlsplit(endpoint).scheme not in ("http", "https") or not urlsplit(endpoint).hostname):
        raise InvalidValueError(f"the S3 endpoint {shown_url(endpoint)} is no URL", hint="http://host:port or https://host")
    if urlsplit(endpoint).username is not None:  # it would be part of every message that names the store
        raise InvalidValueError(f"the S3 endpoint {shown_url(endpoint)} names a user", hint="give a key as AWS's tools take it")
    style = options.get("style") or profile.style or "auto"
    if style not in ("path", "virtual", "auto"):
        raise InvalidValueError(f"{style} is no style of addresses", hint="style=path or style=virtual")
    prefix = unquote(path).strip("/")
    anonymous = _is_true(options, "anonymous")
    return Place(
        url=_shown(bucket, prefix, options, endpoint),
        bucket=bucket,
        prefix=f"{prefix}/" if prefix else "",
        endpoint=endpoint.rstrip("/"),
        region=_region(options, profile.get("region")),
        path_style=style == "path" or (style == "auto" and (bool(endpoint) or not _AS_HOST(bucket))),
        source=Anonymous() if anonymous else find_source(options.get("profile")),
        always=(("x-amz-request-payer", "requester"),) if _is_true(options, "requester_pays") else (),
        create=_create(options),
        version=options.get("version_id"),
        service=_service(profile),
        customer=_customer(options, endpoint),
    )


def _endpoint() -> str | None:
    return None if _ignored() else os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")


def _service(profile: Profile) -> str:
    """By variables and the profile: endpoints whose cryptography is certified, and endpoints that are reached by IPv6, too."""
    asked = {name: os.environ.get(f"AWS_{name.upper()}") or profile.get(name) or "" for name in _ENDPOINTS}
    return "s3" + "".join(part for name, part in _ENDPOINTS.items() if asked[name].lower() == "true")


_ENDPOINTS = {"use_fips_endpoint": "-fips", "use_dualstack_endpoint": ".dualstack"}


def _customer(options: Mapping[str, str], endpoint: str) -> CustomerKey | None:
    if "sse_customer_key_file" not in options:
        return None
    if "sse" in options:
        raise InvalidValueError("sse and sse_customer_key_file are two ways to encrypt", hint="use one of them")
    parts = urlsplit(endpoint)
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise InvalidValueError(f"a key would be sent to {endpoint} for all to read", hint="use an endpoint with https://")
    return read_customer_key(options["sse_customer_key_file"])


def _ignored() -> bool:
    return os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true"


def _region(options: Mapping[str, str], of_profile: str | None) -> str:
    variables = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    region = options.get("region") or variables or of_profile or "us-east-1"
    if not is_region(region):
        raise InvalidValueError(f"{region!r} is no region", hint="region=eu-west-1, for example")
    return region


def _is_true(options: Mapping[str, str], name: str) -> bool:
    value = options.get(name, "0").lower()
    if value not in ("0", "1", "true", "false"):
        raise InvalidValueError(f"{name}={value} is neither yes nor no", hint=f"{name}=1")
    return value in ("1", "true")


def _create(options: Mapping[str, str]) -> Headers:
    names = {
        "sse": "x-amz-server-side-encryption",
        "sse_kms_key_id": "x-amz-server-side-encryption-aws-kms-key-id",
        "storage_class": "x-amz-storage-class",
    }
    if options.get("sse", "AES256") not in ("AES256", "aws:kms", "aws:kms:dsse"):
        raise InvalidValueError(f"sse={options['sse']} is no encryption of S3's", hint="sse=AES256 or sse=aws:kms")
    if "sse_kms_key_id" in options and not options.get("sse", "").startswith("aws:kms"):
        raise InvalidValueError("sse_kms_key_id is given without sse", hint="sse=aws:kms&sse_kms_key_id=…")
    return tuple((header, options[name]) for name, header in names.items() if options.get(name))


def _shown(bucket: str, prefix: str, options: Mapping[str, str], endpoint: str) -> str:
    """The URL by which the store can be opened again, whatever the variables say then."""
    every = {**options, **({"endpoint": endpoint} if endpoint else {})}
    query = "&".join(f"{quote(name)}={quote(value, safe='/:')}" for name, value in sorted(every.items()))
    return f"s3://{bucket}" + (f"/{quote(prefix)}" if prefix else "") + (f"?{query}" if query else "")
