// Report: what the tour shows: a line of progress while it runs, and at the end
// a table of what was measured.
//
// Threads: belongs to main().
#ifndef EDDY_EXAMPLES_TOUR_REPORT_H_
#define EDDY_EXAMPLES_TOUR_REPORT_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::examples::tour {

class Report {
 public:
  Report();
  Report(const Report&) = delete;
  Report& operator=(const Report&) = delete;
  ~Report();  // clears the line of progress

  // What is being done now. On a terminal it replaces the line before.
  void progress(std::string_view text);

  void section(std::string title);
  void row(std::string figure, std::string value);

  // On stdout.
  void print();

 private:
  struct Line {
    std::string figure;
    std::string value;
    bool is_title;
  };

  void clear_progress();

  const bool is_terminal_;
  bool line_is_open_ = false;
  std::vector<Line> lines_;
};

// "12.3 ms", "4.56 s", "780 us".
std::string in_words(std::chrono::nanoseconds time);

// Since it was made: by the clock on the wall, and of all threads of this
// process.
class Stopwatch {
 public:
  Stopwatch();
  std::chrono::nanoseconds wall() const;
  std::chrono::nanoseconds cpu() const;

 private:
  std::chrono::steady_clock::time_point wall_;
  std::chrono::nanoseconds cpu_;
};

}  // namespace eddy::examples::tour

#endif  // EDDY_EXAMPLES_TOUR_REPORT_H_
