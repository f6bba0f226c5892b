"""The process of a peer in Python: `python peer.py NAME`. Says and hears one JSON line a message, as src/protocol.ts types
them; each peer is a function that gets a problem with its arrays in memory and gives what is timed."""

import importlib
import json
import os
import sys
import time

import numpy as np

# By name: the module, the function in it, and the package whose version is told.
PEERS = {
    "PyTorch loops": ("flip_search", "torch_loops", "torch"),
    "PyTorch vectorised": ("flip_search", "torch_vectorised", "torch"),
    "PyTorch scores": ("flip_search", "torch_scores", "torch"),
    "NumPy vectorised": ("flip_search", "numpy_vectorised", "numpy"),
    "OpenBLAS product": ("flip_search", "openblas_product", "numpy"),
    "scikit-learn Lloyd": ("clustering", "sklearn_lloyd", "sklearn"),
    "scikit-learn Elkan": ("clustering", "sklearn_elkan", "sklearn"),
    "faiss Kmeans": ("clustering", "faiss_kmeans", "faiss"),
    "faiss SuperKMeans": ("clustering", "faiss_super_kmeans", "faiss"),
    "scikit-learn seeds": ("sampling", "sklearn_seeds", "sklearn"),
    "NumPy farthest-first": ("sampling", "numpy_farthest_first", "numpy"),
    "NumPy D2 sampling": ("sampling", "numpy_d2", "numpy"),
    "NumPy BADGE": ("sampling", "numpy_badge", "numpy"),
}
TYPES = {"float32": np.float32, "float64": np.float64, "int32": np.int32, "float16": np.float16}


def load(array, rows):
    count = array["length"]
    if "perRow" in array:
        count = min(count, rows * array["perRow"])
    if array["type"] == "bfloat16":
        bits = np.fromfile(array["file"], np.uint16, count)
        return (bits.astype(np.uint32) << 16).view(np.float32)
    return np.fromfile(array["file"], TYPES[array["type"]], count)


def save(outputs, prefix):
    arrays, numbers = {}, {}
    for name, value in outputs.items():
        if not isinstance(value, np.ndarray):
            numbers[name] = value
            continue
        values = np.ascontiguousarray(value, np.int32 if value.dtype.kind in "iub" else np.float32)
        file = f"{prefix}-{name}"
        values.tofile(file)
        arrays[name] = {"file": file, "type": values.dtype.name, "length": values.size}
    return {"arrays": arrays, "numbers": numbers}


class Peer:
    def __init__(self, make):
        self.make = make

    def prepare(self, request):
        problem = request["problem"]
        rows = request.get("rows", problem["args"]["rows"])
        arrays = {name: load(array, rows) for name, array in problem["arrays"].items()}
        self.run = self.make({**problem["args"], "rows": rows}, arrays, request["threads"])
        return {}

    def answer(self, request):
        what = request["do"]
        if what == "prepare":
            return self.prepare(request)
        if what == "run":
            times = []
            while not times or sum(times) < request["atLeast"]:
                start = time.perf_counter()
                self.last = self.run()
                times.append(1e3 * (time.perf_counter() - start))
            return {"ms": float(np.median(times))}
        if what == "outputs":
            # What only the comparison needs is computed here, off the clock.
            return save(self.last() if callable(self.last) else self.last, request["prefix"])
        raise ValueError(f"expected prepare, run or outputs, got {what}")


def main():
    # What a library prints would be taken for an answer.
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(message):
        channel.write(json.dumps(message) + "\n")
        channel.flush()

    try:
        module, function, package = PEERS[sys.argv[1]]
        peer = Peer(getattr(importlib.import_module(module), function))
        version = importlib.import_module(package).__version__
    except (ImportError, AttributeError) as error:
        return say({"ready": False, "why": str(error)})
    say({"ready": True, "version": version})
    for line in sys.stdin:
        try:
            say({"ok": True, "value": peer.answer(json.loads(line))})
        except Exception as error:  # every failure is the bench's to report
            say({"ok": False, "error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    main()
