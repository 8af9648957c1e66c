"""TLS: a certificate and its key, read again when their files change; connections that are open go on."""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from tidewheel.errors import ConfigError

if TYPE_CHECKING:
    from tidewheel.runtime.config import Config

log = logging.getLogger("tidewheel.serving")

_Stamp = tuple[tuple[int, int], ...]


class Certificate:
    """What a server shows its callers.

    Parameters
    ----------
    chain, key : Path
        PEM files: the certificate with those that signed it, and its private key without a password.

    Raises
    ------
    ConfigError
        A file can't be read, or the key does not belong to the certificate.
    """

    def __init__(self, chain: Path, key: Path) -> None:
        self.chain, self.key = chain, key
        self._stamp = self._look()
        self.context = self._read()
        """For handshakes to come: the same object through every change."""

    def refresh(self) -> bool:
        """Read the files again if they changed; keep the certificate at hand when they can't be used.

        Returns
        -------
        bool
            Whether handshakes get another certificate from now on.
        """
        try:
            stamp = self._look()
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            self._read()  # beside: half a pair would leave the one in use broken
            self.context.load_cert_chain(self.chain, self.key)
        except (ConfigError, OSError) as error:
            log.warning("the certificate at hand stays in use: %s", error)
            return False
        log.info("serving with the new certificate in %s", self.chain)
        return True

    def _look(self) -> _Stamp:
        try:
            found = [path.stat() for path in (self.chain, self.key)]
        except OSError as error:
            raise _unusable(self.chain, self.key, error) from error
        return tuple((stat.st_mtime_ns, stat.st_size) for stat in found)

    def _read(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.chain, self.key, password=_no_password)
        except (OSError, ValueError) as error:
            raise _unusable(self.chain, self.key, error) from error
        return context


def certificate_of(config: Config) -> Certificate | None:
    """Return the certificate that the settings name; None where they name none.

    Raises
    ------
    ConfigError
        One of the two is missing, or they can't be used.
    """
    settings = config.settings
    if not (settings.certificate or settings.certificate_key):
        return None
    if not (settings.certificate and settings.certificate_key):
        lacking = "certificate_key" if settings.certificate else "certificate"
        raise ConfigError(
            f"{lacking} is not set", where="tidewheel.toml", remedy="TLS takes both: certificate and certificate_key"
        )
    return Certificate(config.folder / settings.certificate, config.folder / settings.certificate_key)


def _no_password() -> str:
    raise ValueError("the key has a password")


def _unusable(chain: Path, key: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"the certificate can't be used: {error}",
        where=f"{chain}, {key}",
        remedy="give a PEM certificate chain and its private key, without a password and readable by this user",
    )
