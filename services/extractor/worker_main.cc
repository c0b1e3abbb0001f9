// jangbu-extract: reads one file from standard input, writes its records to standard output, and
// can do nothing else. Started by the server for every file that is read as a whole
// (record_frame.h).

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "ingest/extract/record_frame.h"
#include "ingest/extract/whole_reader.h"
#include "services/extractor/exit_codes.h"
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

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return services::kWorkerBadCall;  // memory in MiB, CPU seconds
  std::set_new_handler(OutOfMemory);
  services::SandboxLimits sandbox;
  sandbox.memory_bytes = NumberOf(argv[1], sandbox.memory_bytes >> 20) << 20;
  sandbox.cpu_seconds = NumberOf(argv[2], sandbox.cpu_seconds);
  services::PreparePdf();
  // Tables that are made from files of the disk.
  ingest::DecodeText(ingest::Encoding::kCp949, std::string("\xB0\xA1"));
  if (!services::EnterSandbox(sandbox).ok()) return services::kWorkerNoSandbox;

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
