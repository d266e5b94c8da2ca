# What the tests of clusters have in common: a study, the same study on one machine, a binary that keeps a log, and an end that leaves nothing running.

here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$here/../.."
superpose="$(realpath "${SUPERPOSE:-$root/target/release/superpose}")"
# Short, for a socket of munge lies in it.
work="$(mktemp -d /tmp/spc.XXXXXX)"
chmod 755 "$work"

say() { printf '%s\n' "$*"; }
fail() {
    say "FAILED: $*"
    for log in "$work"/*.log; do
        [ -s "$log" ] && { say "--- ${log##*/}"; tail -n 15 "$log"; }
    done
    exit 1
}

# Waits until a command succeeds, for at most some seconds.
await() {
    local until=$((SECONDS + $1)) && shift
    until "$@" > /dev/null 2>&1; do
        [ $SECONDS -lt $until ] || fail "waited in vain for: $*"
        sleep 0.1
    done
}

# About 10 s of work on one core, in 160 units.
mkdir "$work/study"
cat > "$work/study/study.toml" <<'END'
name = "study"
seed = 3
replicates = 40
concepts.count = 1500
[[tiers]]
name = "a"
d_model = 64
embedding.fully_distributed = {}
[measure.overlap]
[measure.bundling]
[sweep]
"tiers.a.d_model" = [128, 256, 512, 1024]
[[analysis]]
power_law = { y = "mean_square_cosine", x = "d_model" }
END

# What workers run: the binary, with a log of every shard that begins and ends, and where $work/faulty is, a shard that exits with 75 twice.
mkdir "$work/bin"
cat > "$work/bin/superpose" <<END
#!/bin/bash
[ "\${1:-}" = shard ] || exec -a superpose "$superpose" "\$@"
key="\$3\${SLURM_ARRAY_TASK_ID:+ \$SLURM_ARRAY_TASK_ID}"
echo "begun \$key" >> "$work/shards"
while [ -e "$work/hold-\${SLURMD_NODENAME:-}" ]; do sleep 0.1; done
if [ -d "$work/faulty" ]; then
    if mkdir "$work/faulty/1" 2> /dev/null; then
        echo "\$key" > "$work/faulty/key"
        exit 75
    elif [ "\$(cat "$work/faulty/key" 2> /dev/null)" = "\$key" ] && mkdir "$work/faulty/2" 2> /dev/null; then
        exit 75
    fi
fi
"$superpose" "\$@"
code=\$?
[ \$code = 0 ] && echo "ended \$key" >> "$work/shards"
exit \$code
END
chmod 755 "$work/bin/superpose"
# A study that has begun anew.
anew() {
    : > "$work/shards"
    chmod 666 "$work/shards"
    rm -rf "$work/faulty"
}
# How many shards have begun, or ended; whether at least so many have.
n_of() { grep -c "^$1" "$work/shards" || true; }
at_least() { [ "$(n_of "$2")" -ge "$1" ]; }

one_machine() {
    (cd "$work/study" && "$superpose" run study.toml --out one --quiet)
}

# The files of a run are those of one machine, but for what tells when and how long.
same() {
    diff -r -q -x store.redb -x manifest.json -x report.html "$work/study/one" "$work/study/$1" || fail "$1 is not what one machine writes"
    say "   $1: $(find "$work/study/one" -name '*.csv' | wc -l) CSV files and $(find "$work/study/one/figures" -type f | wc -l) figures, byte for byte those of one machine"
}

# What of the work was done more than once: of shards by their units (Dask), or of equal shards by their number (Slurm).
repeated() {
    sed -n 's/^begun //p' "$work/shards" | awk '
        $1 ~ /^[0-9]+-[0-9]+$/ { split($1, ends, "-"); for (u = ends[1]; u <= ends[2]; u++) { if (u in seen) again++; seen[u]; all++ } next }
        { if ($0 in seen) again++; seen[$0]; all++ }
        END { printf "   %d shards begun; %d %% of the work was begun once more\n", NR, 100 * again / all }'
}
