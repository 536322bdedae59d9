# Makes one C++ file of the ```cpp blocks of README.md. A block is file-scope
# code; each gets a namespace of its own, in which main() is called
# example_main(). A comment on the line before says what is done with it:
#   <!-- compiled -->   it is compiled
#   <!-- run -->        its main() is run by a test too, and must return 0
# A block without either is an error.

BEGIN {
  print "#include \"eddy/eddy.h\""
  print "#include <array>\n#include <chrono>\n#include <csignal>"
  print "#include <cstddef>\n#include <fstream>\n#include <iterator>"
  print "#include <span>\n#include <string>\n#include <thread>"
  print "#include <utility>\n#include <vector>"
  print "#include \"gtest/gtest.h\"\n"
  # What main() may do, and example_main() may not: blocks that are run have
  # a return of their own.
  print "#pragma GCC diagnostic ignored \"-Wreturn-type\""
  # A #line makes GCC take what follows for a header.
  print "#ifndef __clang__"
  print "#pragma GCC diagnostic ignored \"-Wsubobject-linkage\""
  print "#endif"
}

/^```cpp$/ {
  if (!compiled && !run) {
    print "#error \"README.md, line " NR ": a block without a mark\""
  }
  in_block = 1
  ++blocks
  print "namespace block_" blocks " {"
  print "#line " NR + 1 " \"README.md\""
  next
}

/^```$/ && in_block {
  print "}  // namespace block_" blocks
  if (run) runs[blocks] = 1
  in_block = compiled = run = 0
  next
}

in_block {
  if ($0 ~ /^#include "eddy\/eddy.h"$/) {
    print ""
    next
  }
  sub(/^int main\(\)/, "[[maybe_unused]] static int example_main()")
  print
  next
}

{
  if ($0 != "") compiled = ($0 == "<!-- compiled -->")
  if ($0 != "") run = ($0 == "<!-- run -->")
}

END {
  for (block = 1; block <= blocks; ++block) {
    if (!runs[block]) continue
    print "TEST(Readme, Block" block "Runs) {"
    print "  EXPECT_EQ(block_" block "::example_main(), 0);"
    print "}"
  }
}
