// All kinds of wait of tests/sync/waits.h, for tests with one as a parameter.
#ifndef EDDY_TESTS_SYNC_ANY_KIND_H_
#define EDDY_TESTS_SYNC_ANY_KIND_H_

#include <vector>

#include "tests/support/any_kind.h"
#include "tests/sync/waits.h"

namespace eddy::sync {

using testing::AnyKind;
using testing::KindName;
using testing::name_of_kind;

inline std::vector<KindName> all_kinds() {
  std::vector<KindName> all = testing::kinds_of(WaitsInOrder());
  for (const auto& more :
       {testing::kinds_of(WaitsTogether()), testing::kinds_of(WaitsAlone())}) {
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

}  // namespace eddy::sync

#endif  // EDDY_TESTS_SYNC_ANY_KIND_H_
