#include "examples/http/static_files.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>

#include "examples/http/conditions.h"
#include "examples/http/message.h"
#include "examples/http/url_path.h"
#include "runtime/base/status.h"

namespace eddy::examples::http {
namespace {

// A smaller part is read, and sent with the head in one write; a larger one
// goes from the page cache to the socket by itself.
constexpr uint64_t kReadBytes = 16 * 1024;

std::string_view content_type_of(std::string_view path) {
  static constexpr std::array<std::array<std::string_view, 2>, 12> kTypes = {{
      {".css", "text/css; charset=utf-8"},
      {".gif", "image/gif"},
      {".html", "text/html; charset=utf-8"},
      {".jpg", "image/jpeg"},
      {".js", "text/javascript; charset=utf-8"},
      {".json", "application/json"},
      {".pdf", "application/pdf"},
      {".png", "image/png"},
      {".svg", "image/svg+xml"},
      {".txt", "text/plain; charset=utf-8"},
      {".wasm", "application/wasm"},
      {".xml", "application/xml"},
  }};
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

int status_of(int err) {
  switch (err) {
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return 503;
    case EIO:
      return 500;
    default:
      // What may not be seen is not there, for those outside.
      return 404;
  }
}

// Of the time of the last change and the size: as unlikely to be the same for
// two versions as the clock of the file system is fine.
std::string tag_of(const io::Metadata& metadata) {
  std::array<char, 48> text;
  const int size =
      std::snprintf(text.data(), text.size(), "\"%llx-%llx\"",
                    static_cast<unsigned long long>(
                        metadata.modified().time_since_epoch().count()),
                    static_cast<unsigned long long>(metadata.size()));
  return std::string(text.data(), static_cast<std::size_t>(size));
}

std::time_t seconds_of(io::Metadata::Time time) {
  return std::chrono::floor<std::chrono::seconds>(time)
      .time_since_epoch()
      .count();
}

void add_header(Response& response, std::string_view name,
                std::string_view value) {
  response.headers += name;
  response.headers += ": ";
  response.headers += value;
  response.headers += "\r\n";
}

Task<absl::Status> read_part(const io::File& file, uint64_t offset,
                             uint64_t size, std::string& body) {
  while (size > 0) {
    auto [count, text] = co_await file.read_at(std::string(size, '\0'), offset);
    if (!count.ok()) co_return count.status();
    if (*count == 0) co_return absl::DataLossError("the file was cut off");
    text.resize(*count);
    if (body.empty()) {
      body = std::move(text);
    } else {
      body += text;
    }
    offset += *count;
    size -= *count;
  }
  co_return absl::OkStatus();
}

// If-Range holds the range back if it names another version.
bool allows_range(std::string_view if_range, std::string_view tag,
                  std::time_t modified) {
  if (if_range.empty() || if_range == tag) return true;
  const std::optional<std::time_t> date = parse_http_date(if_range);
  return date && *date == modified;
}

}  // namespace

Task<absl::StatusOr<StaticFiles>> StaticFiles::open(std::string_view root) {
  static constexpr auto task =
      [](std::string root, StaticFiles (*wrap)(std::shared_ptr<const io::File>))
      -> Task<absl::StatusOr<StaticFiles>> {
    EDDY_CO_ASSIGN_OR_RETURN(
        io::File folder,
        co_await io::File::open(
            root, io::OpenOptions().read().custom_flags(O_DIRECTORY | O_PATH)));
    co_return wrap(std::make_shared<const io::File>(std::move(folder)));
  };
  return task(std::string(root), [](std::shared_ptr<const io::File> folder) {
    return StaticFiles(std::move(folder));
  });
}

Handler StaticFiles::into_handler() && {
  return [root = std::move(root_)](const Request& request, Response& response) {
    return handle(root, request, response);
  };
}

Task<> StaticFiles::handle(std::shared_ptr<const io::File> root,
                           const Request& request, Response& response) {
  if (request.method() != "GET" && request.method() != "HEAD") {
    response.fail(405);
    response.allow = "GET, HEAD";
    co_return;
  }
  const std::optional<std::string> path = file_of(request.path());
  if (!path) co_return response.fail(400);
  // O_NONBLOCK: a pipe among the files has no writer.
  absl::StatusOr<io::File> file = co_await io::File::open_beneath(
      *root, *path,
      io::OpenOptions().read().custom_flags(O_NONBLOCK | O_NOCTTY));
  if (!file.ok()) co_return response.fail(status_of(errno_of(file.status())));
  const absl::StatusOr<io::Metadata> metadata = file->cached_metadata();
  if (!metadata.ok()) co_return response.fail(500);
  if (!metadata->is_file()) co_return response.fail(404);

  const std::string tag = tag_of(*metadata);
  const std::time_t modified = seconds_of(metadata->modified());
  add_header(response, "ETag", tag);
  add_header(response, "Last-Modified", http_date(modified));
  add_header(response, "Accept-Ranges", "bytes");
  if (is_unchanged(request.header("If-None-Match"),
                   request.header("If-Modified-Since"), tag, modified)) {
    response.status = 304;
    co_return;
  }
  response.content_type = content_type_of(*path);
  const uint64_t size = metadata->size();
  ByteRange range = {ByteRange::Kind::kWhole, 0, size};
  const std::string_view wanted = request.header("Range");
  if (!wanted.empty() && request.method() == "GET" &&
      allows_range(request.header("If-Range"), tag, modified)) {
    range = range_of(wanted, size);
  }
  if (range.kind == ByteRange::Kind::kUnsatisfiable) {
    response.fail(416);
    add_header(response, "Content-Range", "bytes */" + std::to_string(size));
    co_return;
  }
  if (range.kind == ByteRange::Kind::kPart) {
    response.status = 206;
    add_header(response, "Content-Range",
               "bytes " + std::to_string(range.first) + "-" +
                   std::to_string(range.first + range.size - 1) + "/" +
                   std::to_string(size));
  }
  if (range.size <= kReadBytes && request.method() == "GET") {
    const absl::Status read =
        co_await read_part(*file, range.first, range.size, response.body);
    if (!read.ok()) response.fail(500);
    co_return;
  }
  response.file.emplace(FileBody{*std::move(file), range.first, range.size});
}

}  // namespace eddy::examples::http
