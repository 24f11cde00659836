"""A certificate of our own for 127.0.0.1, localhost and the public name, made once in the data directory."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

YEARS = 10


def own_certificate(directory: Path, public_host: str | None = None) -> tuple[Path, Path]:
    """(certificate, key) as PEM files; clients trust the certificate file itself."""
    certificate, key_file = directory / "tls-cert.pem", directory / "tls-key.pem"
    names = _names(public_host)
    if certificate.exists() and key_file.exists() and set(names) <= set(_certified(certificate)):
        return certificate, key_file
    directory.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhub")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, SHA256())
    )
    key_file.touch(mode=0o600)
    key_file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(signed.public_bytes(Encoding.PEM))
    return certificate, key_file


def _names(public_host: str | None) -> list[x509.GeneralName]:
    names: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    if public_host and public_host not in ("127.0.0.1", "localhost"):
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(public_host)))
        except ValueError:
            names.append(x509.DNSName(public_host))
    return names


def _certified(certificate: Path) -> list[x509.GeneralName]:
    """The names that an earlier certificate is for."""
    found = x509.load_pem_x509_certificate(certificate.read_bytes())
    return list(found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
