"""Settings shared by every test."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

from hypothesis import settings

settings.register_profile("project", derandomize=True, deadline=None, max_examples=100, database=None)
settings.load_profile("project")

# Whatever is solved in a test is nobody's progress, and each process has its own; its kernels inherit that.
os.environ["P2PSIP_PROGRESS"] = str(Path(tempfile.mkdtemp(prefix="p2psip-")) / "progress.json")

# A shell that runs the tests in the background has them, and all that they start, ignore Ctrl-C; some tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)
