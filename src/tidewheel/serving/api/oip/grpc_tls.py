"""The certificate that the settings name, as gRPC takes it; asked for again with each handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tidewheel.serving.transport.tls import certificate_of

if TYPE_CHECKING:
    from tidewheel.runtime.config import Config
    from tidewheel.serving.transport.tls import Certificate


def credentials_of(config: Config) -> Any:
    """Return a server's credentials; None where the settings name no certificate.

    Raises
    ------
    ConfigError
        The certificate can't be used.
    """
    certificate = certificate_of(config)
    if certificate is None:
        return None
    import grpc

    def changed() -> Any:
        # A pair that can't be used changes nothing, which gRPC takes None for.
        return _pair(certificate) if certificate.refresh() else None

    return grpc.dynamic_ssl_server_credentials(_pair(certificate), changed)


def _pair(certificate: Certificate) -> Any:
    import grpc

    return grpc.ssl_server_certificate_configuration([(certificate.key.read_bytes(), certificate.chain.read_bytes())])
