"""Settings shared by every test."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import settings

settings.register_profile("project", derandomize=True, deadline=None, max_examples=100, database=None)
settings.load_profile("project")

# Whatever is solved in a test is nobody's progress, and each process has its own; its kernels inherit that.
os.environ["P2PSIP_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="p2psip-")) / "progress.json")
