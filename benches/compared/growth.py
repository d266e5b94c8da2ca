"""How time and memory grow, and a model of machines with more cores."""

from .around import MB, overlap_of, run, scenario
from .report import exponent, time_of

# Rows and columns of a tile of the pass (`geometry/tile.rs`).
TILE = 192
MACHINES = [64, 128]


def growth(sides, report, quick):
    small = 2 if quick else 1
    points = lambda count: f"[sweep]\nseed = {{ from = 1, to = {count}, steps = {count} }}\n"
    axes = {
        "n, at d = 256": [(n // small, overlap_of(n // small, 256), None) for n in (8192, 16384, 32768, 65536)],
        f"d, at n = {8192 // small}": [(d, overlap_of(8192 // small, d), None) for d in (128, 256, 512, 1024)],
        "points, each of n = 256, d = 64": [(count // small, overlap_of(256, 64, points(count // small)), None) for count in (500, 1000, 2000, 4000)],
        "threads, at n = 16384, d = 256": [(t, overlap_of(16384, 256), t) for t in range(1, sides.threads + 1)],
    }
    report.section("Growth", "Processes of `superpose run --no-report` with the measure `overlap`, once each. Exponents are fitted by least squares on logarithms; those of memory to what is beyond the first row of an axis, against the value beyond the first, so that what every process has is not in them: 1 is proportional.")
    rows, fits = [], []
    for axis, cases in axes.items():
        sizes, found = [], []
        for size, text, threads in cases:
            taken = run(sides, scenario(sides, "growth", text), "--no-report", threads=threads)
            rows.append([axis, size, time_of(taken["seconds"]), time_of(taken["cpu_seconds"]), f"{taken['bytes'] / MB:.0f} MB"])
            sizes.append(size)
            found.append(taken)
        if len(cases) > 1:
            power = lambda values: f"{exponent(sizes, values):.2f}"
            fits.append([axis, *(power([taken[key] for taken in found]) for key in ("seconds", "cpu_seconds")), of_memory(sizes, found)])
    report.table(["axis", "value", "time", "processor time", "peak memory"], rows)
    report.say("Fitted exponents:")
    report.table(["axis", "time", "processor time", "memory"], fits)


def of_memory(sizes, found):
    beyond = [(size - sizes[0], taken["bytes"] - found[0]["bytes"]) for size, taken in zip(sizes[1:], found[1:])]
    # Pages that come and go by the order of threads.
    if max(more for _, more in beyond) < 4 * MB:
        return "none"
    beyond = [(size, more) for size, more in beyond if more > 0]
    return f"{exponent(*zip(*beyond)):.2f}" if len(beyond) > 1 else "–"


def model(sides, report, measured):
    """What would bound the pass on a machine with more cores, from rates of this one."""
    n, times, peak = measured["n"], measured["times"], measured["peak"]
    threads = sides.threads
    copy = {t: sides.ours.ask(do="copy", threads=t, bytes=1 << 27)["numbers"]["bytes_per_second"] for t in {1, threads}}
    read = sides.ours.ask(do="read", threads=threads, bytes=1 << 27)["numbers"]["bytes_per_second"]
    drawn = report.drawn
    report.section(
        "A model of 64 and 128 cores",
        "**A model, not a measurement.** It takes rates of this machine:",
        "",
        f"- the pass of one thread, and its part that is not shared out, s = (2 t₂/t₁ − 1) of Amdahl's law from the times on 1 and {threads} threads (0 where that is negative);" if threads == 2 else "- the pass of one thread;",
        f"- memory reads {read / 1e9:.1f} GB/s and copies {copy[threads] / 1e9:.1f} GB/s on {threads} threads ({copy[1] / 1e9:.1f} on one); drawing {drawn[1] / 1e6:.0f} million numbers a second on one thread.",
        "",
        f"and these assumptions: cores are as fast as here and share nothing but memory; every tile of {TILE} × {TILE} pairs reads both its panels, 2 · {TILE} · d · 4 bytes for 2 · {TILE}² · d operations, from memory and not from a cache that cores share, which is the worst case; "
        "packing is one copy of the embedding at the rate of all threads here, which does not grow; drawing grows with the cores; tiles are shared out evenly but for the last. "
        "“Needs” is the memory traffic at which the cores would not wait; memory bounds the pass where the machine has less.",
    )
    rows = []
    for d in (64, 256, 1024):
        one, all_ = times[d, "moments", 1].median, times[d, "moments", threads].median
        serial = max(0.0, 2 * all_ / one - 1) if threads == 2 else 0.0
        rate = n * (n - 1) * d / one
        tiles = (-(-n // TILE)) * (-(-n // TILE) + 1) / 2
        for cores in MACHINES:
            compute = one / tiles * -(-tiles // cores)
            parts = {"arithmetic": compute, "what is not shared out": serial * one, "packing": 4 * n * d / copy[threads], "drawing": n * d / drawn[1] / cores}
            most = max(parts, key=parts.get)
            needs = cores * rate * 4 / TILE
            rows.append([d, cores, time_of(compute), time_of(parts["what is not shared out"]), time_of(parts["packing"]), time_of(parts["drawing"]), f"{needs / 1e9:.0f} GB/s", most])
    report.say("", f"n = {n}:")
    report.table(["d", "cores", "arithmetic", "not shared out", "packing", "drawing", "needs", "most time in"], rows)
