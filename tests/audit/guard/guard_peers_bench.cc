// An FM-index (sdsl) of the same text beside the guard's index: size, build, and a search for every
// window of 50. Built on demand only: its headers are heavy. JANGBU_BENCH_TEXT: plain lines, of
// which the first half is indexed and the second half asked about.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sdsl/suffix_arrays.hpp>
#include <string>
#include <vector>

#include "tests/audit/guard/guard_world.h"

int main() {
  using Clock = std::chrono::steady_clock;
  const auto seconds = [](Clock::time_point a, Clock::time_point b) {
    return std::chrono::duration<double>(b - a).count();
  };
  const char* const file = std::getenv("JANGBU_BENCH_TEXT");
  if (file == nullptr) {
    std::fprintf(stderr, "set JANGBU_BENCH_TEXT\n");
    return 2;
  }
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  std::string corpus;
  size_t corpus_bytes = 0;
  std::u32string output;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::u32string form = jangbu::audit::FormOf(lines[i]);
    if (i < lines.size() / 2) {
      corpus_bytes += lines[i].size();
      corpus += jangbu::audit::testing::Utf8(form) + "\x01";
    } else if (output.size() < 20'000) {
      output += form;
    }
  }
  sdsl::csa_wt<sdsl::wt_huff<sdsl::rrr_vector<63>>, 64, 64> index;
  const auto begin = Clock::now();
  sdsl::construct_im(index, corpus, 1);
  const auto built = Clock::now();
  size_t hits = 0;
  for (size_t i = 49; i < output.size(); ++i) {
    const std::string window =
        jangbu::audit::testing::Utf8(std::u32string_view(output).substr(i - 49, 50));
    hits += sdsl::count(index, window.begin(), window.end()) > 0 ? 1 : 0;
  }
  const auto asked = Clock::now();
  std::printf(
      "fm-index: %.1f MB text, build %.2f MB/s, %.1f %% of the text, %.0f ns a code point, %zu "
      "hits\n",
      static_cast<double>(corpus_bytes) / 1e6,
      static_cast<double>(corpus_bytes) / 1e6 / seconds(begin, built),
      100.0 * static_cast<double>(sdsl::size_in_bytes(index)) / static_cast<double>(corpus_bytes),
      seconds(built, asked) * 1e9 / static_cast<double>(output.size()), hits);
  return 0;
}
