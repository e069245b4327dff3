"""Who we are to Google: bearer tokens through gcloud-aio-auth, shared by all lanes and loops of the process."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

from msgspec import Struct

from ...errors import StoreDeniedError, StoreError, StoreUnavailableError
from ..halt import Halted, current_halt
from ..http.request import Request
from ..threads import in_thread

T = TypeVar("T")
SCOPES = ["https://www.googleapis.com/auth/devstorage.read_write"]
LOG_IN = "set GOOGLE_APPLICATION_CREDENTIALS to a file of credentials, or run: gcloud auth application-default login"
_SPARE = 300.0  # a token is replaced so many seconds before it ends: a request on its way still needs it
_YOUNG = 60.0
_WAIT = 10.0  # for an answer of who gives out tokens


class Bearer(Struct, frozen=True):
    """Signs requests with a token of a file's credentials, or of what the machine offers. `anonymous`: with nothing."""

    file: str | None = None
    anonymous: bool = False

    def sign(self, request: Request) -> Request:
        """May block for a fresh token; not to be called on a loop. Raise `StoreDeniedError`, `StoreUnavailableError`."""
        if self.anonymous:
            return request
        _check_googles(request)
        return _bearing(_kept(self.file).get(), request)

    async def signed(self, request: Request) -> Request:
        """The same, from a loop."""
        if self.anonymous:
            return request
        _check_googles(request)
        token = _kept(self.file).fresh()
        return await in_thread(lambda: self.sign(request)) if token is None else _bearing(token, request)

    def renew(self, request: Request) -> bool:
        """Forget the token that this request bore, for the server did not take it. False if another will not help."""
        said = request.header("Authorization")
        return not self.anonymous and said is not None and _kept(self.file).forget(said.removeprefix("Bearer "))


def _check_googles(request: Request) -> None:
    """Whoever gets a token may do all that we may. Raise `StoreDeniedError` for an endpoint that is neither Google's nor here:
    the URL may be another's, as in the project file of a folder that was cloned."""
    googles = request.scheme == "https" and request.host.endswith(".googleapis.com")
    if not (googles or request.host in ("localhost", "127.0.0.1", "::1")):
        raise StoreDeniedError(
            f"{request.shown} is no server of Google's: a token would be given away", hint="add ?anonymous=1 if it asks for none"
        )


def _bearing(token: str, request: Request) -> Request:
    return request.with_headers(("Authorization", f"Bearer {token}"))


class _Kept:
    """The present token of one set of credentials."""

    def __init__(self, file: str | None) -> None:
        self.file = file
        self._lock = threading.Lock()
        self._token, self._born, self._until = "", 0.0, 0.0  # by the monotonic clock
        self._forgotten = self._second = False  # whether the present token is in the place of one that was refused

    def fresh(self) -> str | None:
        token, until = self._token, self._until
        return token if token and time.monotonic() < until else None

    def get(self) -> str:
        """Block until there is a fresh one. One thread asks for it, the others wait."""
        if (token := self.fresh()) is not None:
            return token
        halt = current_halt()
        while not self._lock.acquire(timeout=0.05):
            halt.check()
        try:
            if (token := self.fresh()) is None:
                token, lifetime = _run(_refresh(self.file))
                self._token, self._born = token, time.monotonic()
                self._until = self._born + max(lifetime - _SPARE, lifetime / 2)
                self._second, self._forgotten = self._forgotten, False
            return token
        finally:
            self._lock.release()

    def forget(self, token: str) -> bool:
        """Of all who come with the same old token the first makes room for a new one. False if two in a row were refused: it is
        not their age."""
        if token == self._token:
            self._until, self._forgotten = 0.0, True
            return not self._second or time.monotonic() - self._born > _YOUNG
        return True


_all: dict[str | None, _Kept] = {}
_all_lock = threading.Lock()


def _kept(file: str | None) -> _Kept:
    found = _all.get(file)
    if found is None:
        with _all_lock:
            found = _all.setdefault(file, _Kept(file))
    return found


def _run(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` on a loop of its own in this thread, cancelled when the work of the thread is given up."""
    halt = current_halt()
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)

        def cancel() -> None:
            loop.call_soon_threadsafe(task.cancel)

        with halt.closing(cancel):
            try:
                return loop.run_until_complete(task)
            except asyncio.CancelledError:
                raise Halted from None


async def _refresh(file: str | None) -> tuple[str, float]:
    """A new token and the seconds for which it is good."""
    import aiohttp  # here, and not above: together they take half a second
    from gcloud.aio.auth import Token
    from gcloud.aio.auth.token import Type

    async with aiohttp.ClientSession(trust_env=True) as session:
        try:
            source = Token(service_file=file, session=cast("Any", session), scopes=SCOPES)
        except FileNotFoundError as error:
            raise StoreDeniedError(f"{error.filename}: no such file of Google credentials", hint=LOG_IN) from error
        except Exception as error:  # the library raises many kinds for what a file may hold
            raise StoreDeniedError(f"{file or 'the default credentials'}: no Google credentials: {error}", hint=LOG_IN) from error
        machine = source.token_type is Type.GCE_METADATA
        if machine and file is not None:  # the library passes silently over a file that it cannot read
            raise StoreDeniedError(f"{file} holds no Google credentials", hint=LOG_IN)
        try:
            # Not `Token.get`: it would try five times, with waits of up to a minute. Here the caller's retries decide.
            found = await source.refresh(timeout=int(_WAIT))
        except (aiohttp.ClientError, TimeoutError) as error:
            raise _untold(error, machine) from error
        except Exception as error:
            raise StoreDeniedError(f"no token for Google Cloud Storage: {error!r}", hint=LOG_IN) from error
        return found.value, float(found.expires_in)


def _untold(error: Exception, machine: bool) -> StoreError:
    """What it means that no token came. On a machine of Google's own there is a service that gives them out; elsewhere its name
    is not even known."""
    import aiohttp

    if isinstance(error, aiohttp.ClientResponseError):
        if error.status == 429 or error.status >= 500:
            return StoreUnavailableError(f"no token for Google Cloud Storage now: {error.status} {error.message}")
        return StoreDeniedError(f"Google refuses the credentials: {error.status} {error.message[:200]}", hint=LOG_IN)
    if machine:
        return StoreDeniedError(
            "there are no credentials for Google Cloud Storage", hint=f"{LOG_IN}; for a public bucket add ?anonymous=1"
        )
    return StoreUnavailableError(f"no token for Google Cloud Storage: {error or type(error).__name__}", hint="check the network")
