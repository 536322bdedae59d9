// file_of(): the path of a URL as that of a file.
//
//   file_of("/news/a%20b.html")  // "news/a b.html"
//   file_of("/news/")            // "news/index.html"
//
// None for what may be meant to lead elsewhere, or is no path: "..", a slash or
// a NUL that is encoded, a "%" without two digits.
#ifndef EDDY_EXAMPLES_HTTP_URL_PATH_H_
#define EDDY_EXAMPLES_HTTP_URL_PATH_H_

#include <optional>
#include <string>
#include <string_view>

namespace eddy::examples::http {

std::optional<std::string> file_of(std::string_view url_path);

}  // namespace eddy::examples::http

#endif  // EDDY_EXAMPLES_HTTP_URL_PATH_H_
