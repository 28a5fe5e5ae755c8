"""A certificate authority of the kind that many a cluster was made with, and what it certifies."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_DAY = timedelta(days=1)


class Authority:
    """An authority whose certificate, in the file `certificate`, says that it is one, and no more."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / name
        self._folder.mkdir()
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._folder / "ca.crt"
        says = x509.BasicConstraints(ca=True, path_length=None)
        self._write(self.certificate, self._certify(self._name, self._key).add_extension(says, critical=True))

    def server(self, address: str) -> ssl.SSLContext:
        """What a server at an IP address needs."""
        key, certificate, path = ec.generate_private_key(ec.SECP256R1()), self._folder / "crt", self._folder / "key"
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
        self._write(certificate, self._certify(x509.Name([]), key).add_extension(names, critical=True))
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, path)
        return context

    def _certify(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
        return builder.not_valid_before(now - _DAY).not_valid_after(now + _DAY)

    def _write(self, path: Path, certificate: x509.CertificateBuilder) -> None:
        path.write_bytes(certificate.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))
