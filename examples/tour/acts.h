// The acts of the tour, one file each. An act does its work, and adds its
// figures to the report.
//
// Errors: what keeps an act from being played, such as a full disk. It has
//         cleaned up.
#ifndef EDDY_EXAMPLES_TOUR_ACTS_H_
#define EDDY_EXAMPLES_TOUR_ACTS_H_

#include "absl/status/status.h"
#include "examples/tour/report.h"

namespace eddy::examples::tour {

// One thread, 100 requests on 100 connections: who notices a response, and who
// polls which future?
absl::Status play_requests(Report& report);

// One thread, 100 files, 1 MB to write to each: how does it not wait for the
// disk?
absl::Status play_files(Report& report);

// 10,000 tasks that do nothing but sleep: what do they cost?
absl::Status play_sleepers(Report& report);

// A job that computes for half a second: what becomes of the other tasks?
absl::Status play_cpu_hog(Report& report);

}  // namespace eddy::examples::tour

#endif  // EDDY_EXAMPLES_TOUR_ACTS_H_
