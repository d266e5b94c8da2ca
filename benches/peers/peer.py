"""A process that computes what the engine computes, with numpy or PyTorch, and says how long it took: the peer of benches/compare.

    OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2 MKL_NUM_THREADS=2 OPENBLAS_CORETYPE=… python benches/peers/peer.py

One request a line on standard input, a JSON object; one answer a line on standard output, a JSON object, in order. The process ends with its input. Every request
may have `id`, which the answer repeats, and `threads` (default: OMP_NUM_THREADS, or the number of cores), the threads of everything that is timed.

    {"do": "versions"}                                                         → versions, BLAS libraries with the kernels that they chose, processor, threads
    {"do": "overlap", "file": F, "way": W, "tile": [ROWS, COLUMNS]}            W: numpy_tuned, torch_tuned, numpy_naive, torch_naive; tile may be left out
    {"do": "spectrum", "file": F, "way": W}                                    W: numpy, torch
    {"do": "draw", "n": N, "d": D, "way": W, "seed": S}                        W: numpy, torch; seed may be left out
    {"do": "linear_readout", "file": F, "ridge": γ}                            γ may be left out: 0
    {"do": "bundling", "file": F, "items": [K, …], "candidates": D, "trials": T, "seed": S}      all but the file may be left out: 10, 25, 50; 27; 200; 0
    {"do": "task", "file": F, "steps": [L, …], "items": K, "candidates": D, "trials": T, "seed": S}    1, 5, 20; 10; 27; 200; 0
    {"do": "tiers", "file": OUT.csv}                                           writes the table of tiers.py
    {"do": "forget"}                                                           lets go of the vectors that were read last

F is a .npy file of float32, a row for each concept. It is read before the clock starts and kept until another is named. An answer is

    {"id": …, "ok": true, "seconds": wall time of the computation alone, "cpu_seconds": processor time of this process in it,
     "numbers": {NAME: number, …}, "parts": {NAME: seconds, …}}

where parts is there if the time is made of several, or {"id": …, "ok": false, "error": a sentence}.

    python benches/peers/peer.py --settings

prints a JSON object of the environment variables with which numpy is fastest on this machine, each found by trying, and on standard error the rates; what is best left unset is not there.
OPENBLAS_CORETYPE, for the products of a tile, is the fastest among those with right products. NPY_DISABLE_CPU_FEATURES is there where numpy sorts faster without AVX-512, as on AMD Zen 4; only
tiers.py sorts. Both are read when numpy is loaded, so that whoever starts a peer sets them, and unsets OPENBLAS_L2_SIZE.
"""

import json
import os
import platform
import subprocess
import sys
import time

CORE_TYPES = ["", "Zen", "Haswell", "SkylakeX", "Cooperlake", "SapphireRapids"]
WITHOUT = ["", "X86_V4 AVX512_ICL AVX512_SPR"]


def versions(request, threads):
    import numpy
    import scipy
    from threadpoolctl import threadpool_info

    found = {"python": platform.python_version(), "numpy": numpy.__version__, "scipy": scipy.__version__}
    try:
        import torch

        found["torch"] = torch.__version__
        found["torch_cpu_capability"] = torch.backends.cpu.get_cpu_capability()
        found["torch_mkl"] = torch.backends.mkl.is_available()
    except ImportError:
        pass
    kept = ("internal_api", "version", "architecture", "num_threads", "threading_layer")
    libraries = [{key: library[key] for key in kept if key in library} for library in threadpool_info()]
    set_here = {key: os.environ[key] for key in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "NPY_DISABLE_CPU_FEATURES") if key in os.environ}
    return {"versions": found, "libraries": libraries, "processor": processor(), "threads": threads, "settings": set_here}


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


def timed(compute):
    """What `compute` returns, with wall and processor time around it."""
    wall, processor_time = time.perf_counter(), time.process_time()
    numbers = compute()
    processor_time, wall = time.process_time() - processor_time, time.perf_counter() - wall
    return {"seconds": wall, "cpu_seconds": processor_time, "numbers": numbers}


def overlap(request, threads):
    import overlap as module

    x, way, tile = vectors(request), request["way"], request.get("tile")
    return timed(lambda: module.statistics(way, x, threads, tile))


def spectrum(request, threads):
    import spectrum as module

    x, way = vectors(request), request["way"]
    answer = timed(lambda: module.spectrum(way, x, threads))
    answer["numbers"], answer["parts"] = answer["numbers"]
    return answer


def draw(request, threads):
    import draw as module

    answer = timed(lambda: module.draw(request["way"], request["n"], request["d"], threads, request.get("seed", 0)))
    answer["numbers"], answer["seconds"] = answer["numbers"]
    # Processor time would count making the array and its moments.
    del answer["cpu_seconds"]
    return answer


