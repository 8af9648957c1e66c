"""Beside other tools."""
