#pragma once

// The words the generator draws from. All of it is written for this purpose; people, firms and
// newspapers are invented.

#include <string>
#include <string_view>
#include <vector>

namespace jangbu::tools {

// A noun with its particles attached, chosen by its final consonant (받침).
struct NounForms {
  std::string bare;
  std::string topic;      // 은/는
  std::string subject;    // 이/가
  std::string object;     // 을/를
  std::string direction;  // 으로/로
  std::string with;       // 과/와
};

// True when the last syllable of `word` has a final consonant; words that do not end in Hangul
// count as having none.
bool HasFinalConsonant(std::string_view word);
// True when that consonant is ㄹ, after which it is 로, not 으로.
bool EndsInRieul(std::string_view word);
NounForms WithParticles(std::string_view noun);

// Immutable lists, built once. Ordered so that frequent words come first (the generator draws by
// Zipf's law).
struct Words {
  std::vector<NounForms> things;  // about 20,000: simple and compound
  std::vector<NounForms> people;  // roles and invented names
  std::vector<NounForms> places;
  std::vector<NounForms> bodies;        // organisations
  std::vector<NounForms> deeds;         // nouns that take 하다: 발표, 검토 …
  std::vector<std::string> adnominals;  // 새로운, 오랜 …
  std::vector<std::string> adverbs;
  std::vector<std::string> verbs_past;     // 걸었다 …, for stories
  std::vector<std::string> verbs_connect;  // 걸으며 …
  std::vector<std::string> hanja;          // "정책(政策)" …
  std::vector<std::string> newspapers;
};
const Words& AllWords();

}  // namespace jangbu::tools
