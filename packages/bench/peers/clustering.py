"""k-means by scikit-learn and faiss. Labels and inertia are taken from the final centers off the clock, where a library
doesn't give them itself."""

import numpy as np


def sklearn(algorithm):
    def make(args, arrays, threads):
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        data = matrix(args, arrays)

        def run():
            with threadpool_limits(threads):
                model = KMeans(args["clusters"], n_init=1, algorithm=algorithm, random_state=0).fit(data)
            return lambda: result(data, model.cluster_centers_, model.n_iter_, model.labels_)

        return run

    return make


sklearn_lloyd = sklearn("lloyd")
sklearn_elkan = sklearn("elkan")


def faiss_kmeans(args, arrays, threads):
    import faiss

    faiss.omp_set_num_threads(threads)
    data = matrix(args, arrays)

    def run():
        kmeans = faiss.Kmeans(args["dim"], args["clusters"], niter=25, seed=1, max_points_per_centroid=len(data))
        kmeans.train(data)
        return lambda: result(data, kmeans.centroids, 25)

    return run


def faiss_super_kmeans(args, arrays, threads):
    import faiss

    faiss.omp_set_num_threads(threads)
    data = matrix(args, arrays)

    def run():
        kmeans = faiss.SuperKmeans(args["dim"], args["clusters"], niter=25, seed=1)
        kmeans.train(data)
        return lambda: result(data, kmeans.centroids, 25)

    return run


def matrix(args, arrays):
    return arrays["data"].reshape(-1, args["dim"])


def result(data, centers, iterations, labels=None):
    centers = np.ascontiguousarray(centers, np.float32)
    if labels is None:
        norms = (centers.astype(np.float64) ** 2).sum(1) / 2
        labels = np.concatenate([(part @ centers.T - norms).argmax(1) for part in np.array_split(data, 20)])
    inertia = 0.0
    for part, own in zip(np.array_split(data, 20), np.array_split(labels, 20)):
        inertia += ((part.astype(np.float64) - centers[own]) ** 2).sum()
    return {"labels": labels, "centers": centers, "inertia": float(inertia), "iterations": int(iterations)}
