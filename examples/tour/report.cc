#include "examples/tour/report.h"

#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

namespace eddy::examples::tour {
namespace {

std::chrono::nanoseconds cpu_time() {
  timespec time = {};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) +
         std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Report::Report() : is_terminal_(::isatty(STDOUT_FILENO) == 1) {}

Report::~Report() { clear_progress(); }

void Report::progress(std::string_view text) {
  clear_progress();
  std::printf("%.*s ...", static_cast<int>(text.size()), text.data());
  if (!is_terminal_) std::printf("\n");
  std::fflush(stdout);
  line_is_open_ = is_terminal_;
}

void Report::clear_progress() {
  if (!std::exchange(line_is_open_, false)) return;
  std::printf("\r\033[K");
  std::fflush(stdout);
}

void Report::section(std::string title) {
  lines_.push_back({std::move(title), "", true});
}

void Report::row(std::string figure, std::string value) {
  lines_.push_back({std::move(figure), std::move(value), false});
}

void Report::print() {
  clear_progress();
  std::size_t width = 0;
  for (const Line& line : lines_) {
    if (!line.is_title) width = std::max(width, line.figure.size());
  }
  for (const Line& line : lines_) {
    if (line.is_title) {
      std::printf("\n%s\n", line.figure.c_str());
    } else {
      std::printf("  %-*s  %s\n", static_cast<int>(width), line.figure.c_str(),
                  line.value.c_str());
    }
  }
  std::fflush(stdout);
}

std::string in_words(std::chrono::nanoseconds time) {
  const double us = std::chrono::duration<double, std::micro>(time).count();
  std::array<char, 32> text;
  if (us < 1'000) {
    std::snprintf(text.data(), text.size(), "%.0f us", us);
  } else if (us < 1'000'000) {
    std::snprintf(text.data(), text.size(), "%.1f ms", us / 1'000);
  } else {
    std::snprintf(text.data(), text.size(), "%.2f s", us / 1'000'000);
  }
  return text.data();
}

Stopwatch::Stopwatch()
    : wall_(std::chrono::steady_clock::now()), cpu_(cpu_time()) {}

std::chrono::nanoseconds Stopwatch::wall() const {
  return std::chrono::steady_clock::now() - wall_;
}

std::chrono::nanoseconds Stopwatch::cpu() const { return cpu_time() - cpu_; }

}  // namespace eddy::examples::tour
