"""What is printed: samples with their spread, tables, targets, and exponents of growth."""

import math
import statistics


class Sample(list):
    """Times of several rounds, in seconds."""

    @property
    def median(self):
        return statistics.median(self)

    def __str__(self):
        if len(self) == 1:
            return time_of(self.median)
        return f"{time_of(self.median)} ({time_of(min(self))}–{time_of(max(self))})"


def time_of(seconds):
    for unit, factor in (("s", 1.0), ("ms", 1e3)):
        if seconds * factor >= 1.0 or unit == "ms":
            return f"{seconds * factor:.3g} {unit}" if seconds * factor < 1000 else f"{seconds * factor:.0f} {unit}"


class Report:
    def __init__(self):
        self.lines, self.targets = [], []
        # Numbers drawn in a second, by threads: the model takes them.
        self.drawn = {}

    def say(self, *lines):
        self.lines += lines

    def section(self, title, *text):
        self.say("", f"## {title}", "", *text)

    def table(self, heads, rows):
        self.say("", "| " + " | ".join(heads) + " |", "|" + "---|" * len(heads))
        self.say(*("| " + " | ".join(map(str, row)) + " |" for row in rows), "")

    def target(self, what, measured, target, aim=None, at_most=False, unit=""):
        """A number that is promised: whether it holds, and whether the aim does."""
        digits = lambda x: f"{x:.3g}{unit}"
        sign = "≤" if at_most else "≥"
        reached = lambda bound: measured <= bound if at_most else measured >= bound
        words = ["yes" if reached(target) else "**no**"]
        words += ["–", "–"] if aim is None else [f"{sign} {digits(aim)}", "yes" if reached(aim) else "no"]
        self.targets.append([what, digits(measured), f"{sign} {digits(target)}", *words])

    def text(self, head):
        heads = ["what", "measured", "target", "holds", "aim", "reached"]
        body, self.lines = self.lines, list(head)
        failed = [row[0] for row in self.targets if row[3] != "yes"]
        self.section("Targets", f"{len(self.targets) - len(failed)} of {len(self.targets)} hold. Medians; each is explained in its section.")
        self.table(heads, self.targets)
        return "\n".join(self.lines + body) + "\n"


def exponent(sizes, values):
    """b of values ≈ a sizes^b, by least squares on logarithms."""
    x, y = [math.log(size) for size in sizes], [math.log(value) for value in values]
    if min(y) == max(y):
        return 0.0
    return statistics.linear_regression(x, y).slope


def agree(what, ours, theirs, relative, absolute):
    """Raises unless every number that both have is equal within |a − b| ≤ absolute + relative |b|. The largest difference, and where."""
    worst = (0.0, "nothing")
    for name in sorted(ours.keys() & theirs.keys()):
        a, b = ours[name], theirs[name]
        if a is None or b is None:
            continue
        share = abs(a - b) / (absolute + relative * abs(b))
        if not share <= 1.0:
            raise SystemExit(f"{what}: {name} is {a} by us and {b} by them, which are not equal within {relative} of it + {absolute}")
        worst = max(worst, (share, name))
    if not ours.keys() & theirs.keys():
        raise SystemExit(f"{what}: no number that both have")
    return worst
