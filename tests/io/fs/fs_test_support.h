// FsTest: tests of files that run on both flavors, and with each of the ways in
// which an operation may be carried out.
#ifndef EDDY_TESTS_IO_FS_FS_TEST_SUPPORT_H_
#define EDDY_TESTS_IO_FS_FS_TEST_SUPPORT_H_

#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <tuple>

#include "io/fs/backend.h"
#include "io/fs/open_options.h"
#include "runtime/base/check.h"
#include "tests/io/net/connected.h"
#include "tests/support/runtime_fixture.h"

namespace eddy::testing {

// Where fsync() costs nothing.
inline std::string folder_in_memory() {
  return std::filesystem::exists("/dev/shm") ? "/dev/shm/"
                                             : ::testing::TempDir();
}

inline void write_now(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::string read_now(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline std::span<std::byte> room(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}

// Bytes that tell where they are: the same again only after 6526.
inline std::string pattern(std::size_t size) {
  constexpr std::size_t kPeriod = 251 * 26;
  std::string text(std::min(size, kPeriod), '\0');
  for (std::size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>('a' + (i * 7 + i / 251) % 26);
  }
  text.reserve(size);
  while (text.size() < size) {
    text.append(text, 0, std::min(kPeriod, size - text.size()));
  }
  return text;
}

class FsTest
    : public RuntimeTest,
      public ::testing::WithParamInterface<std::tuple<uint32_t, io::Backend>> {
 protected:
  explicit FsTest(const std::string& parent = ::testing::TempDir()) {
    std::string folder = parent + "eddy-fs-XXXXXX";
    EDDY_CHECK(::mkdtemp(folder.data()) != nullptr);
    folder_ = std::filesystem::canonical(folder);
  }
  ~FsTest() override { std::filesystem::remove_all(folder_); }

  static io::Backend backend() { return std::get<1>(GetParam()); }
  static Builder builder() {
    const uint32_t workers = std::get<0>(GetParam());
    return workers == 0 ? Builder::current_thread()
                        : Builder::multi_thread().worker_threads(workers);
  }
  Runtime& runtime() {
    if (runtime_ == nullptr) runtime_ = &start(builder());
    return *runtime_;
  }

  static io::OpenOptions options() {
    return io::OpenOptions().backend(backend());
  }
  const std::string& folder() const { return folder_; }
  std::string in(std::string_view name) const {
    return folder_ + "/" + std::string(name);
  }

 private:
  std::string folder_;
  Runtime* runtime_ = nullptr;
};

inline std::string fs_test_name(
    const ::testing::TestParamInfo<std::tuple<uint32_t, io::Backend>>& info) {
  const char* backends[] = {"Automatic", "Ring", "Pool"};
  const uint32_t workers = std::get<0>(info.param);
  return (workers == 0 ? "CurrentThread"
                       : "Workers" + std::to_string(workers)) +
         backends[static_cast<int>(std::get<1>(info.param))];
}

#define EDDY_FOR_EACH_BACKEND(suite)                                     \
  INSTANTIATE_TEST_SUITE_P(                                              \
      Backends, suite,                                                   \
      ::testing::Combine(                                                \
          ::testing::Values(0u, 2u),                                     \
          ::testing::Values(io::Backend::kAutomatic, io::Backend::kRing, \
                            io::Backend::kPool)),                        \
      ::eddy::testing::fs_test_name)

}  // namespace eddy::testing

#endif  // EDDY_TESTS_IO_FS_FS_TEST_SUPPORT_H_
