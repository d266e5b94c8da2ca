"""Where the time of a training goes: samples of the instruction that a core is at, by the function of ours that it was written in."""

import re
import subprocess
from collections import Counter

from .sides import CARGO, ROOT, program_of

SHAPES = ["2x1", "20x5", "100x20", "1024x64"]
# Functions of which each row shows this many.
SHOWN = 6


def profile(sides, report):
    """Needs perf (Linux) and addr2line, and a build that knows its lines."""
    command = [CARGO, "bench", "--no-run", "--message-format=json", "--bench", "training"]
    program = program_of(command, "training")
    rows = []
    for shape in SHAPES:
        record = sides.folder / "perf.data"
        run = [program, "--only", shape, "2"]
        said = subprocess.run(["perf", "record", "--event=cpu-clock", "--freq=1000", f"--output={record}", "--", *run], cwd=ROOT, check=True, capture_output=True, text=True)
        rate = float(said.stdout)
        shares, n = shares_of(record, program)
        parts = ", ".join(f"{name} {100 * share:.0f} %" for name, share in shares[:SHOWN])
        rest = 1 - sum(share for _, share in shares[:SHOWN])
        rows.append([shape.replace("x", ", "), f"{rate:.3g}", n, f"{parts}, others {100 * rest:.0f} %"])
    report.section(
        "What bounds a training",
        "One model on one thread for 2 s, sampled 1000 times a second by `perf record`; each sample counts for the innermost function of a file in src/training that was inlined at its instruction (`addr2line`), or for the file where there is none. "
        "`features` draws the samples, `see` lays them out, `optimizer` is Adam, all others are products of matrices and what is done to their results.",
    )
    report.table(["n, d", "steps/s", "samples", "share of the time"], rows)


def shares_of(record, program):
    """Functions and their shares, most first, and the number of samples."""
    script = subprocess.run(["perf", "script", f"--input={record}", "--fields=ip,comm,event", "--show-mmap-events"], check=True, capture_output=True, text=True).stdout
    offset = address_of(program)
    start, addresses, elsewhere = None, Counter(), 0
    for line in script.splitlines():
        mapped = re.search(r"PERF_RECORD_MMAP2? .*\[(0x\w+)\((0x\w+)\) @ (\w+) .*\]: r-xp (.*)$", line)
        if mapped:
            if mapped[4] == program:
                start = (int(mapped[1], 16), int(mapped[2], 16), int(mapped[3], 16))
            continue
        found = re.search(r"\b([0-9a-f]{8,16})\s*$", line)
        if not found:
            continue
        ip = int(found[1], 16)
        if start and start[0] <= ip < start[0] + start[1]:
            addresses[offset(ip - start[0] + start[2])] += 1
        else:
            elsewhere += 1
    names = names_of(program, list(addresses))
    shares = Counter({"the system": elsewhere} if elsewhere else {})
    for address, count in addresses.items():
        shares[names[address]] += count
    total = sum(shares.values())
    return [(name, count / total) for name, count in shares.most_common()], total


def address_of(program):
    """From places in the file to addresses, by the segments of the program."""
    out = subprocess.run(["readelf", "-lW", program], check=True, capture_output=True, text=True).stdout
    segments = [tuple(int(word, 16) for word in line.split()[1:5]) for line in out.splitlines() if line.split()[:1] == ["LOAD"]]

    def address(place):
        return next(place - at + virtual for at, virtual, _, size in segments if at <= place < at + size)

    return address


def names_of(program, addresses):
    asked = "".join(f"{address:#x}\n" for address in addresses)
    out = subprocess.run(["addr2line", "-a", "-f", "-i", "-C", "-e", program], input=asked, check=True, capture_output=True, text=True).stdout
    names = {}
    for block in re.split(r"^0x", out, flags=re.MULTILINE)[1:]:
        address, *lines = block.splitlines()
        names[int(address, 16)] = label(list(zip(lines[0::2], lines[1::2])))
    return names


def label(chain):
    """The innermost function of the trainings among those inlined at a place, by file and name; the innermost file of all, if there is none."""
    for name, place in chain:
        found = re.search(r"/src/training/(\S+)\.rs:", place)
        if found:
            name = re.sub(r"<.*?>|\{\{.*?\}\}", "", name).rstrip(":").split("::")[-1] or "closure"
            # What is inlined at the top of a kernel has no name of its own.
            return f"`{found[1]}`" if name in ("avx512", "avx2", "run") else f"`{found[1]}::{name}`"
    found = re.search(r"/src/(\S+)\.rs:", chain[0][1])
    return f"`{found[1]}`" if found else chain[0][0]
