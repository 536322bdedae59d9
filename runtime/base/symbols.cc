#include "runtime/base/symbols.h"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "runtime/base/sys.h"

namespace eddy::base {
namespace {

// Which file has what is at an address, and where in it.
struct Place {
  uintptr_t address;
  std::string path = {};
  uint64_t offset = 0;
};

int look_into(dl_phdr_info* module, size_t, void* argument) {
  Place& place = *static_cast<Place*>(argument);
  for (int i = 0; i < module->dlpi_phnum; ++i) {
    const ElfW(Phdr)& segment = module->dlpi_phdr[i];
    const uintptr_t start = module->dlpi_addr + segment.p_vaddr;
    if (segment.p_type != PT_LOAD || place.address < start ||
        place.address - start >= segment.p_memsz) {
      continue;
    }
    place.path = module->dlpi_name;
    if (place.path.empty()) place.path = "/proc/self/exe";
    place.offset = place.address - module->dlpi_addr;
    return 1;
  }
  return 0;
}

class File {
 public:
  explicit File(const std::string& path)
      : fd_(sys().open(path.c_str(), O_RDONLY | O_CLOEXEC, 0)) {}
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (fd_ >= 0) sys().close(fd_);
  }

  bool read(void* into, std::size_t size, uint64_t offset) const {
    auto* at = static_cast<std::byte*>(into);
    while (fd_ >= 0 && size > 0) {
      const ssize_t n = sys().pread(fd_, at, size, static_cast<off_t>(offset));
      if (n <= 0) return false;
      at += n;
      size -= static_cast<std::size_t>(n);
      offset += static_cast<uint64_t>(n);
    }
    return fd_ >= 0;
  }

 private:
  const int fd_;
};

// Larger tables are no tables.
constexpr uint64_t kMostBytes = uint64_t{1} << 30;

template <class Records>
bool read_section(const File& file, const Elf64_Shdr& section, Records& into) {
  if (section.sh_size > kMostBytes) return false;
  into.resize(section.sh_size / sizeof(into[0]));
  return file.read(into.data(), into.size() * sizeof(into[0]),
                   section.sh_offset);
}

const Elf64_Shdr* find(const std::vector<Elf64_Shdr>& sections,
                       Elf64_Word type) {
  const auto found = std::find_if(
      sections.begin(), sections.end(),
      [&](const Elf64_Shdr& section) { return section.sh_type == type; });
  return found == sections.end() ? nullptr : &*found;
}

std::string demangle(const char* mangled) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  return status == 0 && text != nullptr ? text.get() : mangled;
}

// "f(int) const" without what follows the name.
std::string_view without_parameters(std::string_view name) {
  name = name.substr(0, name.find(" [clone "));
  std::string_view rest = name;
  if (rest.ends_with(" const")) rest.remove_suffix(6);
  if (!rest.ends_with(')')) return name;
  int depth = 0;
  for (std::size_t i = rest.size(); i-- > 0;) {
    if (rest[i] == ')') ++depth;
    if (rest[i] == '(' && --depth == 0) return rest.substr(0, i);
  }
  return name;
}

// "f<int, g<char> >" as "f<>".
std::string without_arguments(std::string_view name) {
  std::string text;
  int depth = 0;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const std::string_view before = name.substr(0, i);
    const bool is_operator =
        before.ends_with("operator") || before.ends_with("operator<") ||
        before.ends_with("operator>") || before.ends_with('-');
    if (name[i] == '<' && !is_operator) {
      if (depth++ == 0) text += "<>";
    } else if (name[i] == '>' && !is_operator) {
      --depth;
    } else if (depth == 0) {
      text += name[i];
    }
  }
  return depth == 0 ? text : std::string(name);
}

}  // namespace

std::string Symbols::readable(const char* mangled) {
  const std::string name = demangle(mangled);
  return without_arguments(without_parameters(name));
}

std::string Symbols::describe(uintptr_t address) {
  Place place{.address = address};
  if (dl_iterate_phdr(look_into, &place) == 0) {
    return absl::StrCat("0x", absl::Hex(address));
  }
  auto known = modules_.find(place.path);
  if (known == modules_.end()) {
    known = modules_.emplace(place.path, read(place.path)).first;
  }
  if (const char* name = known->second.find(place.offset)) {
    return readable(name);
  }
  return absl::StrCat(place.path.substr(place.path.rfind('/') + 1), "+0x",
                      absl::Hex(place.offset));
}

const char* Symbols::Module::find(uint64_t offset) const {
  const auto after = std::upper_bound(
      functions.begin(), functions.end(), offset,
      [](uint64_t at, const Function& f) { return at < f.start; });
  if (after == functions.begin()) return nullptr;
  const Function& found = *std::prev(after);
  return offset - found.start < found.size ? names.data() + found.name
                                           : nullptr;
}

Symbols::Module Symbols::read(const std::string& path) {
  const File file(path);
  Elf64_Ehdr header;
  if (!file.read(&header, sizeof(header), 0) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_shentsize != sizeof(Elf64_Shdr)) {
    return {};
  }
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  if (!file.read(sections.data(), sections.size() * sizeof(Elf64_Shdr),
                 header.e_shoff)) {
    return {};
  }
  const Elf64_Shdr* table = find(sections, SHT_SYMTAB);
  if (table == nullptr) table = find(sections, SHT_DYNSYM);
  std::vector<Elf64_Sym> symbols;
  Module module;
  if (table == nullptr || table->sh_link >= sections.size() ||
      !read_section(file, *table, symbols) ||
      !read_section(file, sections[table->sh_link], module.names)) {
    return {};
  }
  for (const Elf64_Sym& symbol : symbols) {
    if (ELF64_ST_TYPE(symbol.st_info) != STT_FUNC || symbol.st_size == 0 ||
        symbol.st_name >= module.names.size()) {
      continue;
    }
    module.functions.push_back({.start = symbol.st_value,
                                .size = symbol.st_size,
                                .name = symbol.st_name});
  }
  std::sort(
      module.functions.begin(), module.functions.end(),
      [](const Function& a, const Function& b) { return a.start < b.start; });
  return module;
}

}  // namespace eddy::base
