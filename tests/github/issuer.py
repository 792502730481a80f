"""An issuer of OIDC tokens: real RSA keys, its documents as bytes or over HTTP on loopback."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "https://gate.example"
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/.well-known/jwks"


@cache
def key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """An RSA key; the same for the same name."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def listed(name: str, **more: Any) -> dict[str, Any]:
    """The public half of a key as a key set lists it."""
    numbers = key(name).public_key().public_numbers()
    return {
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": name,
        "n": encoded(numbers.n), "e": encoded(numbers.e), **more,
    }  # fmt: skip


def encoded(number: int) -> str:
    """A number as JSON Web Keys write it."""
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class Issuer:
    """Signs with the newest of ``keys``; answers with all of them, and counts who asks."""

    def __init__(self, url: str = "https://issuer.example") -> None:
        self.url = url
        self.keys = ["first"]
        self.away = False
        self.asked: list[str] = []
        self.documents: dict[str, bytes] = {}

    def fetch(self, url: str) -> bytes:
        """The document at a URL, as `gate.github.tokens` is given it."""
        assert url.startswith(self.url)
        path = url[len(self.url) :]
        self.asked.append(path)
        if self.away:
            raise OSError("the issuer does not answer")
        return self.document(path)

    def document(self, path: str) -> bytes:
        """What it answers there."""
        usual = {
            DISCOVERY: {"issuer": self.url, "jwks_uri": self.url + JWKS},
            JWKS: {"keys": [listed(name) for name in self.keys]},
        }
        return self.documents.get(path) or json.dumps(usual[path]).encode()

    def claims(self, now: float, **more: Any) -> dict[str, Any]:
        """What GitHub says of a run on the main branch; None takes a claim out."""
        said = {
            "iss": self.url, "aud": AUDIENCE, "sub": "repo:octo/app:ref:refs/heads/main",
            "iat": int(now), "nbf": int(now) - 5, "exp": int(now) + 300, "jti": "1",
            "repository": "octo/app", "repository_owner": "octo", "ref": "refs/heads/main",
            "event_name": "push", "actor": "ada", "head_ref": "", "base_ref": "",
            "job_workflow_ref": "octo/app/.github/workflows/deploy.yml@refs/heads/main",
            **more,
        }  # fmt: skip
        return {name: value for name, value in said.items() if value is not None}

    def token(self, now: float, *, signed_by: str | None = None, **more: Any) -> str:
        """A token with these claims."""
        name = signed_by or self.keys[-1]
        return jwt.encode(
            self.claims(now, **more), key(name), algorithm="RS256", headers={"kid": name}
        )


@contextmanager
def serving() -> Iterator[Issuer]:
    """An issuer over HTTP on this machine, for the block."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            if issuer.away or self.path not in (DISCOVERY, JWKS):
                self.send_error(503 if issuer.away else 404)
                return
            body = issuer.document(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
