#!/bin/bash
# The tour plays its acts, polls nothing for nothing, and cleans up.
set -u

export TMPDIR=$TEST_TMPDIR
output=$("$1") || { echo "exit code $?: $output"; exit 1; }
echo "$output"
grep -q 'neither the first nor after a wake  *0$' <<<"$output" || exit 1
grep -q '^100 files of 1 MB, written by one thread' <<<"$output" || exit 1
[[ -z $(find "$TEST_TMPDIR" -name 'eddy-tour-*') ]] || exit 1

# No room for the files: says so, and fails.
if TMPDIR=/nowhere "$1" 2>"$TEST_TMPDIR/errors"; then exit 1; fi
grep -q '/nowhere' "$TEST_TMPDIR/errors"
