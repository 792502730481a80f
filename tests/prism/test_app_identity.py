"""An App's requests for itself: which installation has the repository, and a token for it."""

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gate.github.client import App, Connection
from tests.github.fake import FakeGitHub
from tests.prism.tap import Tap
from tests.prism.test_checks import LOCKED, settle

BASE = "/repos/acme/bookings"


def test_an_app_takes_its_installations_token_and_works_with_it(fake: FakeGitHub, tap: Tap) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    number = fake.add_app("4711", key.public_key(), "acme/bookings")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    sha = fake.repository.pull(7).sha
    connection = Connection(App(app_id="4711", key_pem=pem), tap.url)
    try:
        assert settle(connection, LOCKED).complete
    finally:
        connection.close()
    assert fake.repository.states() == {sha: "in_progress"}
    paths = [(each.verb, each.path) for each in tap.exchanges]
    assert paths[:2] == [
        ("GET", f"{BASE}/installation"),
        ("POST", f"/app/installations/{number}/access_tokens"),
    ]
