#include "actors/control/control_address.h"

#include <arpa/inet.h>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <link.h>
#include <memory>
#include <net/if.h>
#include <random>
#include <sstream>
#include <unistd.h>

#include "core/checksum.h"
#include "core/config_table.h"
#include "core/error.h"
#include "core/files.h"

namespace srpo::actors {
namespace {

std::string to_hex(const unsigned char* bytes, size_t size) {
  static constexpr const char* kDigits = "0123456789abcdef";
  std::string text;
  for (size_t i = 0; i < size; ++i) {
    text += kDigits[bytes[i] >> 4];
    text += kDigits[bytes[i] & 15];
  }
  return text;
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

/// The note of the linker in the program's own segments; the first object is the program.
int find_build_id(dl_phdr_info* info, size_t /*size*/, void* result) {
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_NOTE) continue;
    // NOLINTBEGIN(performance-no-int-to-ptr): the loader gives addresses as numbers
    const auto* at =
        reinterpret_cast<const unsigned char*>(info->dlpi_addr + segment.p_vaddr);
    // NOLINTEND(performance-no-int-to-ptr)
    const auto* end = at + segment.p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
      ElfW(Nhdr) note;
      std::memcpy(&note, at, sizeof note);
      const auto* name = at + sizeof note;
      const auto* text = name + ((note.n_namesz + 3) & ~3U);
      if (text + note.n_descsz > end) break;
      if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
          std::memcmp(name, "GNU", 4) == 0) {
        *static_cast<std::string*>(result) = to_hex(text, note.n_descsz);
        return 1;
      }
      at = text + ((note.n_descsz + 3) & ~3U);
    }
  }
  return 1;
}

}  // namespace

std::string ControlAddress::to_text() const {
  return token + "@" + join(hosts) + ":" + std::to_string(port);
}

ControlAddress ControlAddress::parse(const std::string& text) {
  const size_t at = text.find('@');
  const size_t colon = text.rfind(':');
  REQUIRE(at != std::string::npos && colon != std::string::npos && at < colon, kBadInput,
          "control address '" << text << "' (expected token@host,host:port)");
  ControlAddress address;
  address.token = text.substr(0, at);
  std::istringstream hosts(text.substr(at + 1, colon - at - 1));
  for (std::string host; std::getline(hosts, host, ',');) address.hosts.push_back(host);
  const std::string port = text.substr(colon + 1);
  const bool is_number = !port.empty() && port.size() <= 5 &&
                         port.find_first_not_of("0123456789") == std::string::npos;
  const int number = is_number ? std::stoi(port) : 0;
  REQUIRE(!address.hosts.empty() && number > 0 && number < 65536, kBadInput,
          "control address '" << text << "' (expected token@host,host:port)");
  address.port = static_cast<uint16_t>(number);
  return address;
}

void ControlAddress::save(const std::filesystem::path& path) const {
  const std::string beside = path.string() + ".new." + std::to_string(::getpid());
  const int file =
      ::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) core::throw_file_error("cannot create", beside, errno);
  std::ostringstream json;
  json << "{\"hosts\": \"" << join(hosts) << "\", \"port\": " << port << ", \"token\": \""
       << token << "\", \"pid\": " << ::getpid() << "}\n";
  const std::string text = json.str();
  const bool whole =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const int error = errno;
  ::close(file);
  if (!whole) core::throw_file_error("cannot write", beside, error);
  if (::rename(beside.c_str(), path.c_str()) != 0)
    core::throw_file_error("cannot rename to", path, errno);
}

ControlAddress ControlAddress::load(const std::filesystem::path& path) {
  const auto text = core::read_file(path);
  try {
    const auto table = core::ConfigTable::parse(text, path.string());
    return parse(table.text("token", std::nullopt) + "@" +
                 table.text("hosts", std::nullopt) + ":" +
                 std::to_string(table.integer("port", std::nullopt, 1, 65535)));
  } catch (const core::Error& error) {
    throw core::Error(core::ErrorKind::kBadFile,
                      path.string() + " is no control file: " + error.what());
  }
}

std::string make_token() {
  std::random_device random;
  std::string token;
  for (int i = 0; i < 4; ++i) {
    const uint32_t word = random();
    token += to_hex(reinterpret_cast<const unsigned char*>(&word), sizeof word);
  }
  return token;
}

std::string program_version() {
  static const std::string version = [] {
    char path[4096] = {};
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path - 1);
    const std::string file = length > 0 ? path : "/proc/self/exe";
    std::string id;
    ::dl_iterate_phdr(find_build_id, &id);
    if (id.empty()) {
      const std::string content = core::read_file("/proc/self/exe");
      const uint32_t sum =
          core::crc32c(std::as_bytes(std::span(content.data(), content.size())));
      id = std::to_string(content.size()) + "-" + std::to_string(sum);
    }
    return file.substr(file.rfind('/') + 1) + " " + id;
  }();
  return version;
}

std::string this_host() {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return name;
}

std::vector<std::string> names_of_this_host() {
  std::vector<std::string> names = {this_host()};
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return names;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
  for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != AF_INET) continue;
    if ((each->ifa_flags & IFF_LOOPBACK) != 0 || (each->ifa_flags & IFF_UP) == 0)
      continue;
    char text[INET_ADDRSTRLEN] = {};
    const auto* address = reinterpret_cast<const sockaddr_in*>(each->ifa_addr);
    if (::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text) != nullptr)
      names.emplace_back(text);
  }
  return names;
}

}  // namespace srpo::actors
