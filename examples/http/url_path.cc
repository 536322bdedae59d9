#include "examples/http/url_path.h"

#include <cstddef>

namespace eddy::examples::http {
namespace {

int digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Once: "%252e" is a name with a "%" in it.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size()) return std::nullopt;
      const int high = digit(text[i + 1]), low = digit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      if (c == '/') return std::nullopt;
      i += 2;
    }
    if (c == '\0') return std::nullopt;
    out += c;
  }
  return out;
}

}  // namespace

std::optional<std::string> file_of(std::string_view url_path) {
  if (!url_path.starts_with('/')) return std::nullopt;
  std::string path;
  while (!url_path.empty()) {
    url_path.remove_prefix(1);  // the slash
    const std::string_view raw = url_path.substr(0, url_path.find('/'));
    url_path.remove_prefix(raw.size());
    const std::optional<std::string> part = decoded(raw);
    if (!part || *part == "..") return std::nullopt;
    if (part->empty() || *part == ".") {
      if (!url_path.empty()) continue;
      return path + "index.html";
    }
    path += *part;
    if (!url_path.empty()) path += '/';
  }
  return path;
}

}  // namespace eddy::examples::http
