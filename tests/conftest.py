"""Settings shared by every test."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("project", derandomize=True, deadline=None, max_examples=100, database=None)
settings.load_profile("project")
