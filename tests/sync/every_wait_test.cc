// Rows D4, D5 and H1 for all waits of sync/.
#include "tests/support/every_wait.h"

#include "tests/sync/waits.h"

namespace eddy::testing {

INSTANTIATE_TYPED_TEST_SUITE_P(InOrder, EveryWait, sync::WaitsInOrder);
INSTANTIATE_TYPED_TEST_SUITE_P(Together, EveryWait, sync::WaitsTogether);
INSTANTIATE_TYPED_TEST_SUITE_P(Alone, EveryWait, sync::WaitsAlone);

}  // namespace eddy::testing
