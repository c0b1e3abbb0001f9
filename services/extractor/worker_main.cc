// jangbu-extract: reads one file from standard input, writes its records to standard output, and
// can do nothing else. The server has one for every file that is read as a whole (record_frame.h).
//
//     jangbu-extract MEMORY_MIB CPU_SECONDS            reads one file
//     jangbu-extract MEMORY_MIB CPU_SECONDS nursery    begins processes that each read one
//
// A nursery has its libraries loaded and never sees a byte of any file: for each descriptor that
// comes over the socket on its standard input it begins a process, a child of the server as itself
// is, that shuts itself in and reads from it. It answers the process's number.

#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "ingest/extract/record_frame.h"
#include "ingest/extract/whole_reader.h"
#include "services/extractor/exit_codes.h"
#include "services/extractor/pdf_maps.h"
#include "services/extractor/pdf_poppler.h"
#include "services/extractor/sandbox.h"

namespace {

using namespace jangbu;

class Input final : public ingest::ByteSource {
 public:
  StatusOr<size_t> Read(char* out, size_t n) override {
    while (true) {
      const ssize_t size = read(STDIN_FILENO, out, n);
      if (size >= 0) return static_cast<size_t>(size);
      if (errno != EINTR) return Unavailable("pipe_broken", "standard input");
    }
  }
};

bool WriteAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

bool WriteFrame(const std::string& payload) {
  ByteWriter head;
  head.U32(static_cast<uint32_t>(payload.size()));
  return WriteAll(head.bytes()) && WriteAll(payload);
}

[[noreturn]] void OutOfMemory() { _exit(services::kWorkerOutOfMemory); }

uint64_t NumberOf(const char* text, uint64_t otherwise) {
  if (text == nullptr || *text == '\0') return otherwise;
  uint64_t value = 0;
  for (; *text != '\0'; ++text) {
    if (*text < '0' || *text > '9') return otherwise;
    value = value * 10 + static_cast<uint64_t>(*text - '0');
  }
  return value;
}

// One file, from standard input to standard output.
[[noreturn]] void Work(const services::SandboxLimits& sandbox) {
  if (!services::EnterSandbox(sandbox).ok()) _exit(services::kWorkerNoSandbox);

  Input input;
  std::string head(ingest::kRequestHeadBytes, '\0');
  const auto fill = [&input](std::string& out) {
    size_t at = 0;
    while (at < out.size()) {
      const auto size = input.Read(out.data() + at, out.size() - at);
      if (!size.ok() || *size == 0) return false;
      at += *size;
    }
    return true;
  };
  if (!fill(head)) _exit(services::kWorkerBadCall);
  const auto body_size = ingest::RequestBodySize(head);
  if (!body_size) _exit(services::kWorkerBadCall);
  std::string body(*body_size, '\0');
  if (!fill(body)) _exit(services::kWorkerBadCall);
  const auto request = ingest::DecodeRequest(body);
  if (!request.ok()) _exit(services::kWorkerBadCall);

  ingest::ExtractLimits limits;
  limits.document_bytes_max = request->document_bytes_max;
  limits.text_bytes_max = request->text_bytes_max;
  const auto bytes = ingest::ReadAll(input, limits.document_bytes_max);
  if (!bytes.ok()) _exit(services::kWorkerBadCall);
  const auto sink = [](ingest::RawRecord raw) { return WriteFrame(ingest::EncodeRecord(raw)); };
  if (*bytes) {
    ingest::ReadWhole(**bytes, request->format, request->file_name, request->options, limits,
                      services::ReadPdf, sink);
  } else {
    ingest::RawRecord raw;
    raw.rejection = ingest::FileTooLarge(limits.document_bytes_max);
    sink(std::move(raw));
  }
  WriteFrame(ingest::EncodeEnd());
  // Nothing is left to tidy, and tidying hostile trees takes long.
  _exit(0);
}

// The descriptor in the next message; -1 when the server has gone.
int ReceiveDescriptor(int control) {
  char byte = 0;
  iovec data{&byte, 1};
  alignas(cmsghdr) char room[CMSG_SPACE(sizeof(int))] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = room;
  message.msg_controllen = sizeof(room);
  ssize_t size = 0;
  do {
    size = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  const cmsghdr* head = size == 1 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (head == nullptr || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS ||
      head->cmsg_len != CMSG_LEN(sizeof(int))) {
    return -1;
  }
  int descriptor = -1;
  std::memcpy(&descriptor, CMSG_DATA(head), sizeof(descriptor));
  return descriptor;
}

int Nursery(const services::SandboxLimits& sandbox) {
  while (true) {
    const int file = ReceiveDescriptor(STDIN_FILENO);
    if (file < 0) return 0;
    // fork, but for whose child it is: the server waits for it, and with the server it dies.
    const auto pid = static_cast<int32_t>(
        syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (pid == 0) {
      if (dup2(file, STDIN_FILENO) < 0 || dup2(file, STDOUT_FILENO) < 0)
        _exit(services::kWorkerBadCall);
      Work(sandbox);
    }
    close(file);
    if (send(STDIN_FILENO, &pid, sizeof(pid), MSG_NOSIGNAL) != sizeof(pid)) return 0;
  }
}

}  // namespace

int main(int argc, char** argv) {
  const bool nursery = argc == 4 && std::string_view(argv[3]) == "nursery";
  if (argc != 3 && !nursery) return services::kWorkerBadCall;
  std::set_new_handler(OutOfMemory);
  services::SandboxLimits sandbox;
  sandbox.memory_bytes = NumberOf(argv[1], sandbox.memory_bytes >> 20) << 20;
  sandbox.cpu_seconds = NumberOf(argv[2], sandbox.cpu_seconds);
  services::KeepPdfMaps(JANGBU_POPPLER_DATA);
  services::PreparePdf();
  // Tables that are made from files of the disk.
  ingest::DecodeText(ingest::Encoding::kCp949, std::string("\xB0\xA1"));
  if (nursery) return Nursery(sandbox);
  Work(sandbox);
}
