// StaticFiles: what is served, and what is not.
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>

#include "examples/http/conditions.h"
#include "examples/http/static_files.h"
#include "examples/http/url_path.h"
#include "gtest/gtest.h"
#include "runtime/builder.h"
#include "tests/examples/http_client.h"
#include "tests/examples/running_server.h"

namespace eddy::examples::http {
namespace {

namespace stdfs = std::filesystem;

TEST(UrlPath, NamesAFile) {
  EXPECT_EQ(file_of("/"), "index.html");
  EXPECT_EQ(file_of("/a"), "a");
  EXPECT_EQ(file_of("/a/b.txt"), "a/b.txt");
  EXPECT_EQ(file_of("/a/"), "a/index.html");
  EXPECT_EQ(file_of("//a///b"), "a/b");
  EXPECT_EQ(file_of("/./a/."), "a/index.html");
  EXPECT_EQ(file_of("/a%20b%c3%a9"), "a b\xc3\xa9");
  EXPECT_EQ(file_of("/..."), "...");
  EXPECT_EQ(file_of("/%252e%252e/a"), "%2e%2e/a");  // decoded once
}

TEST(UrlPath, RefusesWhatMayLeadElsewhere) {
  for (std::string_view path :
       {"", "a", "/..", "/../a", "/a/..", "/a/../b", "/%2e%2e/a", "/%2E./a",
        "/.%2e", "/a%2fb", "/a%2F..%2Fb", "/a%00", "/%00", "/%", "/%1", "/%zz",
        "/a%2"}) {
    EXPECT_EQ(file_of(path), std::nullopt) << path;
  }
  EXPECT_EQ(file_of(std::string_view("/a\0b", 4)), std::nullopt);
}

TEST(Conditions, Dates) {
  const std::string text = "Sun, 06 Nov 1994 08:49:37 GMT";
  EXPECT_EQ(parse_http_date(text), std::time_t{784111777});
  EXPECT_EQ(http_date(784111777), text);
  for (const char* wrong : {"", "yesterday", "Sun, 06 Nov 1994 08:49:37",
                            "Sun, 06 Nov 1994 08:49:37 GMT+1"}) {
    EXPECT_EQ(parse_http_date(wrong), std::nullopt) << wrong;
  }
}

TEST(Conditions, Tags) {
  EXPECT_TRUE(names_tag("\"a\"", "\"a\""));
  EXPECT_TRUE(names_tag("\"b\", W/\"a\" ,\"c\"", "\"a\""));
  EXPECT_TRUE(names_tag(" * ", "\"a\""));
  EXPECT_FALSE(names_tag("\"ab\"", "\"a\""));
  EXPECT_FALSE(names_tag("", "\"a\""));
  const std::string date = http_date(1000);
  EXPECT_TRUE(is_unchanged("", date, "\"a\"", 1000));
  EXPECT_FALSE(is_unchanged("", date, "\"a\"", 1001));
  EXPECT_FALSE(is_unchanged("", "", "\"a\"", 1));
  EXPECT_FALSE(is_unchanged("", "nonsense", "\"a\"", 1));
  // The tag is the better judge.
  EXPECT_FALSE(is_unchanged("\"b\"", date, "\"a\"", 1000));
}

TEST(Conditions, Ranges) {
  using Kind = ByteRange::Kind;
  const auto expect = [](std::string_view header, Kind kind, uint64_t first,
                         uint64_t size) {
    const ByteRange range = range_of(header, 100);
    EXPECT_EQ(range.kind, kind) << header;
    EXPECT_EQ(range.first, first) << header;
    EXPECT_EQ(range.size, size) << header;
  };
  expect("bytes=0-9", Kind::kPart, 0, 10);
  expect("bytes=90-", Kind::kPart, 90, 10);
  expect("bytes=90-1000", Kind::kPart, 90, 10);
  expect("bytes=-10", Kind::kPart, 90, 10);
  expect("bytes=-1000", Kind::kPart, 0, 100);
  expect("bytes=99-99", Kind::kPart, 99, 1);
  expect("bytes=100-", Kind::kUnsatisfiable, 0, 0);
  expect("bytes=-0", Kind::kUnsatisfiable, 0, 0);
  for (std::string_view whole :
       {"", "bytes", "bytes=", "bytes=-", "bytes=5-4", "bytes=a-b",
        "bytes=1-2,5-6", "items=0-1", "bytes=1", "bytes=0x1-2",
        "bytes=99999999999999999999-"}) {
    expect(whole, Kind::kWhole, 0, 100);
  }
  EXPECT_EQ(range_of("bytes=-5", 0).kind, Kind::kUnsatisfiable);
}

class FileServer : public ::testing::TestWithParam<unsigned> {
 protected:
  FileServer() {
    std::string folder = ::testing::TempDir() + "eddy-files-XXXXXX";
    EXPECT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    stdfs::create_directories(root() + "/below");
    write(root() + "/index.html", "<p>index</p>");
    write(root() + "/a.txt", "0123456789");
    write(root() + "/below/index.html", "below");
    write(root() + "/a b", "space");
    std::string large(3'000'000, 'x');
    for (size_t i = 0; i < large.size(); ++i) large[i] = char('a' + i % 23);
    large_ = large;
    write(root() + "/large", large);
    write(folder_ + "/secret", "secret");
    stdfs::create_symlink("../secret", root() + "/out");
    stdfs::create_symlink("/etc", root() + "/etc");
    stdfs::create_symlink("a.txt", root() + "/link");
    EXPECT_EQ(::mkfifo((root() + "/pipe").c_str(), 0600), 0);
    Runtime runtime = *Builder::current_thread().build();
    server_.emplace(
        std::move(*runtime.block_on(StaticFiles::open(root()))).into_handler(),
        Limits{}, GetParam());
    client_.emplace(server_->port());
  }
  ~FileServer() override {
    client_.reset();
    EXPECT_TRUE(server_->end().ok());
    stdfs::remove_all(folder_);
  }

