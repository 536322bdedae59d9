#!/bin/bash
# Every target that README.md names in a command is one of those that are given
# here, which Bazel has built; every file that it links to is there.
set -u

readme=$1
shift
known=" $* "
failures=0

fail() {
  echo "README.md: $1" >&2
  failures=$((failures + 1))
}

commands=$(awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$readme")
[[ -n $commands ]] || fail "no commands found"

for label in $(grep -o '//[a-z_/]*[:.][a-z_.]*' <<<"$commands" | sort -u); do
  [[ $label == //... || $known == *" $label "* ]] ||
    fail "$label is not a target that is known here"
done

for program in $(awk '{ print $1 }' <<<"$commands" | sort -u); do
  [[ $program == ./bazelw && -x bazelw || $program == curl ]] ||
    fail "$program is no command"
done

for file in $(grep -o '](\([^)#:]*\))' "$readme" | tr -d '()]' | sort -u); do
  [[ -e $file ]] || fail "$file does not exist"
done

exit $((failures > 0))
