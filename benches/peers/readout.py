"""Readouts: what a reader finds in sums of the rows of x, as the measures `linear_readout`, `bundling` and `task` have it, in vectorised numpy.

x is a float32 array, n rows (concepts) by d columns (units), no row zero. Trials draw their own random numbers, so that they are like the engine's in distribution and not one by one.

linear_readout  eigenvalues λ of X̂ᵀX̂ in float64, X̂ the rows of length 1: Σ (γ/(λ + γ))²/n, and Σ_{i≠j} cos²/n. O(n d min(n, d)) time.
                Of the theory only that of γ = 0; null for others.
bundling        in each trial K of the n concepts are added up, and the answer is that of D candidates, one of them in the sum, with the largest product: the fraction of right answers, and the
                area under the curve of the scores of those in a sum against all others, for each K. Without signs, noise and clipping, which are not the default. O(T (K + D) d) time.
task            T tasks of L steps, each step a trial of K and D: the fraction of tasks with all steps right, and the fraction of right steps. Without edit distances, which favours this program.

All trials of one K are one gather, one sum and one batched product, in blocks of 64 MiB; different concepts of a trial are drawn by redrawing the trials that have a concept twice.
"""

import numpy as np
from scipy.special import ndtr

BLOCK = 1 << 24


def linear_readout(x, ridge=0.0):
    n, d = x.shape
    unit = x.astype(np.float64)
    unit /= np.sqrt(np.vecdot(unit, unit))[:, np.newaxis]
    squares = np.linalg.eigvalsh(unit @ unit.T if n < d else unit.T @ unit)
    found = squares[squares > squares[-1] * max(2.0**-44, np.finfo(np.float64).eps * len(squares))]
    recovered = 1.0 - (ridge / (found + ridge)) ** 2
    return {
        "linear_readout_error": float(1.0 - recovered.sum() / n),
        "linear_readout_theory": 1.0 - min(d, n) / n if ridge == 0.0 else None,
        "matched_filter_error": float(((found**2).sum() - n) / n),
        "matched_filter_theory": (n - 1) / d,
    }


def bundling(x, items=(10, 25, 50), candidates=27, trials=200, seed=0):
    unit, rng = directions(x), np.random.default_rng(seed)
    numbers = {}
    for k in items:
        scores = retrieve(unit, k, candidates, trials, rng)
        numbers[f"bundling_accuracy_{k}"] = float((scores.argmax(axis=1) == 0).mean())
        accuracy, area = theory(k, candidates, x.shape[1])
        numbers[f"bundling_theory_{k}"] = accuracy
        numbers[f"bundling_auc_{k}"] = auc(scores[:, 0], scores[:, 1:].ravel())
        numbers[f"bundling_auc_theory_{k}"] = area
    return numbers


def task(x, steps=(1, 5, 20), items=10, candidates=27, trials=200, seed=0):
    unit, rng = directions(x), np.random.default_rng(seed)
    numbers = {}
    for length in steps:
        right = retrieve(unit, items, candidates, trials * length, rng).argmax(axis=1).reshape(trials, length) == 0
        numbers[f"exact_match_{length}"] = float(right.all(axis=1).mean())
        numbers[f"accuracy_{length}"] = float(right.mean())
    return numbers


def directions(x):
    return x / np.sqrt(np.vecdot(x, x))[:, np.newaxis]


def retrieve(unit, items, candidates, trials, rng):
    """Scores of the candidates of each trial, that in the sum first."""
    n, d = unit.shape
    concepts = different(n, items + candidates - 1, trials, rng)
    scores = np.empty((trials, candidates), np.float32)
    step = max(1, BLOCK // ((items + candidates) * d))
    for start in range(0, trials, step):
        drawn = concepts[start : start + step]
        traces = unit[drawn[:, :items]].sum(axis=1)
        others = np.concatenate([drawn[:, :1], drawn[:, items:]], axis=1)
        scores[start : start + step] = np.matvec(unit[others], traces)
    return scores


def different(n, count, trials, rng):
    """For each trial `count` different numbers below n, in random order."""
    if count * count > n:
        return rng.permuted(np.tile(np.arange(n), (trials, 1)), axis=1)[:, :count]
    drawn = rng.integers(n, size=(trials, count))
    while True:
        ascending = np.sort(drawn, axis=1)
        twice = (ascending[:, 1:] == ascending[:, :-1]).any(axis=1)
        if not twice.any():
            return drawn
        drawn[twice] = rng.integers(n, size=(int(twice.sum()), count))


def auc(members, others):
    """Chance that a member scores higher than another; equal ones count one half."""
    others = np.sort(others)
    below = np.searchsorted(others, members, "left") + np.searchsorted(others, members, "right")
    return float(below.mean() / (2.0 * len(others)))


def theory(items, candidates, d):
    """∫ φ(h) Φ((1 + σ_hit h)/σ_rej)^(D−1) dh and Φ(1/√(σ_hit² + σ_rej²)) for random directions."""
    hit, rejection = np.sqrt((items - 1) / d), np.sqrt(items / d)
    h = np.linspace(-9.0, 9.0, 2001)
    density = np.exp(-h * h / 2.0) / np.sqrt(2.0 * np.pi)
    accuracy = np.trapezoid(density * ndtr((1.0 + hit * h) / rejection) ** (candidates - 1), h)
    return float(accuracy), float(ndtr(1.0 / np.hypot(hit, rejection)))
