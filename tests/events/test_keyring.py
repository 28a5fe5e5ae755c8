"""What counts as the keys of a variable, and what is said of other text."""

import subprocess

import jwt
import pytest

from events import keyring
from events.keyring import KeyTextError

# The key pair of RFC 8037, appendix A, and its thumbprint.
SIGNING_KEY = """-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
"""
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
-----END PUBLIC KEY-----
"""
KEY_ID = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
OF_RSA = "openssl genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048"
OF_X25519 = "openssl genpkey -algorithm x25519"


def made(command: str, text: str = "") -> str:
    return subprocess.run(command.split(), input=text, check=True, capture_output=True, text=True).stdout


def test_a_token_names_the_thumbprint_of_its_key() -> None:
    token = keyring.sign({"aud": "x"}, SIGNING_KEY)
    assert jwt.get_unverified_header(token) == {"alg": "EdDSA", "kid": KEY_ID, "typ": "JWT"}
    assert list(keyring.read_public_keys(PUBLIC_KEY)) == [KEY_ID]
    assert jwt.decode(token, keyring.public_keys(PUBLIC_KEY)[KEY_ID], ["EdDSA"], audience="x") == {"aud": "x"}


def test_keys_are_read_as_openssl_writes_them() -> None:
    private = made("openssl genpkey -algorithm ed25519")
    public = made("openssl pkey -pubout", private)
    token = keyring.sign({"sub": "x"}, private)
    assert jwt.get_unverified_header(token)["kid"] in keyring.read_public_keys(PUBLIC_KEY + public)


PUBLIC = {
    "nothing": ("", "it is not a public key in PEM"),
    "an HMAC's secret": ("x" * 64, "it is not a public key in PEM"),
    "text beside keys": (PUBLIC_KEY + "x", "it is not a public key in PEM"),
    "a header without its end": (PUBLIC_KEY[:-30], "it is not a public key in PEM"),
    "a private key": (SIGNING_KEY, "its PEM says PRIVATE KEY and should say PUBLIC KEY"),
    "a private key beside a public one": (
        PUBLIC_KEY + SIGNING_KEY,
        "its PEM says PRIVATE KEY and should say PUBLIC KEY",
    ),
    "a key that lost a character": (PUBLIC_KEY.replace("URo=", "Ro="), "a key in it is cut off or damaged"),
    "a key that lost a byte": (PUBLIC_KEY.replace("cHURo=", "cHUQ=="), "a key in it is not of Ed25519"),
    "a key of X25519": (made("openssl pkey -pubout", made(OF_X25519)), "a key in it is not of Ed25519"),
    "a key of RSA": (made("openssl pkey -pubout", made(OF_RSA)), "a key in it is not of Ed25519"),
}
PRIVATE = {
    "nothing": ("", "it is not a private key in PEM"),
    "two keys": (SIGNING_KEY * 2, "it holds several private keys, and only one can sign"),
    "a public key": (PUBLIC_KEY, "its PEM says PUBLIC KEY and should say PRIVATE KEY"),
    "a key of RSA": (made(OF_RSA), "a key in it is not of Ed25519"),
    "an encrypted key": (
        SIGNING_KEY.replace("PRIVATE", "ENCRYPTED PRIVATE"),
        "its PEM says ENCRYPTED PRIVATE KEY and should say PRIVATE KEY",
    ),
}
SECRETS = {
    "nothing": ("", "it holds no key"),
    "blank lines": (" \n\r\n", "it holds no key"),
    "31 bytes": ("x" * 31, "a key in it is shorter than 32 bytes"),
    "a short one after a long one": ("x" * 32 + "\ny", "a key in it is shorter than 32 bytes"),
}


@pytest.mark.parametrize(("text", "message"), PUBLIC.values(), ids=PUBLIC)
def test_other_text_than_public_keys_is_rejected(text: str, message: str) -> None:
    with pytest.raises(KeyTextError, match=f"^{message}$"):
        keyring.read_public_keys(text)


@pytest.mark.parametrize(("text", "message"), PRIVATE.values(), ids=PRIVATE)
def test_other_text_than_a_signing_key_is_rejected(text: str, message: str) -> None:
    with pytest.raises(KeyTextError, match=f"^{message}$"):
        keyring.read_signing_key(text)


@pytest.mark.parametrize(("text", "message"), SECRETS.values(), ids=SECRETS)
def test_other_text_than_secrets_is_rejected(text: str, message: str) -> None:
    with pytest.raises(KeyTextError, match=f"^{message}$"):
        keyring.read_secrets(text)


def test_secrets_stand_on_a_line_each() -> None:
    assert keyring.read_secrets(f"\n {'x' * 32}\r\n{'y' * 16}é{'y' * 16}\n") == ["x" * 32, f"{'y' * 16}é{'y' * 16}"]
