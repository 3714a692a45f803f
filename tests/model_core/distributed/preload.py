"""What every rank of a test needs, loaded once."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("DS_ACCELERATOR", "cpu")

import model_core.parallel.engine
import model_core.training.run  # noqa: F401
