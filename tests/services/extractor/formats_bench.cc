// How fast files of each format become documents, as the server reads them: whole documents in
// worker processes, lines in this one, parsed, on two threads. Beside it the limit: reading the
// same files and their SHA-256.
//
//   formats_bench [--no-nursery] PATH...        files and folders
//
// Every file is read once by one thread before anything is timed; the timed readings must give the
// same records.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "base/digest.h"
#include "ingest/extract/file_reader.h"
#include "ingest/extract/record.h"
#include "services/extractor/extract_workers.h"

namespace {

namespace fs = std::filesystem;
using jangbu::Digest;
using jangbu::Sha256Stream;
using jangbu::ingest::FileFacts;
using jangbu::ingest::FileReader;

constexpr int kThreads = 2;

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

struct Reading {
  std::string format;  // of the first document; "refused" when there is none
  size_t documents = 0;
  size_t refusals = 0;
  size_t text_bytes = 0;
  Digest digest{};
};

// A file's records: what they say, and what they are.
Reading Read(jangbu::services::ExtractWorkers& workers, const fs::path& path) {
  const std::string bytes = ReadFile(path);
  jangbu::ingest::MemorySource source(bytes);
  auto reader = FileReader::Open(source, path.string(), {}, &workers);
  Reading reading;
  if (!reader.ok()) {
    std::fprintf(stderr, "%s: %s\n", path.c_str(), reader.status().ToString().c_str());
    return reading;
  }
  const FileFacts facts = (*reader)->facts();
  Sha256Stream digest;
  while (true) {
    auto raw = (*reader)->Next();
    if (!raw.ok() || !raw->has_value()) break;
    const auto parsed = jangbu::ingest::ParseRecord(facts, *std::move(*raw));
    if (!parsed.ok()) {
      ++reading.refusals;
      digest.Update(jangbu::ingest::CodeOf(parsed.rejection().reason));
      continue;
    }
    const auto& document = parsed.document();
    if (reading.documents++ == 0) {
      reading.format = document.read_as.substr(0, document.read_as.find(' '));
      if (reading.format == "text" || reading.format == "json")
        reading.format = document.read_as.substr(0, document.read_as.rfind(' '));
      if (facts.compression != jangbu::ingest::Compression::kNone) reading.format += ", compressed";
    }
    reading.text_bytes += document.text.size();
    digest.Update(document.text);
  }
  if (reading.documents == 0) reading.format = "refused";
  reading.digest = digest.Peek();
  return reading;
}

template <typename Work>
double Seconds(size_t files, Work work) {
  const auto began = std::chrono::steady_clock::now();
  std::atomic<size_t> next{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (size_t i = next++; i < files; i = next++) work(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: formats_bench PATH...\n");
    return 2;
  }
  jangbu::services::ExtractOptions options;
  options.program =
      (fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "bin" / "jangbu-extract")
          .string();
  options.at_once = kThreads;
  int first = 1;
  if (std::string_view(argv[1]) == "--no-nursery") {
    options.renew_after = 0;
    first = 2;
  }
  jangbu::services::ExtractWorkers workers(options);
  if (const jangbu::Status probe = workers.Probe(); !probe.ok()) {
    std::fprintf(stderr, "%s\n", probe.ToString().c_str());
    return 1;
  }
  std::vector<fs::path> paths;
  for (int i = first; i < argc; ++i) {
    if (fs::is_regular_file(argv[i])) {
      paths.emplace_back(argv[i]);
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(argv[i])) {
      if (entry.is_regular_file()) paths.push_back(entry.path());
    }
  }
  std::sort(paths.begin(), paths.end());
  std::map<std::string, std::vector<std::pair<fs::path, Reading>>> groups;
  for (const fs::path& path : paths) {
    Reading reading = Read(workers, path);
    groups[reading.format].emplace_back(path, std::move(reading));
  }
  std::printf("%-28s %6s %9s %8s %8s %9s %9s %8s %9s\n", "read as", "files", "documents", "MB in",
              "MB text", "MB in/s", "MB text/s", "ms/file", "of limit");
  for (const auto& [format, files] : groups) {
    size_t in = 0;
    size_t text = 0;
    size_t documents = 0;
    for (const auto& [path, reading] : files) {
      in += static_cast<size_t>(fs::file_size(path));
      text += reading.text_bytes;
      documents += reading.documents;
    }
    std::atomic<bool> same{true};
    const double took = Seconds(files.size(), [&](size_t i) {
      if (Read(workers, files[i].first).digest != files[i].second.digest) same = false;
    });
    const double limit = Seconds(files.size(), [&](size_t i) {
      const Digest digest = jangbu::Sha256(ReadFile(files[i].first));
      if (digest == Digest{}) same = false;
    });
    if (!same) {
      std::printf("%s: two readings differ\n", format.c_str());
      return 1;
    }
    std::printf("%-28s %6zu %9zu %8.2f %8.2f %9.2f %9.2f %8.1f %9.4f\n", format.c_str(),
                files.size(), documents, static_cast<double>(in) / 1e6,
                static_cast<double>(text) / 1e6, static_cast<double>(in) / 1e6 / took,
                static_cast<double>(text) / 1e6 / took,
                took * 1000 * kThreads / static_cast<double>(files.size()), limit / took);
  }
  return 0;
}
