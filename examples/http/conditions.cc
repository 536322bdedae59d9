#include "examples/http/conditions.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace eddy::examples::http {
namespace {

constexpr char kDateFormat[] = "%a, %d %b %Y %H:%M:%S GMT";

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

}  // namespace

std::string http_date(std::time_t time) {
  struct tm parts = {};
  ::gmtime_r(&time, &parts);
  std::array<char, 40> text;
  const std::size_t size =
      std::strftime(text.data(), text.size(), kDateFormat, &parts);
  return std::string(text.data(), size);
}

std::optional<std::time_t> parse_http_date(std::string_view text) {
  const std::string copy(text);
  struct tm parts = {};
  const char* end = ::strptime(copy.c_str(), kDateFormat, &parts);
  if (end == nullptr || *end != '\0') return std::nullopt;
  return ::timegm(&parts);
}

bool names_tag(std::string_view list, std::string_view tag) {
  if (trimmed(list) == "*") return true;
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view one = trimmed(list.substr(0, comma));
    // Weak or not is all the same to a GET.
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == tag) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

bool is_unchanged(std::string_view if_none_match,
                  std::string_view if_modified_since, std::string_view tag,
                  std::time_t modified) {
  if (!if_none_match.empty()) return names_tag(if_none_match, tag);
  if (if_modified_since.empty()) return false;
  const std::optional<std::time_t> since = parse_http_date(if_modified_since);
  return since && modified <= *since;
}

ByteRange range_of(std::string_view header, uint64_t size) {
  using Kind = ByteRange::Kind;
  const ByteRange whole = {Kind::kWhole, 0, size};
  constexpr std::string_view kUnit = "bytes=";
  if (!header.starts_with(kUnit)) return whole;
  header = trimmed(header.substr(kUnit.size()));
  const std::size_t dash = header.find('-');
  if (dash == std::string_view::npos) return whole;
  const std::string_view from = header.substr(0, dash);
  const std::string_view to = header.substr(dash + 1);
  if (from.empty()) {
    const std::optional<uint64_t> last = number(to);
    if (!last) return whole;
    const uint64_t count = std::min(*last, size);
    if (count == 0) return {Kind::kUnsatisfiable, 0, 0};
    return {Kind::kPart, size - count, count};
  }
  const std::optional<uint64_t> first = number(from);
  const std::optional<uint64_t> last =
      to.empty() ? std::optional<uint64_t>(UINT64_MAX) : number(to);
  if (!first || !last || *last < *first) return whole;
  if (*first >= size) return {Kind::kUnsatisfiable, 0, 0};
  return {Kind::kPart, *first, std::min(*last, size - 1) - *first + 1};
}

}  // namespace eddy::examples::http