  static void write(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  std::string root() const { return folder_ + "/root"; }

  HttpClient::Response get(std::string_view target,
                           std::string_view headers = "",
                           std::string_view method = "GET") {
    client_->send(std::string(method) + " " + std::string(target) +
                  " HTTP/1.1\r\nHost: a\r\n" + std::string(headers) + "\r\n");
    return client_->receive(method == "HEAD");
  }
  static std::string header(const HttpClient::Response& response,
                            const std::string& name) {
    std::smatch match;
    const std::regex line(name + ": ([^\r]*)\r\n");
    return std::regex_search(response.head, match, line) ? match[1].str() : "";
  }

  std::string folder_;
  std::string large_;
  std::optional<RunningServer> server_;
  std::optional<HttpClient> client_;
};
INSTANTIATE_TEST_SUITE_P(Workers, FileServer, ::testing::Values(0, 2));

TEST_P(FileServer, ServesFiles) {
  const auto text = get("/a.txt");
  EXPECT_EQ(text.status, 200);
  EXPECT_EQ(text.body, "0123456789");
  EXPECT_EQ(header(text, "Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(header(text, "Accept-Ranges"), "bytes");
  EXPECT_EQ(get("/").body, "<p>index</p>");
  EXPECT_EQ(get("/below/").body, "below");
  EXPECT_EQ(get("/a%20b").body, "space");
  EXPECT_EQ(get("/link?query").body, "0123456789");
  const auto large = get("/large");
  EXPECT_TRUE(large.body == large_);
  EXPECT_EQ(get("/a.txt").body, "0123456789");  // the connection goes on
}

TEST_P(FileServer, HeadHasNoBody) {
  for (const auto& [target, size] :
       {std::pair{"/a.txt", "10"}, std::pair{"/large", "3000000"}}) {
    const auto head = get(target, "", "HEAD");
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(header(head, "Content-Length"), size);
  }
  EXPECT_EQ(get("/a.txt").body, "0123456789");
  const auto post = get("/a.txt", "Content-Length: 0\r\n", "POST");
  EXPECT_EQ(post.status, 405);
  EXPECT_EQ(header(post, "Allow"), "GET, HEAD");
}

TEST_P(FileServer, ServesRanges) {
  const auto part = get("/a.txt", "Range: bytes=2-4\r\n");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(header(part, "Content-Range"), "bytes 2-4/10");
  EXPECT_EQ(get("/a.txt", "Range: bytes=-3\r\n").body, "789");
  const auto beyond = get("/a.txt", "Range: bytes=10-\r\n");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(header(beyond, "Content-Range"), "bytes */10");
  const auto large = get("/large", "Range: bytes=1000000-1999999\r\n");
  EXPECT_EQ(large.status, 206);
  EXPECT_TRUE(large.body == large_.substr(1'000'000, 1'000'000));
  EXPECT_EQ(get("/a.txt", "Range: bytes=0-1,3-4\r\n").status, 200);
  // Of another version than the client has.
  EXPECT_EQ(get("/a.txt", "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n").status,
            200);
  const std::string tag = header(part, "ETag");
  EXPECT_EQ(get("/a.txt", "Range: bytes=0-1\r\nIf-Range: " + tag + "\r\n").body,
            "01");
}

TEST_P(FileServer, SaysWhatHasNotChanged) {
  const auto first = get("/a.txt");
  const std::string tag = header(first, "ETag");
  const std::string date = header(first, "Last-Modified");
  ASSERT_FALSE(tag.empty());
  const auto same = get("/a.txt", "If-None-Match: " + tag + "\r\n", "HEAD");
  EXPECT_EQ(same.status, 304);
  EXPECT_EQ(header(same, "ETag"), tag);
  EXPECT_EQ(get("/a.txt", "If-Modified-Since: " + date + "\r\n", "HEAD").status,
            304);
  write(root() + "/a.txt", "changed");
  const auto changed = get("/a.txt", "If-None-Match: " + tag + "\r\n");
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.body, "changed");
}

TEST_P(FileServer, ServesNothingFromOutside) {
  for (const char* target :
       {"/../secret", "/below/../../secret", "/%2e%2e/secret", "/..%2fsecret",
        "/%2e%2e%2fsecret", "/a.txt%00", "/%zz"}) {
    EXPECT_EQ(get(target).status, 400) << target;
  }
  for (const char* target :
       {"/out", "/etc/passwd", "/etc", "/missing", "/below", "/pipe", "/a.txt/",
        "//etc/passwd", "/%252e%252e/secret"}) {
    const auto response = get(target);
    EXPECT_EQ(response.status, 404) << target;
    EXPECT_EQ(response.body.find("secret"), std::string::npos);
  }
  EXPECT_EQ(get("/a.txt").status, 200);
}

}  // namespace
}  // namespace eddy::examples::http
