#!/usr/bin/env bash
# The same bytes from another processor: runs scenarios natively and as an Intel Haswell (AVX2 and FMA, no AVX-512) emulated by qemu, and compares their tables byte for byte.
#     cargo build --release && tests/kernels_under_qemu.sh
# Not part of .ci/run, which runs every kernel natively; this also changes what the system's own libraries find.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
root="$here/.."
superpose="${SUPERPOSE:-$root/target/release/superpose}"

if ! command -v qemu-x86_64 > /dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends qemu-user
fi
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# Codes of signs, of few units and of real numbers, over several tiles of 192.
cat > "$work/kernels.toml" << 'SCENARIO'
name = "kernels"
seed = 11
[concepts]
count = 500
[[tiers]]
name = "signs"
d_model = 300
embedding.fully_distributed = { entries = "rademacher" }
[[tiers]]
name = "few"
d_model = 300
embedding.support = { active = 8 }
[[tiers]]
name = "uniform"
d_model = 300
embedding.fully_distributed = { entries = "uniform" }
[measure.overlap]
[measure.spectrum]
[measure.dimensionality]
[measure.bundling]
[smoke]
SCENARIO

failed=0 compared=0 kernels=
for scenario in "$root/scenarios/tiers.toml" "$root/scenarios/load.toml" "$root/scenarios/phase-diagram.toml" "$work/kernels.toml"; do
    name="$(basename "$scenario" .toml)"
    run() { "${@:2}" "$superpose" run "$scenario" --smoke --no-report --quiet --threads 2 --out "$work/$1/$name"; }
    run native env
    # What the emulator lacks of that processor is nothing that we use.
    run haswell qemu-x86_64 -cpu Haswell 2> >(grep -v "TCG doesn't support" >&2)
    for side in native haswell; do
        kernels="$kernels $side:$(grep -o '"kernel": *"[a-z0-9]*"' "$work/$side/$name"/*manifest.json | grep -o '[a-z0-9]*"$' | tr -d '"')"
    done
    for table in "$work/native/$name"/*.csv; do
        if cmp "$table" "$work/haswell/$name/$(basename "$table")"; then
            echo "the same bytes: $(basename "$table"), $(($(wc -l < "$table") - 1)) rows, $(wc -c < "$table") bytes"
        else
            failed=$((failed + 1))
        fi
        compared=$((compared + 1))
    done
done
echo "kernels that were taken:$(tr ' ' '\n' <<< "$kernels" | sort -u | tr '\n' ' ')"
echo "native against Haswell under $(qemu-x86_64 --version | head -1): $((compared - failed)) tables equal, $failed differ"
[ "$compared" -gt 0 ] && [ "$failed" -eq 0 ]
