"""From a Feast repository's definitions to a tidewheel project's: read without running them, written as a module."""