def readout(request, threads):
    import readout as module

    x, function = vectors(request), getattr(module, request["do"])
    given = {key: value for key, value in request.items() if key not in ("do", "file", "id", "threads")}
    return timed(lambda: function(x, **given))


def tiers(request, threads):
    import tiers as module

    return timed(lambda: module.main(request["file"]))


def forget(request, threads):
    KEPT.clear()
    return {}


DO = {
    "versions": versions,
    "overlap": overlap,
    "spectrum": spectrum,
    "draw": draw,
    "linear_readout": readout,
    "bundling": readout,
    "task": readout,
    "tiers": tiers,
    "forget": forget,
}
# The file that was read last and its vectors.
KEPT = {}


def vectors(request):
    import numpy as np

    path = request["file"]
    key = (path, os.stat(path).st_mtime_ns)
    if KEPT.get("key") != key:
        KEPT.clear()
        KEPT.update(key=key, vectors=np.ascontiguousarray(np.load(path), dtype=np.float32))
    return KEPT["vectors"]


def answer(line):
    import numpy  # noqa: F401 — so that its BLAS is there to be limited
    from threadpoolctl import threadpool_limits

    given = {}
    try:
        request = json.loads(line)
        given = {"id": request["id"]} if "id" in request else {}
        threads = int(request.get("threads") or os.environ.get("OMP_NUM_THREADS") or os.cpu_count())
        if request.get("do") not in DO:
            raise ValueError(f"\"do\" must be one of {', '.join(DO)}, got {request.get('do')!r}")
        # Where BLAS has its own threads it has as many as are asked for; a torch is told by what uses it.
        with threadpool_limits(threads, "blas"):
            return {**given, "ok": True, **DO[request["do"]](request, threads)}
    except Exception as error:
        return {**given, "ok": False, "error": f"{type(error).__name__}: {error}"}


def serve():
    # Whatever a library prints goes to standard error: standard output is for answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    for line in sys.stdin:
        if line.strip():
            answers.write(json.dumps(answer(line)) + "\n")
            answers.flush()


def settings():
    """The fastest variables: each value is tried in a process of its own."""
    found = {}
    for variable, what, values in (("OPENBLAS_CORETYPE", "--rate", CORE_TYPES), ("NPY_DISABLE_CPU_FEATURES", "--sort-rate", WITHOUT)):
        rates = {}
        for value in values:
            environment = {key: kept for key, kept in os.environ.items() if key not in (variable, "OPENBLAS_L2_SIZE")}
            environment.update({variable: value} if value else {}, OPENBLAS_NUM_THREADS="1")
            tried = subprocess.run([sys.executable, os.path.abspath(__file__), what], env=environment, capture_output=True, text=True)
            rates[value] = float(tried.stdout) if tried.returncode == 0 else 0.0
            print(f"{variable}={value or '(unset)'}: {rates[value]:.1f} {tried.stderr.strip()[-200:]}", file=sys.stderr)
        best = max(rates, key=rates.get)
        # What differs by the noise of the clock alone stays unset.
        if rates[best] > 1.03 * rates[""]:
            found[variable] = best
    print(json.dumps(found))


def rate():
    """Prints GFLOP per second of processor time for tiles as `overlap` has them, the geometric mean over d; fails if a product is wrong."""
    import numpy as np

    import overlap as module

    rows, columns = module.TILE
    rates = []
    for d in (64, 256, 1024):
        x = np.random.default_rng(d).standard_normal((rows + columns, d), dtype=np.float32)
        a, b, out = x[:rows], x[rows:], np.empty((rows, columns), np.float32)
        best = min(timed(lambda: np.matmul(a, b.T, out=out))["cpu_seconds"] for _ in range(60 if d < 1024 else 15))
        if np.abs(out - a.astype(np.float64) @ b.T.astype(np.float64)).max() > 1e-3:
            sys.exit(f"wrong products at d = {d}")
        rates.append(2e-9 * rows * columns * d / best)
    print(float(np.prod(rates)) ** (1 / len(rates)))


def sort_rate():
    """Prints million values that are sorted in a second of processor time, in blocks as tiers.py has them."""
    import numpy as np

    import tiers as module

    x = np.abs(np.random.default_rng(0).standard_normal((module.BLOCK, module.TIERS[-1][2]), dtype=np.float32))
    print(1e-6 * x.size / min(timed(lambda: np.sort(x, axis=1))["cpu_seconds"] for _ in range(10)))


if __name__ == "__main__":
    {"--settings": settings, "--rate": rate, "--sort-rate": sort_rate}.get(sys.argv[1] if len(sys.argv) > 1 else "", serve)()
