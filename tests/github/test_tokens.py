"""Whose token it is, and whether that gives rights: each ending told from the others."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from gate.core.policy import TokenGrant, TokenRules
from gate.github.token_keys import Keeping, keys_of, require_https
from gate.github.tokens import Claims, Outage, Refusal, Verifier
from tests.github.issuer import AUDIENCE, DISCOVERY, JWKS, Issuer, encoded, key, listed

START = datetime(2026, 6, 13, 12, tzinfo=UTC)


def rules(allow: tuple[TokenGrant, ...] = (TokenGrant(repository="octo/*"),)) -> TokenRules:
    return TokenRules(issuer="https://issuer.example", audience=AUDIENCE, allow=allow)


RULES = rules()


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        self.now += timedelta(**span)

    @property
    def seconds(self) -> float:
        return self.now.timestamp()


class World:
    """An issuer, a clock and a verifier that knows both."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.issuer = Issuer()
        self.verifier = Verifier(self.issuer.fetch, self.clock, keeping=Keeping())

    def judge(self, token: str, given: TokenRules = RULES) -> Claims | Refusal | Outage:
        return self.verifier.judge(token, given)

    def shown(self, given: TokenRules = RULES, **claims: Any) -> Claims | Refusal | Outage:
        return self.judge(self.issuer.token(self.clock.seconds, **claims), given)


@pytest.fixture
def world() -> World:
    return World()


def segment(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(header: Any, payload: Any, name: str = "first") -> str:
    """A token that says what it likes, with a good signature by RS256."""
    body = f"{segment(header)}.{segment(payload)}"
    algorithm = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    return f"{body}.{segment(algorithm.sign(body.encode(), key(name)))}"


def kind(judged: Claims | Refusal | Outage) -> str:
    return judged.kind if isinstance(judged, Refusal) else type(judged).__name__


def test_a_token_of_a_listed_repository_is_believed(world: World) -> None:
    judged = world.shown(environment="production")
    assert isinstance(judged, Claims)
    assert (judged.repository, judged.ref, judged.actor, judged.environment) == (
        "octo/app", "refs/heads/main", "ada", "production",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("event", "actor", "invoker"),
    [
        ("workflow_dispatch", "ada", "human"),
        ("workflow_dispatch", "renovate[bot]", "automation"),
        ("workflow_dispatch", None, "automation"),
        ("push", "ada", "automation"),
        ("schedule", "ada", "automation"),
        (None, "ada", "automation"),
    ],
)
def test_a_person_is_only_who_started_the_run_by_hand(
    world: World, event: str | None, actor: str | None, invoker: str
) -> None:
    judged = world.shown(event_name=event, actor=actor)
    assert isinstance(judged, Claims)
    assert judged.invoker == invoker


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://other.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"aud": "https://other.example"}, "audience"),
        ({"aud": None}, "audience"),
        ({"aud": []}, "audience"),
        ({"aud": {AUDIENCE: 1}}, "audience"),
        ({"exp": START.timestamp() - 31}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": "2036"}, "exp"),
        ({"exp": 10**400}, "exp"),
        ({"exp": float("inf")}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"exp": -1}, "exp"),
        ({"iat": START.timestamp() + 31}, "future"),
        ({"iat": None}, "iat"),
        ({"nbf": START.timestamp() + 31}, "not valid yet"),
        ({"nbf": "now"}, "nbf"),
    ],
)
def test_what_is_not_for_us_and_now_is_unverified(
    world: World, claims: dict[str, Any], reason: str
) -> None:
    header = {"alg": "RS256", "kid": "first"}
    judged = world.judge(signed(header, world.issuer.claims(world.clock.seconds, **claims)))
    assert isinstance(judged, Refusal)
    assert judged.kind == "unverified"
    assert reason in judged.reason


def test_clocks_may_differ_a_little(world: World) -> None:
    at = world.clock.seconds
    assert kind(world.shown(exp=at - 29)) == "Claims"
    assert kind(world.shown(iat=at + 29, nbf=at + 29)) == "Claims"
    assert kind(world.shown(nbf=None)) == "Claims"
    assert kind(world.shown(aud=[AUDIENCE])) == "Claims"


