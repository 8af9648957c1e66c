"""A certificate authority made on the spot, and servers' certificates that it signed."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAY = datetime.timedelta(days=1)
PLAIN = serialization.NoEncryption()
PEM, PKCS8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8


class Authority:
    """Signs; ``ca.pem`` in its folder is what a client trusts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.trusted = folder, folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        made = self._builder(self._name, self._key).add_extension(x509.BasicConstraints(True, None), critical=True)
        usage = dict.fromkeys(
            (
                "content_commitment",
                "key_encipherment",
                "data_encipherment",
                "key_agreement",
                "encipher_only",
                "decipher_only",
            ),
            False,
        )
        signs = x509.KeyUsage(digital_signature=True, key_cert_sign=True, crl_sign=True, **usage)
        identity = x509.SubjectKeyIdentifier.from_public_key(self._key.public_key())
        signed = made.add_extension(signs, critical=True).add_extension(identity, critical=False)
        self.trusted.write_bytes(signed.sign(self._key, hashes.SHA256()).public_bytes(PEM))

    def issue(self, name: str) -> int:
        """Write ``server.pem`` and ``server.key`` for 127.0.0.1; return the certificate's serial number."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
        signer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        made = self._builder(subject, key).add_extension(address, critical=False).add_extension(signer, critical=False)
        signed = made.sign(self._key, hashes.SHA256())
        (self.folder / "server.key").write_bytes(key.private_bytes(PEM, PKCS8, PLAIN))
        (self.folder / "server.pem").write_bytes(signed.public_bytes(PEM))
        return signed.serial_number

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )
