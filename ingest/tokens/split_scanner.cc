#include "ingest/tokens/split_scanner.h"

#include <array>

namespace jangbu::ingest::tokens {
namespace {

struct Known {
  std::string_view pattern;
  SplitShape shape;
  std::string_view name;
};

// As published; tokenizer files carry these texts byte for byte. The first text of a shape is
// PatternOf it.
constexpr std::array kKnown = {
    Known{R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re",
          kGpt2Shape, "gpt2"},
    Known{
        R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
        kCl100kShape, "cl100k"},
    Known{
        R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
        kQwenShape, "qwen"},
    Known{
        R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
        kQwenMarksShape, "qwen-marks"},
    Known{
        R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
        kO200kShape, "o200k"},
    Known{
        R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
        kTekkenShape, "tekken"},
};

}  // namespace

std::string_view PatternOf(const SplitShape& shape) {
  for (const Known& known : kKnown) {
    if (known.shape == shape) return known.pattern;
  }
  return {};
}

std::string_view NameOf(const SplitShape& shape) {
  for (const Known& known : kKnown) {
    if (known.shape == shape) return known.name;
  }
  return {};
}

const SplitShape* FindShape(std::string_view pattern) {
  for (const Known& known : kKnown) {
    if (known.pattern == pattern) return &known.shape;
  }
  return nullptr;
}

}  // namespace jangbu::ingest::tokens
