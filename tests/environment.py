"""Give each test run a data folder of its own.

A plugin (``-p`` in pyproject.toml), because pytest-django reads the settings before any conftest is loaded.
"""

import os
import tempfile

os.environ.setdefault("YOYAK_DATA_DIR", tempfile.mkdtemp(prefix="yoyak-test-"))
os.environ.setdefault("YOYAK_LOG_LEVEL", "WARNING")
