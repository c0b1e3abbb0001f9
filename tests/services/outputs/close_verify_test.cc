// The command's own check of share proofs and openings: what a server made is accepted, and every
// forgery of it is refused for its own reason.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/close_proof/close_check.h"
#include "tests/services/outputs/programme.h"

namespace jangbu::services {
namespace {

using ::testing::HasSubstr;

class CloseVerify : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    programme_ = new Programme();
    const char* keep = std::getenv("JANGBU_KEEP_OUTPUTS");
    for (const std::string& partner : p().partners()) {
      const std::string path =
          keep != nullptr ? std::string(keep) + "/" + partner + ".proof" : p().Path(partner);
      p().Must(partner, {"close", "proof", "2026-05", "-o", path});
      files_.push_back(path);
    }
    openings_ = keep != nullptr ? std::string(keep) + "/may.openings" : p().Path("openings");
    p().Must("auditor", {"close", "openings", "2026-05", "-o", openings_});
    vkey_ = p().installation().jangbu().LogVerifierKey();
  }
  static void TearDownTestSuite() {
    delete programme_;
    programme_ = nullptr;
    files_.clear();
  }
  static Programme& p() { return *programme_; }

  // What `change` of a file is refused for; "" when it is accepted.
  static std::string Refusal(const std::string& file, const std::string& from,
                             const std::string& to) {
    std::string text = BytesOf(file);
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    const auto log = ledger::NoteVerifier::Parse(vkey_);
    EXPECT_TRUE(log.ok()) << log.status();
    std::set<std::pair<ledger::Period, uint32_t>> places;
    const Status status = text.starts_with("jangbu/close-openings")
                              ? CheckOpenings(text, *log).status()
                              : CheckShareProof(text, *log, places).status();
    return std::string(ReasonOf(status));
  }
  // The line of a file that begins so, without its end.
  static std::string LineOf(const std::string& file, const std::string& begin) {
    const std::string text = BytesOf(file);
    const size_t at = text.find("\n" + begin) + 1;
    return text.substr(at, text.find('\n', at) - at);
  }

  static Programme* programme_;
  static std::vector<std::string> files_;
  static std::string openings_;
  static std::string vkey_;
};
Programme* CloseVerify::programme_ = nullptr;
std::vector<std::string> CloseVerify::files_;
std::string CloseVerify::openings_;
std::string CloseVerify::vkey_;

TEST_F(CloseVerify, AcceptsWhatIsTrue) {
  std::vector<std::string> command = {"close", "verify", "--vkey", vkey_, "--json"};
  command.insert(command.end(), files_.begin(), files_.end());
  const std::string shares = p().Must("gaon", command);
  const std::string all =
      p().Must("auditor", {"close", "verify", openings_, "--vkey", vkey_, "--json"});
  const std::string close = p().Must("finance", {"close", "show", "2026-05", "--json"});
  for (const std::string& partner : p().partners()) {
    const size_t at = close.find("\"partner_id\":\"" + partner + "\"");
    const size_t won = close.find("\"share_won\":", at);
    const std::string share = close.substr(won, close.find(',', won) - won);
    for (const std::string& told : {shares, all}) {
      const size_t row = told.find("\"partner_id\":\"" + partner + "\"");
      ASSERT_NE(row, std::string::npos);
      EXPECT_THAT(told.substr(row, told.find('\n', row) - row), HasSubstr(share)) << partner;
    }
  }
  EXPECT_THAT(p().Must("gaon", {"close", "verify", files_[0], "--vkey", vkey_}),
              HasSubstr("2026-05"));
}

