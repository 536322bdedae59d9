// Symbols: what the code at an address is called.
//
//   Symbols symbols;
//   symbols.describe(frame.inside());  // "Parser::run", "libc.so.6+0xd9a4c"
//
// Names come from the symbol table of the file that the code was loaded from,
// which has local functions and lambdas too: dladdr() knows what is exported
// only, of a program hardly anything. Where the table was stripped there is the
// place in the file, for `addr2line -e`. Each file is read once, and closed.
//
// Threads: one. Not for signal handlers.
// Errors:  a file that can't be read, or is no such file, has no names.
#ifndef EDDY_RUNTIME_BASE_SYMBOLS_H_
#define EDDY_RUNTIME_BASE_SYMBOLS_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace eddy::base {

class Symbols {
 public:
  // The name of the function without its parameters and template arguments.
  std::string describe(uintptr_t address);

  // Of a name as the linker knows it.
  static std::string readable(const char* mangled);

 private:
  struct Function {
    uint64_t start, size;
    uint32_t name;  // in `names`
  };
  struct Module {
    std::vector<Function> functions;  // by start
    std::string names;

    const char* find(uint64_t offset) const;  // null if none is there
  };

  static Module read(const std::string& path);

  std::map<std::string, Module> modules_;  // by path
};

}  // namespace eddy::base

#endif  // EDDY_RUNTIME_BASE_SYMBOLS_H_
