#!/usr/bin/env bash
# Makes docs/gallery.md and docs/gallery/: one figure of every shipped scenario.
#
#   cargo build --release && bash docs/gallery.sh [RESULTS | --smoke]
#
# RESULTS is a folder with the results of runs in it, RESULTS/NAME for each scenario, `results` if left out. What it lacks is run, at full size: half an hour on two
# cores for all; figures of runs that are there are drawn again from their tables. With --smoke all scenarios run at their small sizes into a folder that is thrown away, and
# the pictures go there too: a minute, to see that the command still works.
set -euo pipefail
cd "$(dirname "$0")/.."
superpose=$PWD/target/release/superpose
results=${1:-results}
docs=docs
smoke=()
if [ "$results" = --smoke ]; then
    docs=$(mktemp -d)
    trap 'rm -rf "$docs"' EXIT
    results=$docs/results
    smoke=(--smoke)
fi

# Scenario, its figure, and what one sees in it. Heat maps of many cells are smaller as pixels.
figures() {
    cat <<'TABLE'
emergence|page.png|One model that grows. What two concepts have in common falls as one over the width, smoothly (b); whole tasks of 20 steps turn within a decade (c), for they are the 20th power of an accuracy that does not (d).
tiers|cosines.svg|Three tiers: no two concepts overlap, few do and much, all do and a little, as random directions must.
knob|overlap.png|One knob from 1 to 256 active units of 256: few pairs that share a unit whole become many that share a little of it.
knob-study|sparsity-by-lambda.svg|The same knob in 21 steps at three widths.
random|overlap-by-tier-1.svg|Random directions lie on their theory; those of positive numbers, which people draw by mistake, do not.
frames|overlap.svg|Packings of lines: every overlap has the same size, or one of two.
concepts|overlap.svg|Six concepts by name, in 100 units.
vectors|overlap.png|96 words as a sentence encoder sees them, beside random vectors of the same size: kinds of words are blocks.
real-vs-random|cosines.svg|The same words, Gaussian vectors of their mean and covariance, and random directions: most of the overlap is the mean.
load|overlap-by-n_concepts-1.svg|Three tiers under a growing load of concepts.
mirage|ability-1-exact_match_20.svg|One accuracy in two metrics: whole tasks turn suddenly where single steps rise smoothly.
capacity|ability-1-bundling_accuracy_25.svg|How wide a model must be for 25 concepts to be read out of their sum.
memory|ability-1-hopfield_overlap.svg|An associative memory of 1000 units: recall breaks down, half way at 170 patterns, beside what theory says of an infinite one.
percolation|ability-1-giant_fraction.svg|Where concepts that overlap begin to hang together, for five sizes, beside the theory of random graphs.
scaling|scaling-3-loss_power_floor.svg|A law with a floor: points, fit with its interval, and the floor that the fit finds.
chinchilla|surface-1-loss_chinchilla.svg|Losses on Hoffmann's surface with the surface fitted to them, and how it would spend a budget.
phase-diagram|phase-represented_2.svg|Two concepts on one unit: dark where both are represented.
hysteresis|ability-1-represented_2.svg|The same boundary from both sides: where one comes from decides where it lies.
polytopes|geometry.svg|Sparse concepts sit on the corners of regular figures.
plateaus|dimensionality-by-density.svg|100 concepts in 10 units, from dense to sparse: how many of them sit on what figure.
strong-superposition|scaling-1-training_loss.svg|Nearly all of 1000 concepts are represented, and the loss falls as one over the width.
weak-superposition|scaling-1-training_loss.svg|About one concept for each unit is represented, and the loss is what the others cost.
learning|training-by-step-1.svg|A linear network learns one mode after another, on the line of the closed form.
parity|training-by-step-1.svg|Thirty parities of unequal use: each is learned suddenly, the frequent ones first.
trained-tiers|overlap-by-gamma-1.svg|Small, medium and large models whose codes are learned, under a weight decay that favours superposition (gamma = −1) and one that does not (0.1).
hundred-billion|ability-1-exact_match_20.svg|Whole tasks against size, for codes and loads of the task: the turn moves with the load, and none lies at 1e11 by itself.
TABLE
}

rm -rf "$docs/gallery"
mkdir -p "$docs/gallery"
page=$docs/gallery.md
cat > "$page" <<'TEXT'
# Gallery

One figure of every shipped scenario, as the run draws it: `superpose run scenarios/NAME.toml` puts it, with the others of the scenario, into `results/NAME/figures/`.
Made by `cargo build --release && bash docs/gallery.sh`.
TEXT
figures | while IFS='|' read -r name file words; do
    folder=$results/$name
    if [ -f "$folder/manifest.json" ]; then
        "$superpose" report "$folder" < /dev/null
    else
        "$superpose" run "scenarios/$name.toml" ${smoke[@]+"${smoke[@]}"} --quiet --out "$folder" < /dev/null
    fi
    if [ ! -f "$folder/figures/$file" ]; then
        echo "$folder/figures: has no $file, only: $(cd "$folder/figures" && echo *)" >&2
        exit 1
    fi
    cp "$folder/figures/$file" "$docs/gallery/$name.${file##*.}"
    printf '\n## `%s.toml`\n\n%s\n\n![%s](gallery/%s.%s)\n' "$name" "$words" "$name.toml: ${file%.*}" "$name" "${file##*.}" >> "$page"
done
for scenario in scenarios/*.toml; do
    name=$(basename "$scenario" .toml)
    grep -q "^## \`$name.toml\`" "$page" || { echo "$scenario: has no figure in docs/gallery.sh" >&2; exit 1; }
done
du -sb "$docs/gallery" | { read -r bytes _; echo "$page: $(grep -c '^## ' "$page") figures, $bytes bytes"; [ "$bytes" -lt 3000000 ]; }
