// Reads .tiktoken rank files: a line is base64(token) SPACE rank. They do not say how text is
// split; that is taken from the caller, or from the SHA-256 of the two files everybody has.

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/digest.h"
#include "ingest/tokens/tokenizer_file.h"

namespace jangbu::ingest::tokens {
namespace {

constexpr std::string_view kCl100kSha256 =
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7";
constexpr std::string_view kO200kSha256 =
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d";

}  // namespace

StatusOr<TokenizerFile> ParseTiktoken(std::string_view bytes, std::string_view split) {
  TokenizerFile file;
  file.family = TokenizerFamily::kTiktoken;
  std::vector<std::pair<uint64_t, std::string>> ranks;
  size_t number = 0;
  for (std::string_view rest = bytes; !rest.empty();) {
    ++number;
    const size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    const auto here = [&](std::string_view why) {
      return InvalidArgument("tokenizer_malformed",
                             "line " + std::to_string(number) + ": " + std::string(why));
    };
    const size_t space = line.find(' ');
    if (space == std::string_view::npos) return here("base64, a space and a rank are expected");
    auto token = FromBase64(line.substr(0, space));
    if (!token.ok()) return here("the token is not base64");
    if (token->empty()) return here("the token is empty");
    uint64_t rank = 0;
    const std::string_view digits = line.substr(space + 1);
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), rank);
    if (error != std::errc() || stop != digits.data() + digits.size() || rank > 0xFFFFFFFF) {
      return here("the rank is not a number");
    }
    ranks.emplace_back(rank, *std::move(token));
    if (ranks.size() > BpeModel::kTokensMax)
      return ResourceExhausted("vocabulary_too_large", "more than 2^21 tokens");
  }
  std::sort(ranks.begin(), ranks.end());
  for (size_t i = 1; i < ranks.size(); ++i) {
    if (ranks[i].first == ranks[i - 1].first) {
      return InvalidArgument("tokenizer_malformed",
                             "rank " + std::to_string(ranks[i].first) + " is given twice");
    }
  }
  const std::string sha256 = split.empty() ? ToHex(Sha256(bytes)) : std::string();
  const SplitShape* shape = nullptr;
  if (split == "cl100k_base" || sha256 == kCl100kSha256) shape = FindShape(PatternOf(kCl100kShape));
  if (split == "o200k_base" || sha256 == kO200kSha256) shape = FindShape(PatternOf(kO200kShape));
  if (shape == nullptr) {
    return split.empty() ? Unsupported(
                               "a rank file that is none of the published ones, without naming its "
                               "split (cl100k_base, o200k_base),")
                         : Unsupported("split \"" + std::string(split.substr(0, 100)) + "\"");
  }
  file.stages.push_back({SplitStage::Kind::kShape, shape});
  file.features.push_back("split " + std::string(NameOf(*shape)));
  file.features.push_back("ranks");
  file.whole_word_first = true;
  file.algorithm = "tiktoken-" + std::string(NameOf(*shape));
  file.tokens.reserve(ranks.size());
  file.ranks.reserve(ranks.size());
  for (auto& [rank, token] : ranks) {
    file.ranks.push_back(static_cast<uint32_t>(file.tokens.size()));
    file.tokens.push_back(std::move(token));
  }
  return file;
}

}  // namespace jangbu::ingest::tokens
