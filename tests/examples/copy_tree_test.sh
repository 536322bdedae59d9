#!/bin/bash
# copy_tree copies a tree as it is, and refuses what makes no sense.
set -u

program=$PWD/$1
cd "$TEST_TMPDIR" || exit 1
mkdir -p from/a/b/c 'from/with space'
for i in $(seq 100); do echo "file $i" >"from/a/b/$i"; done
head -c 3000000 /dev/urandom >'from/with space/large'
: >from/empty
chmod 700 from/empty
ln -s ../missing from/a/link

"$program" --from=from --to=to/new --at_once=4 || exit 1
diff -r --no-dereference from to/new || exit 1
[[ $(stat -c %a to/new/empty) == 700 ]] || exit 1
[[ $(readlink to/new/a/link) == ../missing ]] || exit 1

# Once more, over what is there.
echo changed >from/a/b/1
"$program" --from=from --to=to/new || exit 1
diff -r --no-dereference from to/new || exit 1

if "$program" --from=from --to=from/a/inside 2>errors; then exit 1; fi
grep -q 'is inside of' errors || exit 1
if "$program" --from=nowhere --to=to/other 2>errors; then exit 1; fi
grep -q 'nowhere' errors || exit 1
if "$program" 2>errors; then exit 1; fi
grep -q -e '--from and --to' errors
