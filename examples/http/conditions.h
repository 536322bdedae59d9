// The conditions and ranges of a request for something that has a size, a date
// and a tag (RFC 9110, sections 13 and 14).
//
// Threads: plain functions.
#ifndef EDDY_EXAMPLES_HTTP_CONDITIONS_H_
#define EDDY_EXAMPLES_HTTP_CONDITIONS_H_

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace eddy::examples::http {

// "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::time_t time);
std::optional<std::time_t> parse_http_date(std::string_view text);

// Whether If-None-Match: `list` names `tag`, which has its quotes.
bool names_tag(std::string_view list, std::string_view tag);

// Whether the client has it already, by If-None-Match or, without that, by
// If-Modified-Since.
bool is_unchanged(std::string_view if_none_match,
                  std::string_view if_modified_since, std::string_view tag,
                  std::time_t modified);

// Bytes [first, first + size) of the whole.
struct ByteRange {
  enum class Kind : uint8_t {
    kWhole,  // no range, or one that is not understood
    kPart,
    kUnsatisfiable,  // it begins beyond the end
  };

  Kind kind;
  uint64_t first;
  uint64_t size;
};
// Of "bytes=0-499", "bytes=500-" or "bytes=-500". Of several ranges, the whole.
ByteRange range_of(std::string_view header, uint64_t size);

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_CONDITIONS_H_
