"""An object store as a folder: where it is, how it is reached, what its errors mean."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, Self
from urllib.parse import parse_qsl, urlsplit

from tidewheel.errors import ConfigError, ConflictError, MissingExtraError, StorageError, UnreachableError

SCHEMES = ("s3",)
SECONDS = 20
"""How long a request may take; those that find no server are tried again three times."""
_SETTINGS = ("endpoint_url", "region")
_SILENT = ("error sending request", "could not connect", "connect timeout", "timed out", "connection was closed")
_REFUSED = ("403", "401", "accessdenied", "forbidden", "invalidaccesskey", "signaturedoesnotmatch", "credential")
_OWNER = "_tidewheel"
_FORM = 'write it like "s3://bucket/prefix?endpoint_url=http://host:9000&region=eu-north-1"'


class ObjectFolder:
    """A prefix of a bucket. Keys and secrets come from where the store's own tools look: environment, profile.

    Parameters
    ----------
    url : str
        ``s3://bucket/prefix``, with ``?endpoint_url=...&region=...`` for a store that is not Amazon's.

    Examples
    --------
    >>> folder = ObjectFolder("s3://ml/fraud?endpoint_url=http://127.0.0.1:9000")
    >>> folder.url, folder.delta_options["AWS_ENDPOINT_URL"]
    ('s3://ml/fraud', 'http://127.0.0.1:9000')
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._settings = dict(parse_qsl(parts.query))
        unknown = sorted(set(self._settings) - set(_SETTINGS))
        if unknown or not parts.netloc:
            raise ConfigError(
                f"unknown part {unknown[0]!r}" if unknown else "no bucket",
                where=url,
                remedy=_FORM,
            )
        if parts.scheme not in SCHEMES:
            raise ConfigError(f"{parts.scheme or 'a path'} is not an object store", where=url, remedy=_FORM)
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._files: Any = None

    @property
    def delta_options(self) -> dict[str, str]:
        """Options for the Delta library, which commits by a conditional put."""
        options = {"timeout": f"{SECONDS}s", "max_retries": "3", "aws_conditional_put": "etag"}
        endpoint = self._settings.get("endpoint_url") or os.environ.get("AWS_ENDPOINT_URL", "")
        if endpoint:
            options["AWS_ENDPOINT_URL"] = endpoint
            options["AWS_ALLOW_HTTP"] = str(endpoint.startswith("http://")).lower()
        if "region" in self._settings:
            options["AWS_REGION"] = self._settings["region"]
        return options

    @property
    def files(self) -> Any:
        """The store as an fsspec file system.

        Raises
        ------
        MissingExtraError
        """
        if self._files is None:
            if importlib.util.find_spec("s3fs") is None:
                raise MissingExtraError(
                    "an object store needs the package s3fs", where=self.url, remedy="pip install 'tidewheel[s3]'"
                )
            import s3fs

            self._files = s3fs.S3FileSystem(
                endpoint_url=self._settings.get("endpoint_url"),
                client_kwargs={"region_name": self._settings["region"]} if "region" in self._settings else {},
                config_kwargs={"connect_timeout": 5, "read_timeout": SECONDS, "retries": {"max_attempts": 3}},
                use_listings_cache=False,
                skip_instance_cache=True,
            )
        return self._files

    def path(self, name: str) -> str:
        """Path of an object, as `files` takes it."""
        return f"{self.url.split('://', 1)[1]}/{name}"

    def claim(self, owner: str) -> None:
        """Mark the folder as a workspace's, or see that it is.

        Raises
        ------
        ConflictError
            It is another's.
        UnreachableError, StorageError
        """
        place = self.path(_OWNER)
        with self.translated():
            found = self._read_or_write(place, owner)
        if found != owner:
            raise ConflictError(
                f"it belongs to another workspace (id {found}, this is {owner})",
                where=self.url,
                remedy="give this workspace a prefix of its own",
            )

    def _read_or_write(self, place: str, text: str) -> str:
        try:
            if not self.files.exists(place):
                self.files.pipe_file(place, text.encode())
            return str(self.files.cat_file(place), "utf-8")
        except FileNotFoundError as error:
            raise StorageError("there is no such bucket", where=self.url, remedy="make it first") from error

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the store's errors inside the block into ours; those about a missing object stay."""
        try:
            yield
        except FileNotFoundError:
            raise
        except Exception as error:
            if isinstance(error, OSError) or type(error).__module__.startswith(("botocore", "aiohttp", "aiobotocore")):
                self.raise_for(error)
            raise

    def raise_for(self, error: Exception) -> NoReturn:
        """Raise the error of ours that says what one of the store's libraries means.

        Raises
        ------
        UnreachableError
            No answer.
        StorageError
            Anything else.
        """
        text = re.sub(r"\s+", " ", re.sub(r"\x1b\[\d*m|↳", "", str(error))) or type(error).__name__
        small = text.lower()
        if isinstance(error, PermissionError) or any(word in small for word in _REFUSED):
            remedy = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile, for a user who may write there"
            raise StorageError(f"the object store refuses this user ({text})", where=self.url, remedy=remedy) from error
        if isinstance(error, TimeoutError | ConnectionError) or any(word in small for word in _SILENT):
            raise UnreachableError(
                f"the object store does not answer ({text})", where=self.url, remedy="see that it runs and is reachable"
            ) from error
        raise StorageError(text, where=self.url) from error

    @classmethod
    def claimed(cls, url: str, owner: str) -> Self:
        """Open a folder that is, or becomes, a workspace's. Raises as `claim`."""
        folder = cls(url)
        folder.claim(owner)
        return folder
