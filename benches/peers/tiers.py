"""The table of scenarios/tiers.toml by numpy: 3 tiers × 20 replicates, the same columns in the same order.

    python benches/peers/tiers.py OUT.csv [--threads 2]

n = 1024 concepts. "small", d = 329: concept i is unit vector i, those from 329 on are not represented. "medium", d = 1895: independent N(0, 1/44) on a block of 44 = √d units that starts at
⌊i d/n⌋ on a ring. "large", d = 10923: independent N(0, 1/d) everywhere. Float32. The random numbers are its own (SFC64), so that its rows are like the engine's in distribution, one by one not.

For each replicate: one product of the vectors with each other, G = W Wᵀ in float32, with the sums that follow in float64, and from G the cosines, the centred cosines (a Gram matrix
is centred by the means of its rows), the eigenvalues of the centred Gram matrix (`eigvalsh`, float64), of which the last is the zero that centring makes and is left out, and the dimensionality of the
concepts. Quantiles of |c| are exact, by `np.partition`. Sparsity needs each vector sorted; it goes by blocks of concepts that stay in the cache. Theory columns are the closed forms, with the one integral by the
trapezoidal rule; the bound on the coherence is Welch's, which like all bounds of the engine is 0 for no more concepts than units, as here.

Replicates are shared out to threads, each with a BLAS of one thread, which is faster than the threads of BLAS, because most functions of numpy have one thread only.

On processors whose AVX-512 stores compressed values slowly, as AMD Zen 4, `NPY_DISABLE_CPU_FEATURES` makes numpy sort three times faster: `peer.py --settings` says whether it does here.

Left out, which favours this program: any width, tier, measure or number of concepts but those of the scenario; the summary over replicates, the manifest, the store that lets a run go on where it was interrupted,
the page; the same bytes for any number of threads.
"""

import argparse
import csv
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.special import betainc, gammaln
from threadpoolctl import threadpool_limits

SEED, REPLICATES, N = 7, 20, 1024
TIERS = [("small", 1e7, 329), ("medium", 1e9, 1895), ("large", 1e11, 10923)]
# Concepts that sparsity is computed for at a time.
BLOCK = 32


