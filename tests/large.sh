#!/usr/bin/env bash
# The large runs: what `cargo test` does for minutes, for an hour or two. Optimised, with debug assertions.
#
#     tests/large.sh              all parts, one after the other
#     tests/large.sh sim power    some of them
#
# What each part prints is kept in docs/reliability/PART.txt. Exit code 0: nothing broke. The part `fuzz` needs a nightly toolchain and
# `cargo install cargo-fuzz`; what it learned is kept in fuzz/corpus.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target/large}
SEEDS=${SEEDS:-10000}
VIRTUAL=${VIRTUAL:-2000}
KILLS=${KILLS:-500}
POWER_LOSSES=${POWER_LOSSES:-100000}
FUZZ_INPUTS=${FUZZ_INPUTS:-100000000}

# Runs a part and keeps what it prints, with the commit, the time and what was asked for; without the lines of single seeds that held.
part() {
    local name=$1 began=$SECONDS
    shift
    mkdir -p docs/reliability
    {
        echo "\$ $*"
        "$@" 2>&1 | grep -v -E '^ *(Compiling|Finished|Running|Doc-tests)|^seed [0-9]+: .* hold the same|^seeds run|^$'
        echo "commit $(git rev-parse --short HEAD), $(nproc) processors, $((SECONDS - began)) s"
    } | tee "docs/reliability/$name.txt"
}

# The tests of one folder of tests/it.
it() {
    env "${@:2}" cargo test --release --test it "$1" -- --nocapture --test-threads 1
}

# Guided by coverage: the machine gets a hundredth of the inputs, each of which is a program, the decoders a third of the rest each.
# They begin with what tests/it/fuzz.rs mutates.
guided() {
    local target inputs decoder=$((FUZZ_INPUTS * 33 / 100))
    it fuzz:: "FEDAG_FUZZ_CORPUS=$PWD/fuzz/corpus"
    for target in wire json control machine; do
        inputs=$decoder
        [[ $target == machine ]] && inputs=$((FUZZ_INPUTS - 3 * decoder))
        echo "== $target, $inputs inputs"
        cargo +nightly fuzz run --sanitizer none "$target" -- -runs="$inputs" -max_len=4096 -print_final_stats=1 2>&1 |
            grep -E '^stat::|^==|panicked|DONE|ERROR|Test unit' || return 1
    done
}

parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(sim trace model virtual kill power fuzz cost)
cargo build --release
cargo test --release --test it --no-run
for name in "${parts[@]}"; do
    case $name in
    sim) part sim "$CARGO_TARGET_DIR/release/fedag" sim --seeds "$SEEDS" ;;
    trace) part trace it sim::the_same_seed ;;
    model) part model it model:: FEDAG_MODEL=large ;;
    virtual) part virtual it virtual:: "FEDAG_VIRTUAL_SEEDS=$VIRTUAL" ;;
    kill) part kill it crash::kill "FEDAG_KILLS=$KILLS" ;;
    power) part power it crash::power "FEDAG_POWER_LOSSES=$POWER_LOSSES" ;;
    fuzz) part fuzz guided ;;
    cost) part cost cargo bench --bench wire_cost ;;
    *)
        echo "no such part: $name; there are sim trace model virtual kill power fuzz cost" >&2
        exit 2
        ;;
    esac
done
