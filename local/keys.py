"""Secrets of the one-machine stack, generated as they are needed."""

import secrets

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

SECRET_BYTES = 32
_SIGNING, _PUBLIC = "_SIGNING_KEY", "_PUBLIC_KEYS"  # how variables of key pairs end


def generate(variable: str) -> str:
    """Return a new value for a variable: an Ed25519 private key in PEM for a signing key, else random text."""
    if not variable.endswith(_SIGNING):
        return secrets.token_urlsafe(SECRET_BYTES)
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def signing_key_of(variable: str) -> str | None:
    """Return the variable of the signing key that belongs to one of public keys; None for any other variable."""
    return variable.removesuffix(_PUBLIC) + _SIGNING if variable.endswith(_PUBLIC) else None


def public_key(signing_key: str) -> str:
    """Return the public key of a private key, both in PEM."""
    key = load_pem_private_key(signing_key.encode(), password=None)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
