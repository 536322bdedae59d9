#include "runtime/base/slab.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <vector>

namespace eddy::base {
namespace {

TEST(Slab, IndicesInUseAreDistinctAndAddressesStay) {
  Slab<int> slab;
  std::vector<uint32_t> indices;
  std::vector<int*> addresses;
  for (int i = 0; i < 1000; ++i) {
    indices.push_back(slab.acquire());
    addresses.push_back(&slab[indices.back()]);
    *addresses.back() = i;
  }
  EXPECT_EQ(std::set<uint32_t>(indices.begin(), indices.end()).size(), 1000u);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(&slab[indices[i]], addresses[i]);
    EXPECT_EQ(slab[indices[i]], i);
  }
  EXPECT_EQ(slab.size(), 1000u);
}

TEST(Slab, UsesTheLastReleasedFirstAndAsItWasLeft) {
  Slab<int> slab;
  const uint32_t first = slab.acquire();
  const uint32_t second = slab.acquire();
  slab[first] = 1;
  slab[second] = 2;
  slab.release(second);
  slab.release(first);
  EXPECT_EQ(slab.acquire(), first);
  EXPECT_EQ(slab[first], 1);
  EXPECT_EQ(slab.acquire(), second);
  EXPECT_EQ(slab.size(), 2u);
}

}  // namespace
}  // namespace eddy::base
