#pragma once

// What the command says, in Korean and English. The catalogue is data (messages.def): a message
// without one of its languages, or whose placeholders differ between them, does not compile.

#include <initializer_list>
#include <string>
#include <string_view>

namespace jangbu::services::cli {

enum class Lang { kKo, kEn };

enum class Msg {
#define JANGBU_MESSAGE(name, ko, en) name,
#include "services/cli/messages.def"
#undef JANGBU_MESSAGE
};

// The words of `message`; they live for ever.
std::string_view Text(Lang lang, Msg message);

// `text` with {0}…{9} replaced by `args`, which are not looked into. A placeholder without an
// argument stays as it is.
std::string Fill(std::string_view text, std::initializer_list<std::string_view> args);

// Fill() of Text().
std::string Say(Lang lang, Msg message, std::initializer_list<std::string_view> args = {});

// The language a locale name asks for ("ko_KR.UTF-8", "ko"): Korean, or English for everything
// else.
Lang LangOfLocale(std::string_view locale);

}  // namespace jangbu::services::cli
