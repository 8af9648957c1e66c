"""The processes of ``tidewheel up``."""
