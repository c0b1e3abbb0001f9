// jangbu-train-tokenizer: trains a tokenizer.json from text files.
//
//   jangbu-train-tokenizer --out FILE [--vocab N] [--hold-out K] [--weight W] INPUT... [--weight W
//   INPUT...]
//
// INPUT is UTF-8: *.jsonl (the "text" of each record) or anything else (each line is a document).
// --weight W counts the inputs after it W times. --hold-out K leaves out every document whose
// number in its file is divisible by K (counted from 0); `--list-held-out` prints their text
// instead of training, to measure on.

#include <simdjson.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/tokens/char_class.h"
#include "tools/tokenizer/bpe_trainer.h"

namespace {

int Usage() {
  std::fprintf(
      stderr,
      "usage: jangbu-train-tokenizer --out FILE [--vocab N] [--hold-out K] [--list-held-out] "
      "[--weight W] INPUT...\n");
  return 2;
}

bool ToNumber(std::string_view text, uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number > 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::string out;
  uint64_t vocab = 64'000;
  uint64_t hold_out = 0;
  uint64_t weight = 1;
  bool list = false;
  std::vector<std::pair<std::string, uint64_t>> inputs;
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const bool more = i + 1 < argc;
    if (arg == "--out" && more) {
      out = argv[++i];
    } else if (arg == "--vocab" && more) {
      if (!ToNumber(argv[++i], vocab)) return Usage();
    } else if (arg == "--hold-out" && more) {
      if (!ToNumber(argv[++i], hold_out)) return Usage();
    } else if (arg == "--weight" && more) {
      if (!ToNumber(argv[++i], weight)) return Usage();
    } else if (arg == "--list-held-out") {
      list = true;
    } else if (arg.starts_with("--")) {
      return Usage();
    } else {
      inputs.emplace_back(arg, weight);
    }
  }
  if (inputs.empty() || (out.empty() && !list)) return Usage();

  jangbu::tokenizer::TrainerOptions options;
  options.vocab_size = vocab;
  jangbu::tokenizer::BpeTrainer trainer(options);
  uint64_t bytes = 0;
  uint64_t bad = 0;
  for (const auto& [path, input_weight] : inputs) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      std::fprintf(stderr, "%s: cannot be read\n", path.c_str());
      return 1;
    }
    const bool jsonl = path.ends_with(".jsonl");
    simdjson::dom::parser parser;
    std::string line;
    for (uint64_t number = 0; std::getline(in, line); ++number) {
      std::string_view text = line;
      if (number == 0 && text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
      if (jsonl) {
        const std::string_view record = text;
        text = {};
        if (record.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        if (parser.parse(record.data(), record.size(), true)["text"].get(text) !=
            simdjson::SUCCESS) {
          ++bad;
          continue;
        }
      }
      if (!jangbu::ingest::tokens::IsValidUtf8(text)) {
        ++bad;
        continue;
      }
      const bool held_out = hold_out > 0 && number % hold_out == 0;
      if (list) {
        if (held_out) std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
        continue;
      }
      if (held_out) continue;
      bytes += text.size();
      trainer.Add(text, input_weight);
    }
  }
  if (list) return 0;
  const auto json = trainer.Train();
  if (!json.ok()) {
    std::fprintf(stderr, "%s\n", json.status().ToString().c_str());
    return 1;
  }
  std::ofstream file(out, std::ios::binary | std::ios::trunc);
  file << *json;
  file.close();
  if (!file) {
    std::fprintf(stderr, "%s: cannot be written\n", out.c_str());
    return 1;
  }
  std::printf(
      "%llu bytes of text, %zu distinct pieces (%llu dropped), %llu records refused, %zu bytes "
      "written\n",
      static_cast<unsigned long long>(bytes), trainer.pieces(),
      static_cast<unsigned long long>(trainer.pieces_dropped()),
      static_cast<unsigned long long>(bad), json->size());
  return 0;
}
