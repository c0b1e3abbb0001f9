// jangbu-gen-corpus: Korean text from a seed, as partners send it.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

#include "tools/corpus_gen/corpus_writer.h"

namespace {

constexpr char kUsage[] =
    "usage: jangbu-gen-corpus --demo DIR [--size MB] [--seed N]\n"
    "       jangbu-gen-corpus --out DIR [options]\n"
    "\n"
    "  --out DIR            JSON Lines files DIR/NAME-000.jsonl …\n"
    "  --size MB            text in all, in millions of bytes (default 10)\n"
    "  --files N            spread over N files (default 1)\n"
    "  --txt                one text file a document instead of JSON Lines\n"
    "  --style news|report|book|paper|wide   (default news)\n"
    "  --mean-bytes N       of a document (default: what is usual for the style)\n"
    "  --name NAME          file names and document ids (default corpus)\n"
    "  --publisher NAME     in bylines and footers\n"
    "  --compress none|gz|zst, --encoding utf-8|utf-8-bom|cp949|utf-16le\n"
    "  --exact N --near N --wire N      share of duplicates, edited copies and shared wire "
    "stories, per thousand\n"
    "  --wire-seed N --wire-pool N      partners with the same ones share the same stories\n"
    "  --bad-every N        a broken record after every N documents\n"
    "  --seed N             (default 1); the same command always writes the same bytes\n"
    "  --demo DIR           folders of four partners that overlap\n";

[[noreturn]] void Fail(const std::string& why) {
  std::fprintf(stderr, "jangbu-gen-corpus: %s\n", why.c_str());
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  using namespace jangbu::tools;  // NOLINT: one short program
  std::map<std::string, std::string> options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "-h" || name == "--help") {
      std::fputs(kUsage, stdout);
      return 0;
    }
    if (name == "--txt") {
      options[name] = "1";
      continue;
    }
    static constexpr const char* kKnown[] = {
        "--demo",       "--size", "--seed",      "--out",       "--files",    "--style",
        "--mean-bytes", "--name", "--publisher", "--compress",  "--encoding", "--exact",
        "--near",       "--wire", "--wire-seed", "--wire-pool", "--bad-every"};
    bool known = false;
    for (const char* candidate : kKnown) known = known || name == candidate;
    if (!known || i + 1 >= argc) Fail("what is \"" + name + "\"? See --help.");
    options[name] = argv[++i];
  }
  const auto text = [&](const char* name, const char* otherwise) {
    const auto found = options.find(name);
    return found == options.end() ? std::string(otherwise) : found->second;
  };
  const auto number = [&](const char* name, uint64_t otherwise) -> uint64_t {
    const auto found = options.find(name);
    if (found == options.end()) return otherwise;
    char* end = nullptr;
    const uint64_t value = std::strtoull(found->second.c_str(), &end, 10);
    if (found->second.empty() || *end != '\0') Fail(std::string(name) + " wants a number");
    return value;
  };

  if (options.contains("--demo")) {
    const auto partners = WriteDemo(options["--demo"], number("--size", 10), number("--seed", 1));
    if (!partners.ok()) Fail(std::string(jangbu::MessageOf(partners.status())));
    for (const std::string& partner : *partners) std::printf("%s\n", partner.c_str());
    return 0;
  }
  if (!options.contains("--out")) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  CorpusPlan plan;
  const auto style = ParseStyle(text("--style", "news"));
  if (!style) Fail("--style is news, report, book, paper or wide");
  plan.style = *style;
  plan.seed = number("--seed", 1);
  plan.name = text("--name", "corpus");
  plan.publisher = text("--publisher", "새빛일보");
  plan.mean_bytes = number("--mean-bytes", 0);
  plan.exact_share = static_cast<int>(number("--exact", 0));
  plan.near_share = static_cast<int>(number("--near", 0));
  plan.wire_share = static_cast<int>(number("--wire", 0));
  plan.wire_seed = number("--wire-seed", 0);
  plan.wire_pool = number("--wire-pool", 1000);
  const auto compression = ParseCompression(text("--compress", "none"));
  if (!compression.ok()) Fail(std::string(jangbu::MessageOf(compression.status())));
  const auto encoding = ParseEncoding(text("--encoding", "utf-8"));
  if (!encoding.ok()) Fail(std::string(jangbu::MessageOf(encoding.status())));

  const CorpusGenerator corpus(plan);
  const uint64_t bytes = number("--size", 10) * 1'000'000;
  const uint64_t files = std::max<uint64_t>(number("--files", 1), 1);
  const std::string folder = options["--out"] + "/";
  Written total;
  char leaf[32];
  if (options.contains("--txt")) {
    while (total.text_bytes < bytes) {
      std::snprintf(leaf, sizeof leaf, "-%07llu.txt", static_cast<unsigned long long>(total.next));
      const auto one =
          WriteText(corpus, total.next, {folder + plan.name + leaf, Compression::kNone, *encoding});
      if (!one.ok()) Fail(std::string(jangbu::MessageOf(one.status())));
      total.documents += one->documents;
      total.text_bytes += one->text_bytes;
      total.next = one->next;
    }
  } else {
    const char* suffix = *compression == Compression::kGzip   ? ".gz"
                         : *compression == Compression::kZstd ? ".zst"
                                                              : "";
    for (uint64_t f = 0; f < files; ++f) {
      std::snprintf(leaf, sizeof leaf, "-%03llu.jsonl", static_cast<unsigned long long>(f));
      const auto one = WriteJsonl(corpus, total.next, bytes / files, number("--bad-every", 0),
                                  {folder + plan.name + leaf + suffix, *compression, *encoding});
      if (!one.ok()) Fail(std::string(jangbu::MessageOf(one.status())));
      total.documents += one->documents;
      total.text_bytes += one->text_bytes;
      total.bad_records += one->bad_records;
      total.next = one->next;
    }
  }
  std::printf("%llu documents, %llu bytes of text, %llu bad records\n",
              static_cast<unsigned long long>(total.documents),
              static_cast<unsigned long long>(total.text_bytes),
              static_cast<unsigned long long>(total.bad_records));
  return 0;
}
