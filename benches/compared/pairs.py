"""The pass over all pairs: against the peak of the processor, against what else there is, and the kernels for signs and few units."""

from .report import Sample, agree, time_of

WAYS = {"numpy_tuned": "numpy, tuned", "torch_tuned": "PyTorch, tuned", "numpy_naive": "numpy, naive", "torch_naive": "PyTorch, naive"}
# Against the best tuned and the best naive program.
RATIOS = {64: ((8, 13), 50), 256: ((4, 5), 20), 1024: ((2, 2.2), 8)}
PEAK = {64: (60, 75), 256: (75, 85), 1024: (80, 88)}
SIGNS = {"fully_distributed": {"entries": "rademacher"}}
# Bins of the peers are 128 to the octave; sums of naive programs are in f32, and their quantiles right to 1e-4.
TOLERANCE = {"tuned": (0.01, 2e-5), "naive": (0.01, 2e-3)}


def few(d):
    """Active units s of a support with s²/d = 1/4."""
    return {"support": {"active": round((d / 4) ** 0.5)}}


def pairs(sides, report, quick):
    n, rounds = (8192, 3) if quick else (16384, 5)
    threads = sides.threads
    peaks, times, processor = {}, {}, {}

    def note(key, answer):
        times.setdefault(key, Sample()).append(answer["seconds"])
        processor.setdefault(key, Sample()).append(answer["cpu_seconds"])

    for d in RATIOS:
        file = str(sides.folder / "vectors.npy")
        sides.ours.ask(do="save", n=n, d=d, file=file)
        checked = sides.ours.ask(do="pairs", n=n, d=d, threads=threads)["numbers"]
        for way in WAYS:
            answer = sides.peer.ask(do="overlap", file=file, way=way)
            agree(f"overlap at d = {d}, {way}", checked, answer["numbers"], *TOLERANCE[way[6:]])
            # Naive programs take seconds, so that the one that was checked counts.
            if way.endswith("naive"):
                note((d, way), answer)
        for _ in range(rounds):
            for t in sorted({1, threads}):
                found = sides.ours.ask(do="peak", threads=t)["numbers"]
                best = max((rate, name) for name, rate in found.items() if name.startswith("f32"))
                peaks.setdefault(t, []).append(best)
                note((d, "moments", t), sides.ours.ask(do="pairs", n=n, d=d, threads=t))
                note((d, "centred", t), sides.ours.ask(do="pairs", n=n, d=d, threads=t, centred=True))
            for way in ("numpy_tuned", "torch_tuned"):
                note((d, way), sides.peer.ask(do="overlap", file=file, way=way))
        for _ in range(0 if quick else 1):
            for way in ("numpy_naive", "torch_naive"):
                note((d, way), sides.peer.ask(do="overlap", file=file, way=way))
        sides.peer.ask(do="forget")
        for code, embedding in (("signs", SIGNS), ("few", few(d))):
            for t in sorted({1, threads}):
                for _ in range(rounds):
                    note((d, code, t), sides.ours.ask(do="pairs", n=n, d=d, threads=t, embedding=embedding))
    middle = lambda t: sorted(peaks[t])[len(peaks[t]) // 2]
    peak = {t: middle(t) for t in peaks}
    write(report, n, rounds, threads, peak, times, processor)
    return {"n": n, "times": times, "peak": peak}


def write(report, n, rounds, threads, peak, times, processor):
    operations = {d: n * (n - 1) * d for d in RATIOS}
    share = lambda d, what, t: 100 * operations[d] / times[d, what, t].median / peak[t][0]
    report.section(
        "The pass over all pairs",
        f"n = {n} random directions in d units, {rounds} rounds in which ours and theirs take turns: median (least–most). Statistics are the moments to the fourth, the largest of each concept and the histogram of |c|; "
        "“centred” adds those of the centred vectors. The peak is that of a loop of f32 fused multiply-adds in registers, "
        "timed in every round, of which the median is taken: "
        + ", ".join(f"{rate / 1e9:.0f} GFLOP/s on {t} thread{'s' * (t > 1)} ({name[4:]})" for t, (rate, name) in peak.items())
        + ". Operations are n (n − 1) d. “By processor time” is the share of the peak of one thread for each second that a core worked, whatever else the machine did.",
    )
    if threads > 1 and peak[threads][0] < 0.9 * threads * peak[1][0]:
        report.say("", f"**The machine was not quiet, or its cores are not {threads}: {threads} threads had only {peak[threads][0] / peak[1][0]:.2f} × the peak of one. Times on {threads} threads say little.**")
    rows = [
        [d, t, name, times[d, what, t], f"{operations[d] / times[d, what, t].median / 1e9:.0f}", f"{share(d, what, t):.0f} %", f"{100 * operations[d] / processor[d, what, t].median / peak[1][0]:.0f} %"]
        for d in RATIOS for t in peak for what, name in (("moments", "all statistics"), ("centred", "and centred"))
    ]
    report.table(["d", "threads", "what", "time", "GFLOP/s", "of peak", "by processor time"], rows)
    for d in reversed(RATIOS):
        for t in peak:
            target, aim = PEAK[d]
            report.target(f"pass over pairs, d = {d}, {t} thread{'s' * (t > 1)}: of the f32 peak", share(d, "moments", t), target, aim, unit=" %")
    if threads > 1:
        for d in RATIOS:
            ratio = times[d, "moments", 1].median / times[d, "moments", threads].median
            report.target(f"pass over pairs, d = {d}: {threads} threads against one", ratio, 0.95 * threads, unit=" ×")

    report.say(f"Against programs in numpy and PyTorch (`benches/peers/overlap.py`) on {threads} threads. Tuned: triangle by tiles in the cache, settings found by trying. Naive: the whole matrix, "
               "`triu_indices`. Before timing all numbers were equal: "
               + "; ".join(f"{kind} within {100 * relative:g} % + {absolute:g}" for kind, (relative, absolute) in TOLERANCE.items())
               + " (their quantiles are of bins of 1/128 octave, their naive sums in f32).")
    rows = []
    for d in RATIOS:
        ours = times[d, "moments", threads].median
        rows.append([d, "ours", times[d, "moments", threads], ""])
        rows += [[d, WAYS[way], times[d, way], f"{times[d, way].median / ours:.1f} ×"] for way in WAYS]
        tuned, naive = (min(times[d, f"{lib}_{kind}"].median for lib in ("numpy", "torch")) / ours for kind in ("tuned", "naive"))
        (target, aim), target_naive = RATIOS[d]
        report.target(f"pass over pairs, d = {d}: ahead of the best tuned program", tuned, target, aim, unit=" ×")
        report.target(f"pass over pairs, d = {d}: ahead of the best naive program", naive, target_naive, unit=" ×")
    report.table(["d", "program", "time", "ours is faster by"], rows)

    report.say("Codes of ±1 (`rademacher`) and of few active units (`support` with s²/d = 1/4) beside the dense kernel on Gaussian codes of the same size.")
    rows = []
    for d in RATIOS:
        for t in peak:
            dense = times[d, "moments", t].median
            ratio = {code: dense / times[d, code, t].median for code in ("signs", "few")}
            rows.append([d, t, times[d, "moments", t], times[d, "signs", t], f"{ratio['signs']:.1f} ×", times[d, "few", t], f"{ratio['few']:.1f} ×"])
            if d == 1024:
                report.target(f"codes of ±1, d = 1024, {t} thread{'s' * (t > 1)}: against the dense kernel", ratio["signs"], 8, unit=" ×")
            report.target(f"codes of {few(d)['support']['active']} units, d = {d}, {t} thread{'s' * (t > 1)}: against the dense kernel", ratio["few"], 2, unit=" ×")
    report.table(["d", "threads", "dense", "±1", "faster by", "few units", "faster by"], rows)
