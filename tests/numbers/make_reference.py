"""Two small representations and what numpy, scipy and scikit-learn make of them: a.npy, b.npy and reference.json.

    pip install numpy scipy scikit-learn
    python make_reference.py

All is computed from the f32 entries as they are stored, in f64, by code that has nothing in common with the crate.
"""

import json
from pathlib import Path

import numpy as np
from scipy.linalg import orthogonal_procrustes, svd
from scipy.spatial.distance import pdist
from scipy.stats import rankdata, skew, spearmanr
from sklearn.cross_decomposition import CCA
from sklearn.neighbors import NearestNeighbors

HERE = Path(__file__).parent
K = 10


def neighbours(x, k, metric):
    model = NearestNeighbors(n_neighbors=k + 1, algorithm="brute", metric=metric).fit(x)
    distances, indices = model.kneighbors(x)
    assert (indices[:, 0] == np.arange(len(x))).all()
    return distances[:, 1:], indices[:, 1:]


def one(x):
    """Measures of one representation, rows are concepts."""
    n = len(x)
    r, near = neighbours(x, K, "euclidean")
    log_mu = np.log(r[:, 1] / r[:, 0])
    ascending = np.sort(log_mu)[: int(0.9 * n)]
    y = -np.log1p(-np.arange(1, len(ascending) + 1) / n)
    logs = np.log(r[:, -1:] / r[:, :-1]).mean(axis=1)
    counts = np.bincount(near.ravel(), minlength=n)
    cosines = 1 - neighbours(x, K, "cosine")[0]
    eigenvalues, vectors = np.linalg.eigh(x.T @ x)
    z = np.exp(x @ np.hstack([vectors, -vectors])).sum(axis=0)
    return {
        "twonn_dimension": (n - 1) / log_mu.sum(),
        "twonn_dimension_se": log_mu.std(ddof=1) / log_mu.mean() ** 2 / np.sqrt(n),
        "twonn_fit_dimension": np.linalg.lstsq(ascending[:, None], y, rcond=None)[0][0],
        "mle_dimension": 1 / logs.mean(),
        "mle_dimension_se": logs.std(ddof=1) / logs.mean() ** 2 / np.sqrt(n),
        "hubness_skewness": skew(counts),
        "largest_hub": counts.max() / (n - 1),
        "orphan_fraction": (counts == 0).mean(),
        **{f"neighbour_cosine_{rank}": cosines[:, rank - 1].mean() for rank in (1, 2, 5, 10)},
        "partition_ratio": z.min() / z.max(),
        "mean_vector_fraction": (x.mean(axis=0) ** 2).sum() / (x**2).sum(axis=1).mean(),
        "top_direction_fraction": eigenvalues.max() / eigenvalues.sum(),
    }


def unbiased_hsic(k, l):
    n = len(k)
    k, l = k - np.diag(np.diag(k)), l - np.diag(np.diag(l))
    ones = np.ones(n)
    parts = (
        np.trace(k @ l)
        + (ones @ k @ ones) * (ones @ l @ ones) / ((n - 1) * (n - 2))
        - 2 / (n - 2) * (ones @ k @ l @ ones)
    )
    return parts / (n * (n - 3))


def two(x, y, iterate=True):
    """Scores of two representations."""
    n = len(x)
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    k, l = xc @ xc.T, yc @ yc.T
    unit = lambda m: m / np.linalg.norm(m)
    # The narrower one has units that are always 0.
    width = max(x.shape[1], y.shape[1])
    wide_x, wide_y = (np.pad(unit(m), ((0, 0), (0, width - m.shape[1]))) for m in (xc, yc))
    turn, _ = orthogonal_procrustes(wide_x, wide_y)
    main = []
    for m in (xc, yc):
        u, s, _ = svd(m, full_matrices=False)
        main.append(u[:, : int(np.searchsorted(np.cumsum(s**2) / (s**2).sum(), 0.99)) + 1])
    svcca = svd(main[0].T @ main[1], compute_uv=False)
    # Canonical variates of the side of lower rank, and what they take of its units.
    u_x, u_y = (svd(m, full_matrices=False)[0] for m in (xc, yc))
    left, rho, right = svd(u_x.T @ u_y)
    narrow, variates = (xc, u_x @ left[:, : len(rho)]) if x.shape[1] <= y.shape[1] else (yc, u_y @ right.T[:, : len(rho)])
    weights = np.abs(variates.T @ narrow).sum(axis=1)
    if iterate:
        # scikit-learn finds the canonical correlations by iteration: to 1e-4.
        cca = CCA(n_components=3, max_iter=20000, tol=1e-12).fit(x, y)
        a, b = cca.transform(x, y)
        assert np.allclose([np.corrcoef(a[:, i], b[:, i])[0, 1] for i in range(3)], rho[:3], atol=1e-4)
    shared = [len(set(a) & set(b)) / K for a, b in zip(neighbours(x, K, "cosine")[1], neighbours(y, K, "cosine")[1])]
    scores = {
        "cka_biased": (k * l).sum() / np.sqrt((k * k).sum() * (l * l).sum()),
        "cka_debiased": unbiased_hsic(k, l) / np.sqrt(unbiased_hsic(k, k) * unbiased_hsic(l, l)),
        "rsa": spearmanr(pdist(x), pdist(y)).statistic,
        "procrustes": ((wide_x @ turn - wide_y) ** 2).sum(),
        "svcca": svcca.mean(),
        "pwcca": (weights * rho).sum() / weights.sum(),
        "mutual_neighbours": np.mean(shared),
    }
    return scores