TEST_F(CloseVerify, RefusesEveryForgeryOfAShare) {
  const std::string& file = files_[1];
  const std::string weight = LineOf(file, "weight ");
  const std::string share = LineOf(file, "share ");
  const std::string blinding = LineOf(file, "blinding ");
  const std::string place = LineOf(file, "place ");
  std::string other = blinding;
  other[12] = other[12] == '0' ? '1' : '0';
  EXPECT_EQ(Refusal(file, weight, weight), "");
  EXPECT_EQ(Refusal(file, weight, weight + "0"), "proof_opening");
  EXPECT_EQ(Refusal(file, weight, "weight 0"), "proof_opening");
  EXPECT_EQ(Refusal(file, weight, "weight -1"), "bad_proof");
  EXPECT_EQ(Refusal(file, weight, "weight 9223372036854775808"), "bad_proof");
  EXPECT_EQ(Refusal(file, blinding, other), "proof_opening");
  EXPECT_EQ(Refusal(file, blinding, "blinding " + std::string(64, 'f')), "bad_proof")
      << "not reduced";
  EXPECT_EQ(Refusal(file, blinding, blinding + "00"), "bad_proof");
  EXPECT_EQ(Refusal(file, place, place == "place 0" ? "place 1" : "place 0"), "proof_opening");
  EXPECT_EQ(Refusal(file, place, "place 4"), "proof_opening");
  EXPECT_EQ(Refusal(file, share, share + "0"), "proof_share");
  EXPECT_EQ(Refusal(file, "period 2026-05", "period 2026-06"), "proof_entry");
  EXPECT_EQ(Refusal(file, "period 2026-05", "period 2026-13"), "bad_proof");
  EXPECT_EQ(Refusal(file, "jangbu/share-proof@v1", "jangbu/share-proof@v2"), "bad_proof");
  EXPECT_EQ(Refusal(file, "receipt ", "receipt 1"), "bad_proof");
  EXPECT_NE(Refusal(file, "c2sp.org/tlog-proof", "c2sp.org/tlog-prooF"), "");
  // Cut off anywhere, it is refused.
  const std::string text = BytesOf(file);
  const auto log = ledger::NoteVerifier::Parse(vkey_);
  for (size_t size = 0; size < text.size(); size += 7) {
    std::set<std::pair<ledger::Period, uint32_t>> places;
    EXPECT_FALSE(CheckShareProof(text.substr(0, size), *log, places).ok()) << size;
  }
  // One commitment for two partners; another log's key.
  const std::string twice = p().Path("twice");
  std::string copy = text;
  copy.replace(copy.find("partner hani-sinmun"), 19, "partner somebodyelse");
  std::ofstream(twice) << copy;
  const Told told = p().Run("gaon", {"close", "verify", file, twice, "--vkey", vkey_, "--json"});
  EXPECT_EQ(told.code, 1);
  EXPECT_THAT(told.err, HasSubstr("\"reason\":\"proof_double\""));
  std::string wrong = vkey_;
  wrong[wrong.size() - 2] = wrong[wrong.size() - 2] == 'A' ? 'B' : 'A';
  EXPECT_EQ(p().Run("gaon", {"close", "verify", file, "--vkey", wrong}).code, 1);
  EXPECT_EQ(p().Run("gaon", {"close", "verify", p().Path("nothing"), "--vkey", vkey_}).code, 2);
}

TEST_F(CloseVerify, RefusesEveryForgeryOfOpenings) {
  const std::string& file = openings_;
  const std::string first = LineOf(file, "open ");
  const auto word = [&](size_t n) {
    std::istringstream words(first);
    std::string out;
    for (size_t i = 0; i <= n; ++i) words >> out;
    return out;
  };
  const auto with = [&](size_t n, const std::string& value) {
    std::string line;
    for (size_t i = 0; i < 6; ++i) line += (i == 0 ? "" : " ") + (i == n ? value : word(i));
    return line;
  };
  EXPECT_EQ(Refusal(file, first, first), "");
  EXPECT_EQ(Refusal(file, first, with(1, word(1) == "0" ? "1" : "0")), "proof_opening");
  EXPECT_EQ(Refusal(file, first, with(2, "hani-sinmun")), "proof_double") << "a partner twice";
  EXPECT_EQ(Refusal(file, first, with(3, word(3) + "1")), "proof_opening");
  EXPECT_EQ(Refusal(file, first, with(3, "-" + word(3))), "bad_proof");
  EXPECT_EQ(Refusal(file, first, with(5, word(5) + "1")), "proof_share");
  EXPECT_EQ(Refusal(file, first, first + " more"), "bad_proof");
  EXPECT_EQ(Refusal(file, first, LineOf(file, "open ") + "\n" + first), "bad_proof");
  EXPECT_EQ(Refusal(file, "partners 4", "partners 3"), "bad_proof");
  EXPECT_EQ(Refusal(file, "\npool ", "\npool 1"), "proof_total");
  EXPECT_EQ(Refusal(file, "\ntotal ", "\ntotal 1"), "proof_total");
  EXPECT_EQ(Refusal(file, "period 2026-05", "period 2026-04"), "proof_entry");
}

}  // namespace
}  // namespace jangbu::services
