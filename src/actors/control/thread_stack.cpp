#include "actors/control/thread_stack.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <execinfo.h>
#include <fstream>
#include <link.h>
#include <memory>
#include <mutex>
#include <sstream>
#include <thread>

namespace srpo::actors {
namespace {

constexpr size_t kMostFrames = 64;
/// The handler itself and the kernel's return from it.
constexpr int kFramesOfTheHandler = 2;

/// What the signal handler writes; one capture at a time.
struct Capture {
  std::array<void*, kMostFrames> frames{};
  std::atomic<int> count{0};
  std::atomic<uint64_t> wanted{0};
  std::atomic<uint64_t> done{0};
};
Capture the_capture;
std::mutex capture_mutex;

int stack_signal() { return SIGRTMIN + 7; }

void on_stack_signal(int /*signal*/) {
  const int saved = errno;
  const uint64_t wanted = the_capture.wanted.load();
  if (the_capture.done.load() != wanted) {
    the_capture.count.store(
        ::backtrace(the_capture.frames.data(), static_cast<int>(kMostFrames)));
    the_capture.done.store(wanted);
  }
  errno = saved;
}

std::string demangle(const char* name) {
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> text(
      abi::__cxa_demangle(name, nullptr, nullptr, &status), std::free);
  return status == 0 ? text.get() : name;
}

struct Symbol {
  uintptr_t begin = 0;
  uintptr_t end = 0;
  std::string name;
};

/// Functions of the program itself, static ones too; dladdr knows only exported ones.
class ProgramSymbols {
 public:
  ProgramSymbols() {
    std::ifstream file("/proc/self/exe", std::ios::binary);
    Elf64_Ehdr header{};
    if (!read_at(file, 0, &header, sizeof header) ||
        header.e_shentsize != sizeof(Elf64_Shdr))
      return;
    std::vector<Elf64_Shdr> sections(header.e_shnum);
    if (!read_at(file, header.e_shoff, sections.data(),
                 sections.size() * sizeof(Elf64_Shdr)))
      return;
    for (const Elf64_Shdr& section : sections) {
      if (section.sh_type == SHT_SYMTAB && section.sh_link < sections.size())
        read_table(file, section, sections[section.sh_link]);
    }
    std::sort(symbols_.begin(), symbols_.end(),
              [](const Symbol& a, const Symbol& b) { return a.begin < b.begin; });
  }
  const Symbol* find(uintptr_t offset) const {
    auto at = std::upper_bound(
        symbols_.begin(), symbols_.end(), offset,
        [](uintptr_t value, const Symbol& symbol) { return value < symbol.begin; });
    if (at == symbols_.begin()) return nullptr;
    --at;
    return offset < at->end ? &*at : nullptr;
  }

 private:
  static bool read_at(std::ifstream& file, uint64_t offset, void* data, size_t size) {
    file.seekg(static_cast<std::streamoff>(offset));
    file.read(static_cast<char*>(data), static_cast<std::streamsize>(size));
    return file.good();
  }
  void read_table(std::ifstream& file, const Elf64_Shdr& table, const Elf64_Shdr& names) {
    constexpr uint64_t kMostBytes = uint64_t{256} << 20;
    if (table.sh_size > kMostBytes || names.sh_size > kMostBytes) return;
    std::vector<Elf64_Sym> entries(table.sh_size / sizeof(Elf64_Sym));
    std::string text(names.sh_size, '\0');
    if (!read_at(file, table.sh_offset, entries.data(),
                 entries.size() * sizeof(Elf64_Sym)) ||
        !read_at(file, names.sh_offset, text.data(), text.size()))
      return;
    for (const Elf64_Sym& entry : entries) {
      if (ELF64_ST_TYPE(entry.st_info) != STT_FUNC || entry.st_size == 0) continue;
      if (entry.st_name >= text.size()) continue;
      symbols_.push_back(
          {entry.st_value, entry.st_value + entry.st_size, text.c_str() + entry.st_name});
    }
  }
  std::vector<Symbol> symbols_;
};

std::string hex(uintptr_t value) {
  std::ostringstream text;
  text << "0x" << std::hex << value;
  return text.str();
}

}  // namespace

ThreadStack::ThreadStack() : thread_(::pthread_self()) {
  // The first call loads a library, which a signal handler must not do.
  std::array<void*, 4> frames{};
  ::backtrace(frames.data(), static_cast<int>(frames.size()));
  struct sigaction action {};
  action.sa_handler = on_stack_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  ::sigaction(stack_signal(), &action, nullptr);
}

std::vector<std::string> ThreadStack::capture(std::chrono::milliseconds longest) const {
  const std::lock_guard lock(capture_mutex);
  const uint64_t wanted = the_capture.wanted.fetch_add(1) + 1;
  if (::pthread_kill(thread_, stack_signal()) != 0) return {};
  const auto until = std::chrono::steady_clock::now() + longest;
  while (the_capture.done.load() != wanted) {
    if (std::chrono::steady_clock::now() >= until) return {};
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::vector<std::string> lines;
  for (int i = kFramesOfTheHandler; i < the_capture.count.load(); ++i)
    lines.push_back(describe_address(the_capture.frames[static_cast<size_t>(i)]));
  return lines;
}

std::string describe_address(const void* address) {
  static const ProgramSymbols program;
  const auto value = reinterpret_cast<uintptr_t>(address);
  Dl_info info{};
  link_map* map = nullptr;
  if (::dladdr1(address, &info, reinterpret_cast<void**>(&map), RTLD_DL_LINKMAP) == 0)
    return hex(value);
  if (map != nullptr && (map->l_name == nullptr || map->l_name[0] == '\0')) {
    const uintptr_t offset = value - map->l_addr;
    if (const Symbol* symbol = program.find(offset))
      return demangle(symbol->name.c_str()) + " + " + hex(offset - symbol->begin);
  }
  if (info.dli_sname != nullptr) {
    return demangle(info.dli_sname) + " + " +
           hex(value - reinterpret_cast<uintptr_t>(info.dli_saddr));
  }
  const std::string file = info.dli_fname == nullptr ? "?" : info.dli_fname;
  return file.substr(file.rfind('/') + 1) + " + " +
         hex(value - reinterpret_cast<uintptr_t>(info.dli_fbase));
}

}  // namespace srpo::actors
