#pragma once

// Invented personal data in forms that are hard to find, and what looks like it and is none. All
// numbers are made from a seed: region codes never issued, reserved e-mail domains.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "ingest/screen/personal_data.h"

namespace jangbu::ingest::testing {

struct Planted {
  PersonalKind kind = PersonalKind::kResidentNumber;
  std::string text;   // what stands before, the value, what stands after
  std::string value;  // a part of text
  std::string form;   // its name, for messages
};

class HardForms {
 public:
  explicit HardForms(uint64_t seed) : random_(seed) {}

  // One value of each kind in each hard form.
  std::vector<Planted> All();
  // Text that holds none.
  std::vector<std::string> Innocent();
  // A paragraph without digits, @ or anything else to look at.
  std::string Prose(size_t words);

  uint64_t Below(uint64_t n) { return random_() % n; }
  std::string Digits(size_t n);

 private:
  std::string Birth(bool after_2000);
  std::string Resident(bool foreigner, bool with_check);
  std::string CardNumber();
  std::string BusinessNumber(bool right);
  template <size_t N>
  const char* Pick(const char* const (&list)[N]) {
    return list[random_() % N];
  }

  std::mt19937_64 random_;
};

// Digits and dashes as full width; one space between any two characters.
std::string FullWidth(const std::string& ascii);
std::string Spaced(const std::string& ascii);

}  // namespace jangbu::ingest::testing
