// Rows D4, D5 and H1 for all waits of sync/.
#include "tests/support/every_wait.h"

#include "tests/sync/waits.h"

namespace eddy::testing {

EDDY_FOR_EVERY_WAIT(InOrder, sync::WaitsInOrder);
EDDY_FOR_EVERY_WAIT(Together, sync::WaitsTogether);
EDDY_FOR_EVERY_WAIT(Alone, sync::WaitsAlone);

}  // namespace eddy::testing