def nulls(x, y, n_orders, rng):
    """Means and standard deviations over random orders, of the scores whose null the crate has in closed form."""
    n = len(x)
    xc, yc = x - x.mean(axis=0), y - y.mean(axis=0)
    k, l = xc @ xc.T, yc @ yc.T
    pairs = np.triu_indices(n, 1)
    ranks = [rankdata(pdist(m)) for m in (x, y)]
    square = np.zeros((n, n))
    square[pairs] = ranks[1]
    square += square.T
    near = [neighbours(m, K, "cosine")[1] for m in (x, y)]
    arrows = [np.zeros((n, n), bool) for _ in near]
    for a, lists in zip(arrows, near):
        np.put_along_axis(a, lists, True, axis=1)
    scale = unbiased_hsic(k, k) * unbiased_hsic(l, l)
    values = []
    for _ in range(n_orders):
        o = rng.permutation(n)
        other = l[np.ix_(o, o)]
        values.append(
            [
                (k * other).sum() / np.sqrt((k * k).sum() * (l * l).sum()),
                unbiased_hsic(k, other) / np.sqrt(scale),
                np.corrcoef(ranks[0], square[np.ix_(o, o)][pairs])[0, 1],
                (arrows[0] & arrows[1][np.ix_(o, o)]).sum() / (n * K),
            ]
        )
    values = np.array(values)
    names = ["cka_biased", "cka_debiased", "rsa", "mutual_neighbours"]
    return {
        name: {"mean": mean, "sd": sd}
        for name, mean, sd in zip(names, values.mean(axis=0), values.std(axis=0, ddof=1))
    }


def hubness_of_gaussian(d, n_draws, rng):
    skews = []
    for _ in range(n_draws):
        x = rng.normal(size=(2000, d))
        skews.append(skew(np.bincount(neighbours(x, K, "euclidean")[1].ravel(), minlength=len(x))))
    return np.mean(skews), np.std(skews, ddof=1) / np.sqrt(n_draws)


def main():
    rng = np.random.default_rng(20)
    # A cone: eight directions of falling variance about a mean that is not 0; and another view of it, with noise, in fewer units.
    hidden = rng.normal(size=(200, 8)) * np.geomspace(2, 0.3, 8)
    a = (hidden @ rng.normal(size=(8, 24)) / 5 + 0.2 * rng.normal(size=(200, 24)) + 0.3).astype(np.float32)
    b = (np.tanh(hidden @ rng.normal(size=(8, 15)) / 3) + 0.4 * rng.normal(size=(200, 15))).astype(np.float32)
    np.save(HERE / "a.npy", a)
    np.save(HERE / "b.npy", b)
    x, y = a.astype(np.float64), b.astype(np.float64)
    reference = {"a": one(x), "b": one(y), "a to b": two(x, y), "b to a": two(y, x), "null": nulls(x, y, 4000, rng)}
    (HERE / "reference.json").write_text(json.dumps(reference, indent=1) + "\n")
    for d in (3, 20, 100):
        mean, error = hubness_of_gaussian(d, 40, rng)
        print(f"hubness of 2000 Gaussian vectors in {d} dimensions: {mean:.4f} ± {error:.4f}")


if __name__ == "__main__":
    main()
