"""Farthest-first and D² sampling as people write them."""

import numpy as np


def numpy_farthest_first(args, arrays, threads):
    """Every row's distance to every pick, by a matrix-vector product a pick."""
    data = arrays["data"].reshape(-1, args["dim"])

    def run():
        norms = np.einsum("ij,ij->i", data, data)
        picks = np.zeros(args["budget"], np.int32)
        nearest = np.full(len(data), np.inf, np.float32)
        for i in range(1, len(picks)):
            last = picks[i - 1]
            np.minimum(nearest, norms - 2 * (data @ data[last]) + norms[last], out=nearest)
            picks[i] = nearest.argmax()
        return {"rows": picks}

    return run


def sklearn_seeds(args, arrays, threads):
    """Plain D² sampling: scikit-learn's own k-means++ with one trial a center."""
    from sklearn.cluster import kmeans_plusplus
    from threadpoolctl import threadpool_limits

    data = arrays["data"].reshape(-1, args["dim"])

    def run():
        with threadpool_limits(threads):
            _, rows = kmeans_plusplus(data, args["clusters"], random_state=0, n_local_trials=1)
        return {"rows": rows, "ownStream": True}

    return run


def numpy_d2(args, arrays, threads):
    """D² sampling by a matrix-vector product a pick."""
    data = arrays["data"].reshape(-1, args["dim"])
    norms = np.einsum("ij,ij->i", data, data)
    return lambda: draw(args, norms, lambda row: data @ data[row])


def numpy_badge(args, arrays, threads):
    """BADGE without its N x (C·D) matrix: <g_i, g_j> = <a_i, a_j><z_i, z_j>, two matrix-vector products a pick."""
    z = arrays["data"].reshape(-1, args["dim"])
    a = arrays["factors"].reshape(-1, args["factorDim"])
    norms = np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", z, z)
    return lambda: draw(args, norms, lambda row: (a @ a[row]) * (z @ z[row]))


def draw(args, norms, products):
    """args.clusters rows, each with probability proportional to its squared distance to those before."""
    rng = np.random.default_rng(args["seed"])
    picks = [int(norms.argmax() if args.get("first") == "largest-norm" else rng.integers(len(norms)))]
    nearest = np.full(len(norms), np.inf)
    while len(picks) < args["clusters"]:
        distance2 = norms + norms[picks[-1]] - 2 * products(picks[-1])
        np.minimum(nearest, np.maximum(distance2, 0), out=nearest)
        nearest[picks] = 0
        picks.append(int(rng.choice(len(norms), p=nearest / nearest.sum())))
    return {"rows": np.array(picks, np.int32), "ownStream": True}
