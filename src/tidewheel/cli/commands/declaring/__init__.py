"""Declaring: a new project, its plan, a file's profile."""