def main(out, threads=None):
    threads = threads or int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count())
    theories = [theory(min(N, d) if name == "small" else N, d) for name, _, d in TIERS]
    units = [(tier, replicate) for tier in range(len(TIERS)) for replicate in range(REPLICATES)]

    def row(unit):
        tier, replicate = unit
        name, params, d = TIERS[tier]
        w = embed(name, d, np.random.Generator(np.random.SFC64([SEED, tier, replicate])))
        values = measure(w, theories[tier])
        undefined = [key for key, value in values.items() if value is None]
        status = "undefined: " + ", ".join(undefined) if undefined else "ok"
        first = {"tier": name, "params": params, "tokens": None, "compute": None, "d_model": d, "n_concepts": N, "replicate": replicate, "status": status}
        return first | values

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(threads) as pool:
        # The longest first, so that no thread is left alone at the end.
        rows = list(pool.map(row, reversed(units)))[::-1]
    with open(out, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        table.writeheader()
        table.writerows(rows)
    # For a quick look: the mean of each column in each tier.
    number = lambda values: float(np.mean(values)) if None not in values else None
    return {f"{name}.{key}": number([row[key] for row in rows if row["tier"] == name]) for name, _, _ in TIERS for key in list(rows[0])[8:]}


def embed(name, d, rng):
    if name == "small":
        return np.eye(N, d, dtype=np.float32)
    if name == "medium":
        block = round(np.sqrt(d))
        w = np.zeros((N, d), np.float32)
        units = (np.arange(N)[:, np.newaxis] * d // N + np.arange(block)) % d
        w[np.arange(N)[:, np.newaxis], units] = rng.standard_normal((N, block), dtype=np.float32) / np.float32(np.sqrt(block))
        return w
    w = rng.standard_normal((N, d), dtype=np.float32)
    w *= np.float32(1.0 / np.sqrt(d))
    return w


def measure(w, theories):
    """All columns of one embedding, N rows by d columns."""
    n, d = w.shape
    if not w[-1].any():
        w = w[w.any(axis=1)]
    m = len(w)
    upper = np.triu(np.ones((m, m), bool), 1)
    gram = w @ w.T
    square_norms = gram.diagonal().astype(np.float64)
    lengths = np.sqrt(square_norms)

    c = (gram / lengths[:, np.newaxis] / lengths).astype(np.float32)[upper]
    n_pairs = len(c)
    size = np.abs(c)
    square = np.square(c, dtype=np.float64)
    sum_square = square.sum()
    ranks = [int(np.ceil(q * n_pairs)) - 1 for q in (0.5, 0.9, 0.99, 0.999)]
    ordered = np.partition(size, ranks)

    mean = gram.mean(axis=0, dtype=np.float64)
    centred = gram - mean - mean[:, np.newaxis] + mean.mean()
    centred_lengths = np.sqrt(centred.diagonal())
    centred_c = (centred / centred_lengths / centred_lengths[:, np.newaxis])[upper]
    eigenvalues = np.maximum(np.linalg.eigvalsh(centred)[1:], 0.0)
    sigma = np.sqrt(eigenvalues)
    p = sigma[sigma > 0] / sigma.sum()

    dimensionality = square_norms**2 / np.square(gram, dtype=np.float64).sum(axis=1)
    return {
        "represented_fraction": m / n,
        "n_pairs": n_pairs,
        "mean_cosine": c.mean(dtype=np.float64),
        "mean_abs_cosine": size.mean(dtype=np.float64),
        "mean_square_cosine": sum_square / n_pairs,
        "excess_kurtosis_cosine": n_pairs * (square @ square) / sum_square**2 - 3.0 if sum_square > 0 else None,
        "coherence": size.max(),
        "zero_fraction": 1.0 - np.count_nonzero(c) / n_pairs,
        "abs_cosine_p50": ordered[ranks[0]],
        "abs_cosine_p90": ordered[ranks[1]],
        "abs_cosine_p99": ordered[ranks[2]],
        "abs_cosine_p999": ordered[ranks[3]],
        "centred_mean_cosine": centred_c.mean(),
        "centred_mean_square_cosine": centred_c @ centred_c / n_pairs,
        **theories,
        "participation_ratio": eigenvalues.sum() ** 2 / (eigenvalues @ eigenvalues),
        "effective_rank": np.exp(-(p @ np.log(p))),
        "stable_rank": eigenvalues.sum() / eigenvalues[-1],
        **sparsity(w),
        "features_per_dimension": np.count_nonzero(square_norms > 0.25) / d,
        "d_star": d / square_norms.sum(),
        "mean_feature_dimensionality": dimensionality.mean(),
        "sum_feature_dimensionality": dimensionality.sum(),
    }


def sparsity(w):
    m, d = w.shape
    weights = ((d - np.arange(1, d + 1) + 0.5) / d).astype(np.float32)
    hoyer, treves_rolls, gini, active, n_zeros = [], [], [], [], 0
    unit_square, unit_fourth = np.zeros(d), np.zeros(d)
    for start in range(0, m, BLOCK):
        size = np.abs(w[start : start + BLOCK])
        square = size * size
        fourth = square * square
        unit_square += square.sum(axis=0)
        unit_fourth += fourth.sum(axis=0)
        n_zeros += size.size - np.count_nonzero(size)
        total, total_square, total_fourth = (x.sum(axis=1).astype(np.float64) for x in (size, square, fourth))
        size.sort(axis=1)
        hoyer.append((np.sqrt(d) - total / np.sqrt(total_square)) / (np.sqrt(d) - 1.0))
        treves_rolls.append((1.0 - total**2 / (d * total_square)) / (1.0 - 1.0 / d))
        gini.append(1.0 - 2.0 * (size @ weights) / total)
        active.append(total_square**2 / (d * total_fourth))
    used = unit_fourth > 0
    return {
        "hoyer": np.concatenate(hoyer).mean(),
        "treves_rolls": np.concatenate(treves_rolls).mean(),
        "gini": np.concatenate(gini).mean(),
        "zero_units_fraction": n_zeros / (m * d),
        "active_units_fraction": np.concatenate(active).mean(),
        "polysemanticity": (unit_square[used] ** 2 / unit_fourth[used]).mean(),
    }


def theory(m, d):
    """What m random directions in d units would have."""
    # Where one pair of m lies above x: tail(x) of m(m−1)/2 pairs, taken as Poisson.
    x = np.linspace(0.0, 1.0, 20_001)
    above = m * (m - 1) / 2 * betainc((d - 1) / 2, 0.5, 1.0 - x * x)
    return {
        "random_mean_abs_cosine": np.exp(gammaln(d / 2) - gammaln((d + 1) / 2)) / np.sqrt(np.pi),
        "random_mean_square_cosine": 1 / d,
        "random_coherence": np.trapezoid(-np.expm1(-above), x),
        "welch_bound": np.sqrt((m - d) / (d * (m - 1))) if m > d else 0.0,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out")
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    main(given.out, given.threads)
