"""Asks a running server: decisions, events, features, explanations. For programs that are not the server's own.

``from tidewheel.client import Client, AsyncClient``
"""

from tidewheel.client.aio import AsyncClient
from tidewheel.client.calls import Appended, Decision, Features
from tidewheel.client.following import Followed, Gap
from tidewheel.client.sync import Client

__all__ = ["Appended", "AsyncClient", "Client", "Decision", "Features", "Followed", "Gap"]
