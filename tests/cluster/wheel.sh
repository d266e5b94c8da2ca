#!/usr/bin/env bash
# The wheel: built with maturin, installed in a fresh environment, and superpose is on its path with the bytes of the binary that cargo built.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap 'rm -rf "$work"' EXIT

venv="$here/.venv"
if ! cmp -s "$here/requirements.txt" "$venv/.installed"; then
    python3 -m venv "$venv" || { apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv && python3 -m venv "$venv"; }
    "$venv/bin/pip" install -q --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/.installed"
fi
(cd "$root" && "$venv/bin/maturin" build --release --locked --out "$work/wheels") > "$work/maturin.log" 2>&1 || fail "maturin build"
wheel="$(echo "$work"/wheels/superpose-*.whl)"
python3 -m venv "$work/fresh"
"$work/fresh/bin/pip" install -q --disable-pip-version-check --no-index "$wheel"
say "== ${wheel##*/}, $(($(stat -c %s "$wheel") / 1000000)) MB, in a fresh environment"
(
    . "$work/fresh/bin/activate"
    [ "$(command -v superpose)" = "$work/fresh/bin/superpose" ] || fail "superpose is not on the path"
    [ "$(superpose --version)" = "$("$superpose" --version)" ] || fail "another version: $(superpose --version)"
    cd "$work/study"
    superpose run study.toml --set replicates=2 --out wheel --quiet --no-report
    "$superpose" run study.toml --set replicates=2 --out cargo --quiet --no-report
    cmp wheel/study.csv cargo/study.csv || fail "other numbers"
)
say "wheel: passed"
