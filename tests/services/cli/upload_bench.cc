// How fast the client sends when the server does nothing with it: it must not be what holds an
// upload back.

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "services/cli/upload_client.h"
#include "tests/services/cli/fake_server.h"

namespace jangbu::services::cli {
namespace {

// `files` files of `bytes` bytes each.
void BM_Upload(benchmark::State& state) {
  std::string pattern = (std::filesystem::temp_directory_path() / "jangbu-upload-XXXXXX").string();
  const std::string folder = ::mkdtemp(pattern.data());
  const auto files = state.range(0);
  const std::string bytes(static_cast<size_t>(state.range(1)), 'x');
  for (int64_t i = 0; i < files; ++i)
    std::ofstream(folder + "/" + std::to_string(i), std::ios::binary) << bytes;
  const auto walked = WalkPaths({folder});
  UploadOptions options;
  options.wait = false;
  UploadObserver observer;
  FakeFaults faults;
  faults.discard = true;
  for (auto _ : state) {
    const FakeServer server(std::make_shared<FakeState>(), faults);
    Settings settings;
    settings.server = server.address();
    const auto connection = Connection::Open(settings, std::chrono::milliseconds(30'000));
    const auto upload = RunUpload(**connection, "p/1", walked->files, options, observer);
    if (!upload.ok()) state.SkipWithError(std::string(MessageOf(upload.status())).c_str());
  }
  state.SetBytesProcessed(state.iterations() * files * state.range(1));
  state.SetItemsProcessed(state.iterations() * files);
  std::filesystem::remove_all(folder);
}
BENCHMARK(BM_Upload)
    ->Args({1, 512 << 20})
    ->Args({64, 8 << 20})
    ->Args({20'000, 16 << 10})
    ->Args({20'000, 1 << 10})
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace jangbu::services::cli

BENCHMARK_MAIN();
