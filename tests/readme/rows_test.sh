#!/bin/bash
# docs/sync.md is true: the tests, kinds of wait and planted faults that it names
# are there, and no kind of wait is left out. Each public header of the parts that
# it is about has an example that is compiled and run. The faults that
# docs/speed.md names are there, too.
#
#   rows_test.sh docs/sync.md docs/speed.md eddy.h tests/faults.txt SOURCE...
set -u

document=$1 speed=$2 public=$3 faults=$4
shift 4
failures=0

fail() {
  echo "$1" >&2
  failures=$((failures + 1))
}
quoted() {  # what stands between backquotes and matches, in a page
  grep -oE "\`$1\`" "${2:-$document}" | tr -d '`' | sort -u
}

# A macro may be broken after its first argument.
tests=$(cat "$@" | tr -s '\n ' '  ')
[[ $(quoted '[A-Z]\w*\.[A-Z]\w*' | wc -l) -gt 50 ]] || fail "no tests are named"
for name in $(quoted '[A-Z]\w*\.[A-Z]\w*'); do
  grep -qE "TEST(_P|_F)?\(${name%.*}, ${name#*.}\)" <<<"$tests" ||
    fail "$document: there is no test $name"
done

kinds=$(grep -ohE '^struct Of\w+ : (testing::)?\w*Traits|^struct Of\w+ : Of\w+' \
  $(printf '%s\n' "$@" | grep -E '/(waits\.h|every_wait_test\.cc)$') |
  awk '{ print $2 }' | sort -u)
[[ $(wc -w <<<"$kinds") -gt 30 ]] || fail "no kinds of wait are found"
for kind in $kinds; do
  grep -qF "\`$kind\`" "$document" || fail "$document: nothing about $kind"
done
for kind in $(quoted 'Of[A-Z]\w*'); do
  grep -qx "$kind" <<<"$kinds" || fail "$document: there is no $kind"
done

# A name in lower case with a hyphen is a fault's, or how the names of some begin.
for page in "$document" "$speed"; do
  named=$(quoted '[a-z0-9]+-[a-z0-9-]*' "$page")
  [[ $(wc -w <<<"$named") -gt 8 ]] || fail "$page: no faults are named"
  for fault in $named; do
    grep -q "^$fault" "$faults" || fail "$page: no fault is named $fault..."
  done
done

examples=$(printf '%s\n' "$@" | grep '/examples_test\.cc$')
folders='sync|runtime/(time|combinators|groups|streams)'
headers=$(grep -oE "\"($folders)/[a-z_]+\.h\"" "$public" | tr -d '"')
[[ $(wc -w <<<"$headers") -gt 20 ]] || fail "no public headers are found"
for header in $headers; do
  grep -qE "^// ([a-z_]+\.h, )*$(basename "$header" .h)\.h" $examples ||
    fail "$header has no example that is run"
done

exit $((failures > 0))