def hs256(header: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    body = f"{segment(header)}.{segment(claims)}"
    return f"{body}.{segment(hmac.new(secret, body.encode(), hashlib.sha256).digest())}"


def test_a_token_without_a_signature_or_with_a_confused_key_is_unverified(world: World) -> None:
    claims = world.issuer.claims(world.clock.seconds)
    good = world.issuer.token(world.clock.seconds)
    head, payload, signature = good.split(".")
    public = key("first").public_key()
    pem = public.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    forged = [
        f"{segment({'alg': 'none', 'kid': 'first'})}.{payload}.",
        f"{segment({'alg': 'None', 'kid': 'first'})}.{payload}.{signature}",
        f"{segment({'alg': 'RS256', 'kid': 'first'})}.{payload}.",
        f"{head}.{segment({**claims, 'repository': 'octo/secret'})}.{signature}",
        hs256({"alg": "HS256", "kid": "first"}, claims, pem),
        hs256({"alg": "RS256", "kid": "first"}, claims, pem),
        signed({"alg": "RS512", "kid": "first"}, claims),
        signed({"alg": "rs256", "kid": "first"}, claims),
        signed({"alg": "RS256", "kid": "first", "crit": ["exp"]}, claims),
        signed({"alg": "RS256", "kid": "first", "b64": False, "crit": ["b64"]}, claims),
        signed({"alg": "RS256"}, claims),
        signed({"alg": "RS256", "kid": ["first"]}, claims),
        signed({"alg": "RS256", "kid": ""}, claims),
        # Signed well, by a key of the forger's that the header brings along or points to.
        signed({"alg": "RS256", "kid": "first", "jwk": listed("mallory")}, claims, "mallory"),
        signed({"alg": "RS256", "kid": "first", "jku": "https://x.example"}, claims, "mallory"),
        signed({"alg": "RS256", "kid": "mallory"}, claims, "mallory"),
        signed({"alg": "RS256", "kid": "first"}, [claims]),
        signed({"alg": "RS256", "kid": "first"}, b'{"iss": "a", "iss": "b"}'),
        signed({"alg": "RS256", "kid": "first"}, b"[" * 10_000),
        signed({"alg": "RS256", "kid": "first"}, b"\xff"),
        signed([], claims), signed("RS256", claims),
        "", ".", "..", "...", "a.b.c", good + "." + signature, good * 20, "ä.ö.ü", "\ud800",
    ]  # fmt: skip
    for token in forged:
        assert kind(world.judge(token)) == "unverified", token[:80]
    assert set(world.issuer.asked) == {DISCOVERY, JWKS}
    assert kind(world.judge(good)) == "Claims"


@given(st.text(max_size=300))
def test_any_text_is_unverified(text: str) -> None:
    assert kind(World().judge(text)) == "unverified"


@given(st.data())
def test_a_token_that_was_changed_anywhere_is_unverified(data: st.DataObject) -> None:
    world = World()
    token = world.issuer.token(world.clock.seconds)
    place = data.draw(st.integers(0, len(token) - 1))
    sign = data.draw(st.characters(min_codepoint=33, max_codepoint=126))
    changed = token[:place] + sign + token[place + 1 :]
    judged = world.judge(changed)
    if isinstance(judged, Claims):
        # Base64 leaves bits of the last character unused: the bytes are the same then.
        assert place == len(token) - 1 or changed == token
    else:
        assert kind(judged) == "unverified"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(
    st.dictionaries(
        st.sampled_from([*Claims.__struct_fields__, "iss", "aud", "exp", "nbf", "iat"]),
        json_values,
        max_size=4,
    )
)
def test_any_claims_are_judged(changed: dict[str, Any]) -> None:
    world = World()
    claims = {**world.issuer.claims(world.clock.seconds), **changed}
    assert kind(world.judge(signed({"alg": "RS256", "kid": "first"}, claims))) in {
        "Claims", "unverified", "forbidden",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("grant", "claims", "allowed"),
    [
        ({"repository": "octo/app"}, {}, True),
        ({"repository": "octo/*"}, {}, True),
        ({"repository": "octo"}, {}, False),
        ({"repository": "Octo/App"}, {}, False),
        ({"repository": "octo/app", "ref": "refs/heads/main"}, {}, True),
        ({"repository": "octo/app", "ref": "refs/heads/*"}, {}, True),
        ({"repository": "octo/app", "ref": "refs/tags/v*"}, {}, False),
        ({"repository": "octo/app", "environment": "prod*"}, {"environment": "production"}, True),
        ({"repository": "octo/app", "environment": "prod*"}, {"environment": "staging"}, False),
        ({"repository": "octo/app", "environment": "*"}, {}, False),
        ({"repository": "octo/app", "job_workflow_ref": "octo/app/*@refs/heads/main"}, {}, True),
        ({"repository": "octo/app", "job_workflow_ref": "*"}, {"job_workflow_ref": None}, False),
        ({"repository": "octo/app", "ref": "*"}, {"ref": None}, False),
        ({"repository": "octo/app", "ref": "refs/heads/main", "environment": "x"}, {}, False),
    ],
)
def test_an_entry_of_the_list_matches_with_all_that_it_names(
    world: World, grant: dict[str, str], claims: dict[str, Any], allowed: bool
) -> None:
    judged = world.shown(rules(allow=(TokenGrant(**grant),)), **claims)
    assert kind(judged) == ("Claims" if allowed else "forbidden")


def test_an_empty_list_is_nobody_and_any_entry_is_enough(world: World) -> None:
    assert kind(world.shown(rules(allow=()))) == "forbidden"
    entries = (TokenGrant(repository="other/x"), TokenGrant(repository="octo/app"))
    assert kind(world.shown(rules(allow=entries))) == "Claims"


@pytest.mark.parametrize(
    "claims",
    [
        {"event_name": "pull_request", "ref": "refs/pull/7/merge", "head_ref": "topic"},
        {"event_name": "pull_request", "ref": "refs/heads/main"},
        {"event_name": "pull_request_target", "ref": "refs/heads/main", "head_ref": "topic"},
        {"event_name": "pull_request_target"},
        {"event_name": "pull_request_review", "ref": "refs/pull/7/merge"},
        {"event_name": "pull_request_review_comment"},
        {"event_name": "push", "ref": "refs/pull/7/head"},
        {"event_name": "workflow_dispatch", "ref": "refs/pull/7/merge"},
        {"event_name": None, "head_ref": "topic"},
        {"event_name": None, "sub": "repo:octo/app:pull_request"},
        {"repository_owner": "mallory"},
    ],
)
def test_a_pull_request_has_no_rights_whatever_the_list_says(
    world: World, claims: dict[str, Any]
) -> None:
    assert kind(world.shown(rules(allow=(TokenGrant(repository="*"),)), **claims)) == "forbidden"


@pytest.mark.parametrize(
    "claims",
    [
        {"repository": None}, {"repository": "octo"}, {"repository": "octo/app/x"},
        {"repository": "octo/a\npp"}, {"repository": 7}, {"ref": ["refs/heads/main"]},
        {"event_name": 0},
    ],
)  # fmt: skip
def test_claims_that_name_no_repository_give_no_rights(
    world: World, claims: dict[str, Any]
) -> None:
    assert kind(world.shown(rules(allow=(TokenGrant(repository="*"),)), **claims)) == "forbidden"


def test_keys_are_read_once_and_again_when_they_are_no_longer_fresh(world: World) -> None:
    for _ in range(5):
        assert kind(world.shown()) == "Claims"
    assert world.issuer.asked == [DISCOVERY, JWKS]
    world.clock.pass_(minutes=16)
    assert kind(world.shown()) == "Claims"
    assert world.issuer.asked == [DISCOVERY, JWKS] * 2


def test_a_new_key_is_found_and_a_withdrawn_one_forgotten(world: World) -> None:
    assert kind(world.shown()) == "Claims"
    world.clock.pass_(minutes=1)
    world.issuer.keys = ["second"]
    assert kind(world.shown()) == "Claims"
    assert kind(world.shown(signed_by="first")) == "unverified"


def test_invented_keys_do_not_hammer_the_issuer(world: World) -> None:
    for number in range(50):
        token = signed({"alg": "RS256", "kid": f"invented-{number}"}, {}, "mallory")
        assert kind(world.judge(token)) == "unverified"
    assert world.issuer.asked == [DISCOVERY, JWKS]
    world.clock.pass_(seconds=31)
    assert kind(world.judge(signed({"alg": "RS256", "kid": "x"}, {}, "mallory"))) == "unverified"
    assert world.issuer.asked == [DISCOVERY, JWKS] * 2


def test_the_last_keys_hold_for_a_while_when_the_issuer_is_away(world: World) -> None:
    assert kind(world.shown()) == "Claims"
    world.issuer.away = True
    world.clock.pass_(hours=5)
    assert kind(world.shown()) == "Claims"
    # A key that is not known may be a new one: nobody can tell.
    assert kind(world.shown(signed_by="second")) == "Outage"
    world.clock.pass_(hours=2)
    assert kind(world.shown()) == "Outage"
    world.issuer.away = False
    world.clock.pass_(seconds=31)
    assert kind(world.shown()) == "Claims"


def test_an_issuer_that_was_never_heard_of_cannot_be_judged(world: World) -> None:
    world.issuer.away = True
    judged = world.shown()
    assert isinstance(judged, Outage)
    assert "issuer.example" in judged.reason
    assert kind(world.judge("a.b.c")) == "unverified"


@pytest.mark.parametrize(
    ("path", "document"),
    [
        (DISCOVERY, b"no json"),
        (DISCOVERY, b"[]"),
        (DISCOVERY, b'{"issuer": "https://other.example", "jwks_uri": "https://x.example"}'),
        (DISCOVERY, b'{"issuer": "https://issuer.example"}'),
        (DISCOVERY, b'{"issuer": "https://issuer.example", "jwks_uri": "http://x.example/k"}'),
        (DISCOVERY, b'{"issuer": "https://issuer.example", "jwks_uri": "file:///etc/passwd"}'),
        (JWKS, b"{}"),
        (JWKS, b'{"keys": []}'),
        (JWKS, b'{"keys": 7}'),
        (JWKS, b"[" * 100_000),
        (JWKS, json.dumps({"keys": [{"kid": "first"}] * 100}).encode()),
    ],
)
def test_documents_that_are_none_are_an_outage(world: World, path: str, document: bytes) -> None:
    world.issuer.documents[path] = document
    assert kind(world.shown()) == "Outage"


@pytest.mark.parametrize(
    "bad",
    [
        {"kty": "EC"}, {"kty": "oct", "k": "c2VjcmV0"}, {"use": "enc"}, {"alg": "RS512"},
        {"n": 5}, {"n": None}, {"e": "!"}, {"n": "AQAB"}, {"n": "A" * 9000}, {"kid": None},
        {"kid": 7}, {"kid": ""}, {"e": "AA"}, {"n": encoded(1 << 2047)},
    ],
)  # fmt: skip
def test_keys_that_are_no_good_are_left_out(bad: dict[str, Any]) -> None:
    document = json.dumps({"keys": [listed("first"), listed("second", **bad), 7, None]}).encode()
    assert list(keys_of(document)) == ["first"]


def test_a_set_with_two_keys_of_one_id_is_none() -> None:
    with pytest.raises(ValueError, match="same id"):
        keys_of(json.dumps({"keys": [listed("first"), listed("first")]}).encode())


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://token.actions.githubusercontent.com", True),
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://token.actions.githubusercontent.com", False),
        ("http://127.0.0.1.evil.example", False),
        ("ftp://127.0.0.1", False),
        ("https://", False),
        ("//issuer.example", False),
    ],
)
def test_an_issuer_answers_over_https_or_on_this_machine(url: str, good: bool) -> None:
    if good:
        require_https(url)
        return
    with pytest.raises(ValueError, match="https"):
        require_https(url)
