// What http_server serves.
#ifndef EDDY_EXAMPLES_HTTP_DEMO_ROUTES_H_
#define EDDY_EXAMPLES_HTTP_DEMO_ROUTES_H_

#include "examples/http/connection.h"

namespace eddy::examples::http {

//   GET  /             a greeting
//   POST /echo         the body that was sent
//   GET  /sleep?ms=50  after that time, at most 10 s
//   GET  /sum?n=1000   the sum of 1..n, added up where blocking does no harm
Handler demo_routes();

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_DEMO_ROUTES_H_
