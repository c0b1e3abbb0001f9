#include "services/cli/messages.h"

namespace jangbu::services::cli {
namespace {

// Bit n is set when `text` holds {n}.
constexpr unsigned Placeholders(std::string_view text) {
  unsigned set = 0;
  for (size_t i = 0; i + 2 < text.size(); ++i) {
    if (text[i] == '{' && text[i + 2] == '}' && text[i + 1] >= '0' && text[i + 1] <= '9') {
      set |= 1U << (text[i + 1] - '0');
    }
  }
  return set;
}

#define JANGBU_MESSAGE(name, ko, en)                                                \
  static_assert(sizeof(ko) > 1 && sizeof(en) > 1, "a message lacks a translation"); \
  static_assert(Placeholders(ko) == Placeholders(en), "the languages use different placeholders");
#include "services/cli/messages.def"
#undef JANGBU_MESSAGE

struct Entry {
  std::string_view ko;
  std::string_view en;
};

constexpr Entry kCatalogue[] = {
#define JANGBU_MESSAGE(name, ko, en) {ko, en},
#include "services/cli/messages.def"
#undef JANGBU_MESSAGE
};

}  // namespace

std::string_view Text(Lang lang, Msg message) {
  const Entry& entry = kCatalogue[static_cast<size_t>(message)];
  return lang == Lang::kKo ? entry.ko : entry.en;
}

std::string Say(Lang lang, Msg message, std::initializer_list<std::string_view> args) {
  return Fill(Text(lang, message), args);
}

std::string Fill(std::string_view text, std::initializer_list<std::string_view> args) {
  std::string out;
  out.reserve(text.size() + 32);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{' && i + 2 < text.size() && text[i + 2] == '}') {
      const size_t n = static_cast<size_t>(text[i + 1] - '0');
      if (n < args.size()) {
        out.append(args.begin()[n]);
        i += 2;
        continue;
      }
    }
    out.push_back(text[i]);
  }
  return out;
}

Lang LangOfLocale(std::string_view locale) {
  const bool korean =
      locale.substr(0, 2) == "ko" && (locale.size() == 2 || locale[2] == '_' || locale[2] == '.' ||
                                      locale[2] == '-' || locale[2] == '@');
  return korean ? Lang::kKo : Lang::kEn;
}

}  // namespace jangbu::services::cli
