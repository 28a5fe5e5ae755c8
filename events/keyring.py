"""Keys of signatures, as text in environment variables.

Tokens are signed with Ed25519 (RFC 8037). One variable holds the signing key, and another the public keys that are
accepted, one after the other; both are PEM as OpenSSL writes it. A key's id (`kid`) is its JWK thumbprint (RFC 7638),
so that no list of ids has to be kept.

Checking keys does not load the library `cryptography`, which takes as long as all else that a small function imports: a
process checks its keys when it starts, and loads the library for its first token.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "EdDSA"
MIN_SECRET_BYTES = 32  # of an HMAC with SHA-256 (RFC 7518, section 3.2)
KEY_BYTES = 32
# What DER has before the bytes of an Ed25519 key (RFC 8410).
_DER_PREFIXES = {
    "PUBLIC KEY": bytes.fromhex("302a300506032b6570032100"),
    "PRIVATE KEY": bytes.fromhex("302e020100300506032b657004220420"),
}
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----")


class KeyTextError(ValueError):
    """A variable's text is not the keys that it should be; the message never holds a part of the text."""


def read_signing_key(text: str) -> bytes:
    """Return the bytes of the Ed25519 private key in a PEM text. Raises KeyTextError if it holds anything else."""
    found = _read(text, "PRIVATE KEY")
    if len(found) > 1:
        raise KeyTextError("it holds several private keys, and only one can sign")
    return found[0]


def read_public_keys(text: str) -> dict[str, bytes]:
    """Return the Ed25519 public keys in a PEM text by their ids. Raises KeyTextError if it holds anything else."""
    return {key_id(key): key for key in _read(text, "PUBLIC KEY")}


def read_secrets(text: str) -> list[str]:
    """Return the secrets of HMACs in a text with a line for each.

    Raises:
        KeyTextError: there is none, or one is shorter than 32 bytes.
    """
    found = [secret for line in text.split("\n") if (secret := line.strip())]
    if not found:
        raise KeyTextError("it holds no key")
    if any(len(secret.encode()) < MIN_SECRET_BYTES for secret in found):
        raise KeyTextError(f"a key in it is shorter than {MIN_SECRET_BYTES} bytes")
    return found


def key_id(public_key: bytes) -> str:
    """Return the thumbprint of a public key, which tokens name in their header as `kid`."""
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": _base64url(public_key)}
    return _base64url(hashlib.sha256(json.dumps(jwk, separators=(",", ":")).encode()).digest())


def sign(claims: Mapping[str, Any], signing_key: str) -> str:
    """Return a JSON Web Token with these claims. Raises KeyTextError if the PEM text is not one Ed25519 private key."""
    import jwt  # noqa: PLC0415 - see above

    key, its_id = _loaded_signing_key(signing_key)
    return jwt.encode(dict(claims), key, ALGORITHM, headers={"kid": its_id})


@lru_cache(maxsize=8)
def public_keys(text: str) -> Mapping[str, "Ed25519PublicKey"]:
    """Return the keys of `read_public_keys` as the library verifies with them."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - see above

    return {its_id: Ed25519PublicKey.from_public_bytes(key) for its_id, key in read_public_keys(text).items()}


@lru_cache(maxsize=8)
def _loaded_signing_key(text: str) -> tuple["Ed25519PrivateKey", str]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - see above

    key = Ed25519PrivateKey.from_private_bytes(read_signing_key(text))
    return key, key_id(key.public_key().public_bytes_raw())


def _read(text: str, kind: str) -> list[bytes]:
    blocks = _PEM.findall(text)
    if not blocks or _PEM.sub("", text).strip():
        raise KeyTextError(f"it is not a {kind.lower()} in PEM")
    if wrong := sorted({found for found, _ in blocks} - {kind}):
        raise KeyTextError(f"its PEM says {wrong[0]} and should say {kind}")
    return [_key_bytes(content, _DER_PREFIXES[kind]) for _, content in blocks]


def _key_bytes(content: str, prefix: bytes) -> bytes:
    try:
        der = base64.b64decode("".join(content.split()), validate=True)
    except binascii.Error as error:
        raise KeyTextError("a key in it is cut off or damaged") from error
    if not der.startswith(prefix) or len(der) != len(prefix) + KEY_BYTES:
        raise KeyTextError("a key in it is not of Ed25519")
    return der.removeprefix(prefix)


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
