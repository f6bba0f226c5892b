"""Writes the data set `syn`: 50,000 x 512 unit rows around 2,000 planted centers, float32. `python make_syn.py FILE`"""

import sys

import numpy as np

rng = np.random.default_rng(0)
centers = rng.normal(size=(2000, 512)).astype(np.float32) * 0.7
rows = centers[rng.integers(0, 2000, 50000)] + rng.normal(size=(50000, 512)).astype(np.float32)
rows /= np.linalg.norm(rows, axis=1, keepdims=True)
rows.astype(np.float32).tofile(sys.argv[1])
