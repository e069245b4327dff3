"""Where S3 credentials come from: variables and files read here, everything beyond them through aiobotocore, loaded only then.

A source is a small value that says where to look. What was found is kept by the process, and looked for again before it expires.
"""

import asyncio
import importlib
import os
import threading
import time
from typing import Any

from msgspec import Struct

from ...errors import StoreDeniedError
from ..threads import aside, patiently
from .profile import Profile, read_profile
from .signing import Credentials

# Settings of a profile that stand for credentials which have to be fetched, and so outrank keys beside them.
_FETCHED = ("role_arn", "sso_session", "sso_start_url", "login_session")
_CHECKED = 60.0  # seconds for which what the chain said is believed; it renews many minutes before they expire
_HINT = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a profile of ~/.aws by AWS_PROFILE or ?profile=…; "
    "add ?anonymous=1 for a bucket that is open to everybody"
)


class Anonymous(Struct, frozen=True, tag=True):
    """Nobody: requests are not signed."""

    def credentials(self) -> Credentials | None:
        return None

    def renew(self, refused: Credentials | None) -> bool:
        """Whether there are others than those that the store refused."""
        return False


class Static(Struct, frozen=True, tag=True):
    """Keys as they stand in a variable, a file or an argument."""

    keys: Credentials

    def credentials(self) -> Credentials | None:
        return self.keys

    def renew(self, refused: Credentials | None) -> bool:
        return False


class Chain(Struct, frozen=True, tag=True):
    """What AWS's own chain finds: roles, SSO, a process, a web identity, a container, the instance."""

    profile: str | None = None

    def credentials(self) -> Credentials | None:
        """May block for a network. Raise `StoreDeniedError`."""
        return _chained(self.profile).current()

    def renew(self, refused: Credentials | None) -> bool:
        return _chained(self.profile).renew(refused)


Source = Anonymous | Static | Chain


def find_source(profile: str | None = None) -> Source:
    """Where the credentials are, in AWS's order; a `profile` that was asked for outranks the variables. Raise
    `StoreDeniedError`."""
    if profile is None:
        if access := os.environ.get("AWS_ACCESS_KEY_ID"):
            return Static(_of_variables(access))
        if os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            return Chain()
    found = read_profile(profile)
    if not found.exists and (profile or found.name != "default"):
        raise StoreDeniedError(f"there is no AWS profile {found.name!r}", hint="look into ~/.aws/config and ~/.aws/credentials")
    return _of_profile(found) or Chain(profile)


def _of_variables(access: str) -> Credentials:
    secret = os.environ.get("AWS_SECRET_ACCESS_KEY")
    if not secret:
        raise StoreDeniedError("AWS_ACCESS_KEY_ID is set and AWS_SECRET_ACCESS_KEY is not", hint="set both, or neither")
    return Credentials(access, secret, os.environ.get("AWS_SESSION_TOKEN") or os.environ.get("AWS_SECURITY_TOKEN") or None)


def _of_profile(found: Profile) -> Static | None:
    if any(found.get(name) for name in _FETCHED):
        return None
    for settings in (found.shared, found.config):
        if access := settings.get("aws_access_key_id"):
            secret = settings.get("aws_secret_access_key")
            if not secret:
                raise StoreDeniedError(f"the AWS profile {found.name!r} has a key without its secret", hint="add the secret")
            return Static(Credentials(access, secret, settings.get("aws_session_token") or None))
        if found.get("credential_process"):
            return None  # it stands between the two files
    return None


_chains: dict[str | None, "_Chained"] = {}
_making = threading.Lock()


def _chained(profile: str | None) -> "_Chained":
    with _making:
        if profile not in _chains:
            _chains[profile] = _Chained(profile)
        return _chains[profile]


class _Chained:
    """One chain of this process. Blocking: called in lanes and threads, of which the first asks for all."""

    def __init__(self, profile: str | None) -> None:
        self._profile, self._lock = profile, threading.Lock()
        self._found: Credentials | None = None
        self._holder: Any = None  # aiobotocore's credentials, which know when they expire
        self._believed = 0.0

    def current(self) -> Credentials:
        with patiently(self._lock):
            if self._found is None or time.monotonic() > self._believed:
                # Taken away meanwhile: who is left alone with it, because we gave up, must not share it with the next.
                holder, self._holder = self._holder, None
                self._holder, self._found = aside(lambda: _ask(self._profile, holder))
                self._believed = time.monotonic() + _CHECKED
            return self._found

    def renew(self, refused: Credentials | None) -> bool:
        with patiently(self._lock):
            if self._found == refused:  # else somebody else has done it
                self._holder = self._found = None
        return self.current() != refused


def _ask(profile: str | None, holder: Any) -> tuple[Any, Credentials]:
    try:
        return asyncio.run(_ask_chain(profile, holder))
    except StoreDeniedError:
        raise
    except Exception as error:  # botocore has dozens, of which those of this chain have no common base
        raise StoreDeniedError(f"AWS credentials could not be fetched: {error}", hint=_HINT) from error


async def _ask_chain(profile: str | None, holder: Any) -> tuple[Any, Credentials]:
    if holder is None:
        try:
            module = importlib.import_module("aiobotocore.session")
        except ImportError as error:
            hint = f"{_HINT}. Roles, SSO and the like need pip install 'lading[s3]'"
            raise StoreDeniedError("there are no AWS credentials in variables and files", hint=hint) from error
        holder = await module.AioSession(profile=profile).get_credentials()
    if holder is None:
        raise StoreDeniedError("there are no AWS credentials", hint=_HINT)
    frozen = await holder.get_frozen_credentials()
    return holder, Credentials(frozen.access_key, frozen.secret_key, frozen.token)
