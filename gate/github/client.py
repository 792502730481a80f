"""How GitHub is reached: with which credentials, at which address, through PyGithub.

PyGithub waits a second between writes, repeats requests by itself and sleeps through rate limits;
all of that is switched off here, for whoever has 500 heads to move must decide it itself.
"""

import ipaddress
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from github import Auth, Github, GithubIntegration
from github.Requester import Requester

from gate import __version__
from gate.core.problems import InputError

DEFAULT_API_URL = "https://api.github.com"
TIMEOUT_SECONDS = 10
"""How long one connection or one silence of the server may last."""
_PER_PAGE = 100
_TOKEN = re.compile(r"[!-~]{1,4096}")
_APP_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LARGEST_KEY_BYTES = 64 * 1024


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token as it is: of a workflow, a person, or an installation."""

    token: str

    def __repr__(self) -> str:
        return "Token(…)"


class App(msgspec.Struct, frozen=True, kw_only=True):
    """A GitHub App: its id or client id, and its private key (PEM text)."""

    app_id: str
    key_pem: str

    def __repr__(self) -> str:
        return f"App(app_id={self.app_id!r}, …)"


Credentials = Token | App


def credentials(environ: Mapping[str, str]) -> Credentials:
    """``GITHUB_TOKEN``, else ``GATE_GITHUB_APP_ID`` and ``GATE_GITHUB_APP_KEY``.

    The key is PEM text or the path of a file with it. Raises `InputError` that says what is missing
    or cannot be used; it never repeats a secret.
    """
    if token := environ.get("GITHUB_TOKEN", "").strip():
        if not _TOKEN.fullmatch(token):
            raise InputError.of("this is no token", field="GITHUB_TOKEN")
        return Token(token=token)
    app_id = environ.get("GATE_GITHUB_APP_ID", "").strip()
    key = environ.get("GATE_GITHUB_APP_KEY", "").strip()
    if not app_id and not key:
        raise InputError.of(
            "there are no credentials for GitHub",
            field="GITHUB_TOKEN",
            mend="set GITHUB_TOKEN, or GATE_GITHUB_APP_ID and GATE_GITHUB_APP_KEY",
        )
    for name, value in (("GATE_GITHUB_APP_ID", app_id), ("GATE_GITHUB_APP_KEY", key)):
        if not value:
            raise InputError.of("an App needs it beside the other", field=name)
    if not _APP_ID.fullmatch(app_id):
        raise InputError.of("this is no App's id", field="GATE_GITHUB_APP_ID")
    return App(app_id=app_id, key_pem=_rsa_pem(key))


def api_url(environ: Mapping[str, str]) -> str:
    """``GITHUB_API_URL`` without a slash at its end, else GitHub's own.

    Raises `InputError` where it is no address, or would send credentials over the internet in
    clear text.
    """
    given = environ.get("GITHUB_API_URL", "").strip().rstrip("/") or DEFAULT_API_URL
    try:
        parts = urlsplit(given)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = None, None
    if (
        parts is None
        or not host
        or parts.scheme not in {"http", "https"}
        or parts.username is not None
        or parts.query
        or parts.fragment
        or any(character.isspace() for character in given)
    ):
        raise InputError.of(
            "this is no address of an API",
            field="GITHUB_API_URL",
            mend=f"write {DEFAULT_API_URL} or https://HOST/api/v3",
        )
    if parts.scheme == "http" and not _is_near(host):
        raise InputError.of(
            "http would send the token in clear text",
            field="GITHUB_API_URL",
            mend="use https",
        )
    return given


class Connection:
    """GitHub for one repository's work, from any number of threads.

    Each thread gets a PyGithub of its own, because a `Requester` is not made to be shared; an App's
    installation token is one for all, renewed shortly before it expires.
    """

    def __init__(
        self,
        what: Credentials,
        url: str = DEFAULT_API_URL,
        *,
        timeout_seconds: int = TIMEOUT_SECONDS,
    ) -> None:
        self.url = url
        self._what = what
        self._settings: dict[str, Any] = {
            "base_url": url,
            "timeout": timeout_seconds,
            "user_agent": f"saturday-gate/{__version__}",
            "per_page": _PER_PAGE,
            "retry": 0,
            "seconds_between_requests": None,
            "seconds_between_writes": None,
            "lazy": True,
        }
        self._lock = threading.Lock()
        self._local = threading.local()
        self._opened: list[Github | GithubIntegration] = []
        self._installations: dict[str, _InstallationAuth] = {}

    @property
    def is_app(self) -> bool:
        """Whether it works as an App."""
        return isinstance(self._what, App)

    def github(self, repository: str) -> Github:
        """This thread's client with the rights that there are on ``OWNER/NAME``.

        With an App the first call asks which installation has the repository. Raises what PyGithub
        and requests raise.
        """
        kept: dict[str, Github] = self._local.__dict__.setdefault("kept", {})
        key = repository.casefold() if self.is_app else ""
        if key not in kept:
            made = Github(auth=self._auth(repository), **self._settings)
            with self._lock:
                self._opened.append(made)
            kept[key] = made
        return kept[key]

    def requester(self, repository: str) -> Requester:
        """The same, for requests that PyGithub has no method for."""
        return self.github(repository).requester

    def integration(self) -> GithubIntegration:
        """A client of the App itself (not of an installation). `InputError` with a mere token."""
        if not isinstance(self._what, App):
            raise InputError.of("this needs an App's id and key", field="GATE_GITHUB_APP_ID")
        auth = Auth.AppAuth(self._what.app_id, self._what.key_pem)
        made = GithubIntegration(auth=auth, **self._settings)
        with self._lock:
            self._opened.append(made)
        return made

    def close(self) -> None:
        """Close every connection of every thread."""
        with self._lock:
            opened, self._opened = self._opened, []
        for each in opened:
            each.close()

    def _auth(self, repository: str) -> Auth.Auth:
        if isinstance(self._what, Token):
            return Auth.Token(self._what.token)
        with self._lock:
            known = self._installations.get(repository.casefold())
        if known is None:
            owner, _, name = repository.partition("/")
            found = self.integration().get_repo_installation(owner, name)
            app = Auth.AppAuth(self._what.app_id, self._what.key_pem)
            made = _InstallationAuth(app, found.id)
            with self._lock:
                known = self._installations.setdefault(repository.casefold(), made)
        return known


class _InstallationAuth(Auth.AppInstallationAuth):
    """An installation's token, shared by threads: one of them fetches, the others wait for it."""

    def __init__(self, app: Auth.AppAuth, installation_id: int) -> None:
        self._fetching = threading.RLock()
        self._bound = False
        super().__init__(app, installation_id)

    def withRequester(self, requester: Requester) -> "_InstallationAuth":  # noqa: N802
        """Keep the first thread's settings; every later thread's are the same."""
        with self._fetching:
            if not self._bound:
                self._bound = True
                super().withRequester(requester)
        return self

    @property
    def token(self) -> str:
        """The token, fetched where there is none or it expires within seconds."""
        with self._fetching:
            return super().token


def _rsa_pem(key: str) -> str:
    """The PEM text that was given, or that stands in the file that was named."""
    field = "GATE_GITHUB_APP_KEY"
    if not key.startswith("-----BEGIN"):
        try:
            with Path(key).open("rb") as stream:
                key = stream.read(_LARGEST_KEY_BYTES).decode()
        except (OSError, ValueError):
            raise InputError.of(
                "this is neither a PEM key nor a file that can be read", field=field
            ) from None
    # Some places keep a variable on one line, with the line ends written out.
    pem = key.replace("\\n", "\n").strip() + "\n"
    try:
        made = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        made = None
    if not isinstance(made, RSAPrivateKey):
        raise InputError.of(
            "this is no RSA private key",
            field=field,
            mend="use the .pem file that GitHub made for the App",
        )
    return pem


def _is_near(host: str) -> bool:
    """Whether a host is this machine or a private network, by its name or address alone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".internal", ".local", ".test"))
    return address.is_loopback or address.is_private or address.is_link_local
