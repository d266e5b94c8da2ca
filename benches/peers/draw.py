"""Drawing: standard normal float32 numbers into an array of n × d that is there already, with its pages touched.

numpy: `Generator.standard_normal(out=…)` (ziggurat). SFC64 is the fastest of its generators; one per thread, each with its own seed, on a part of the rows.
torch: `Tensor.normal_` (Mersenne Twister and Box-Muller); one generator per thread as well, because a single call uses one thread.
The numbers told are the mean and the mean square, which say whether they are standard normal. O(n d) time.
"""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np


def draw(way, n, d, threads, seed):
    """Mean and mean square of what was drawn, and seconds of drawing it."""
    x = np.zeros((n, d), np.float32)
    parts = [part.reshape(-1) for part in np.array_split(x, threads)]
    if way == "torch":
        import torch

        torch.set_num_threads(1)
        generators = [torch.Generator().manual_seed(seed * threads + part) for part in range(threads)]
        tensors = [torch.from_numpy(part) for part in parts]

        def fill(part):
            torch.set_num_threads(1)
            tensors[part].normal_(generator=generators[part])
    else:
        generators = [np.random.Generator(np.random.SFC64(child)) for child in np.random.SeedSequence(seed).spawn(threads)]

        def fill(part):
            generators[part].standard_normal(dtype=np.float32, out=parts[part])

    with ThreadPoolExecutor(threads) as pool:
        # Threads start before the clock does.
        list(pool.map(lambda _: None, range(threads)))
        start = time.perf_counter()
        list(pool.map(fill, range(threads)))
        seconds = time.perf_counter() - start
    flat = x.reshape(-1)
    return {"mean": float(flat.mean(dtype=np.float64)), "mean_square": float(np.dot(flat, flat)) / flat.size}, seconds
