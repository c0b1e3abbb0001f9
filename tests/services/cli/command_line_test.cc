#include "services/cli/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tests/services/cli/fake_server.h"
#include "tests/services/cli/scratch_folder.h"

namespace jangbu::services::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

class CommandLineTest : public ::testing::Test {
 protected:
  void SetUp() override {
    environment_["HOME"] = home_.path();
    folder_.Write("자료/가.txt", "첫째 글");
    folder_.Write("자료/나.txt", "둘째 글");
  }
  void Start() {
    server_ = std::make_unique<FakeServer>(state_, faults_);
    environment_["JANGBU_SERVER"] = server_->address();
    environment_["JANGBU_KEY"] = "jb_live_environment";
  }
  int Run(const std::vector<std::string>& arguments) {
    out_.str("");
    err_.str("");
    return RunCommandLine(
        arguments,
        [this](const std::string& name) -> std::optional<std::string> {
          const auto found = environment_.find(name);
          if (found == environment_.end()) return std::nullopt;
          return found->second;
        },
        Terminal{out_, err_});
  }

  ScratchFolder home_;
  ScratchFolder folder_;
  std::map<std::string, std::string> environment_;
  FakeFaults faults_;
  std::shared_ptr<FakeState> state_ = std::make_shared<FakeState>();
  std::unique_ptr<FakeServer> server_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(CommandLineTest, EveryCommandHasHelpWithAnExampleInBothLanguages) {
  const std::vector<std::vector<std::string>> commands = {
      {},
      {"partner"},
      {"partner", "add"},
      {"partner", "list"},
      {"key"},
      {"key", "issue"},
      {"key", "list"},
      {"key", "rotate"},
      {"key", "revoke"},
      {"corpus"},
      {"corpus", "add"},
      {"corpus", "list"},
      {"upload"},
      {"upload", "send"},
      {"upload", "list"},
      {"upload", "show"},
      {"upload", "verdicts"},
      {"upload", "cancel"},
      {"verdicts"},
      {"confirm"},
      {"balance"},
      {"programme"},
      {"transfers"},
      {"items"},
      {"books-root"},
      {"server"},
      {"server", "info"},
      {"receipt"},
      {"receipt", "get"},
      {"receipt", "verify"},
      {"log"},
      {"log", "checkpoint"},
      {"log", "prove"},
      {"log", "consistency"},
      {"tokenizer"},
      {"tokenizer", "inspect"},
      {"tokenizer", "count"},
      {"tokenizer", "compare"},
  };
  for (auto command : commands) {
    command.push_back("--help");
    EXPECT_EQ(Run(command), 0);
    EXPECT_THAT(out_.str(), HasSubstr("Example:\n  jangbu ")) << out_.str();
    EXPECT_THAT(out_.str(), HasSubstr("Usage: jangbu"));
    command.insert(command.end(), {"--lang", "ko"});
    EXPECT_EQ(Run(command), 0);
    EXPECT_THAT(out_.str(), HasSubstr("예:\n  jangbu ")) << out_.str();
    EXPECT_THAT(out_.str(), HasSubstr("사용법: jangbu"));
    EXPECT_THAT(err_.str(), IsEmpty());
  }
}

TEST_F(CommandLineTest, TokenizerFilesAreInspectedCountedWithAndCompared) {
  const std::string data = std::string(JANGBU_SOURCE_DIR) + "/tests/ingest/tokens/data/";
  const std::string bytes = data + "bytelevel.tokenizer.json";
  const std::string ranks = data + "o200klike.tiktoken";

  EXPECT_EQ(Run({"tokenizer", "inspect", bytes, "--json"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\"supported\":true,\"family\":\"hf-bytelevel-bpe\""));
  EXPECT_THAT(out_.str(), HasSubstr("\"vocab_size\":1200"));
  EXPECT_THAT(out_.str(), HasSubstr("\"entries\":{\"hangul\":"));
  EXPECT_EQ(Run({"tokenizer", "inspect", ranks, "--json"}), 2) << "its split is not known";
  EXPECT_THAT(out_.str(), HasSubstr("\"supported\":false"));
  EXPECT_THAT(err_.str(), HasSubstr("o200klike.tiktoken"));

  // Three segments in two documents; the third line of the file is no JSON.
  folder_.Write("글.jsonl",
                "{\"text\":\"첫째 문단\\n둘째 문단\"}\n{\"text\":\"셋째\"}\n{\"text\":\n");
  const std::string file = folder_.path() + "/글.jsonl";
  EXPECT_EQ(Run({"tokenizer", "count", bytes, file, "--json", "--segments"}), 6) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\"record\":1,\"segment\":2,\"korean\":true,\"chars\":5,"
                                    "\"words\":2,\"korean_words\":2,\"tokens\":["));
  EXPECT_THAT(out_.str(), HasSubstr("\"record\":2,\"segment\":1,"));
  EXPECT_THAT(out_.str(), HasSubstr("\"documents\":2,\"rejected\":1,\"segments\":3,"));
  EXPECT_THAT(err_.str(), HasSubstr("invalid_json"));
  // With two tokenizers there are two counts; the same tokenizer gives the same.
  EXPECT_EQ(Run({"tokenizer", "count", bytes, folder_.path() + "/자료", "--also", bytes}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("bytelevel.tokenizer.json"));
  EXPECT_EQ(Run({"tokenizer", "count", bytes, "/no/such/text"}), 2);
  EXPECT_EQ(Run({"tokenizer", "count", "/no/such/tokenizer", file}), 2);

  EXPECT_EQ(Run({"tokenizer", "compare", bytes, bytes, "--json"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("\"entries_shared\":1199,\"same_id\":1199,"));
  EXPECT_EQ(Run({"tokenizer", "compare", bytes, data + "bpe_bytes.model"}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("of A"));
}

TEST_F(CommandLineTest, MistakesOfUseGiveTwo) {
  const std::vector<std::vector<std::string>> mistakes = {
      {},
      {"no-such"},
      {"upload"},
      {"upload", "saebit/1"},
      {"key", "issue"},
      {"key", "issue", "--role", "king"},
      {"--lang", "fr", "partner", "list"},
      {"--timeout", "soon", "partner", "list"},
      {"--server", "nowhere", "partner", "list"},
      {"balance", "--as-of", "yesterday"},
      {"confirm", "--release", "saebit"},
      {"upload", "saebit/1", "/no/such/path"},
      {"receipt", "verify", "/no/such/receipt"},
      {"partner", "add", "한빛대학교"},
      {"--key-file", "/no/such/key", "partner", "list"},
      {"verdicts", "saebit/u1", "--verdict", "fine"}};
  for (const auto& arguments : mistakes) {
    EXPECT_EQ(Run(arguments), 2) << ::testing::PrintToString(arguments) << err_.str();
    EXPECT_THAT(err_.str(), StartsWith("jangbu: ")) << ::testing::PrintToString(arguments);
  }
  EXPECT_EQ(Run({"--lang", "ko", "upload", "saebit/1"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("필요한 것이 빠졌습니다."));
}

TEST_F(CommandLineTest, UploadsAFolderAndTellsItsFigures) {
  Start();
  EXPECT_EQ(Run({"upload", "saebit/1", folder_.Path("자료")}), 0) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("saebit/u1"));
  EXPECT_THAT(out_.str(), HasSubstr("documents"));
  ASSERT_EQ(state_->uploads.size(), 1U);
  EXPECT_EQ(state_->uploads[0].files.at(0).bytes, "첫째 글");
  EXPECT_EQ(Run({"--lang", "ko", "upload", "saebit/1", folder_.Path("자료")}), 0);
  EXPECT_EQ(state_->uploads.size(), 1U) << "the same command is the same upload";
  EXPECT_THAT(out_.str(), HasSubstr("완료"));
}

TEST_F(CommandLineTest, OptionsMayStandBeforeTheCorpus) {
  Start();
  EXPECT_EQ(
      Run({"--json", "upload", "--retry-for", "10s", "saebit/1", "--strict", folder_.Path("자료")}),
      0)
      << err_.str();
  EXPECT_THAT(out_.str(), StartsWith("{\"upload_id\":\"saebit/u1\""));
}

TEST_F(CommandLineTest, NamesOfUploadShowAreStable) {
  Start();
  ASSERT_EQ(Run({"-q", "upload", "saebit/1", folder_.Path("자료")}), 0);
  EXPECT_THAT(err_.str(), IsEmpty()) << "quiet";
  ASSERT_EQ(Run({"--json", "upload", "show", "saebit/u1"}), 0);
  EXPECT_EQ(
      out_.str(),
      "{\"upload_id\":\"saebit/u1\",\"corpus_id\":\"saebit/"
      "1\",\"partner_id\":\"saebit\",\"state\":\"done\","
      "\"files\":2,\"bytes\":20,\"processed_bytes\":20,\"documents\":2,\"accepted\":2,\"exact_"
      "duplicate\":0,"
      "\"near_duplicate\":0,\"rejected\":0,\"chars\":0,\"syllables\":0,\"words\":0,\"tokens\":0,"
      "\"korean_words\":0,\"korean_tokens\":0,\"novel_korean_words\":0,\"novel_korean_tokens\":0,"
      "\"tokenizer_sha256\":\"\",\"created_at\":\"\",\"finished_at\":\"\"}\n");
}

TEST_F(CommandLineTest, NamesOfVerdictsAreStableAndComeOneALine) {
  Start();
  ASSERT_EQ(Run({"-q", "upload", "saebit/1", folder_.Path("자료")}), 0);
  jangbu::v1::DocumentVerdict& first = state_->verdicts.emplace_back();
  first.set_file("자료/가.jsonl");
  first.set_record(3);
  first.set_document_id("d\"3");
  first.set_verdict(jangbu::v1::VERDICT_NEAR_DUPLICATE);
  first.set_duplicate_of("saebit/u1#자료/가.jsonl:1");
  first.set_similarity_ppm(812'500);
  first.set_words(10);
  first.set_tokens(20);
  first.set_korean_words(9);
  first.set_korean_tokens(18);
  first.set_sha256("ab");
  jangbu::v1::PersonalDataSpan& span = *first.add_personal_data();
  span.set_kind("mobile");
  span.set_begin(18);
  span.set_length(13);
  jangbu::v1::QualityFlag& flag = *first.add_flags();
  flag.set_rule("spaced_out");
  flag.set_value(63);
  flag.set_threshold(50);
  jangbu::v1::DocumentVerdict& second = state_->verdicts.emplace_back();
  second.set_file("자료/\x1B[2J.jsonl");
  second.set_verdict(jangbu::v1::VERDICT_REJECTED);
  second.set_reason("unsupported_format");
  ASSERT_EQ(Run({"--json", "upload", "verdicts", "saebit/u1"}), 0);
  std::istringstream lines(out_.str());
  std::string line;
  std::getline(lines, line);
  EXPECT_EQ(
      line,
      "{\"file\":\"자료/"
      "가.jsonl\",\"record\":3,\"document_id\":\"d\\\"3\",\"verdict\":\"NEAR_DUPLICATE\","
      "\"reason\":\"\",\"detail\":\"\",\"duplicate_of\":\"saebit/u1#자료/"
      "가.jsonl:1\",\"similarity\":0.8125,"
      "\"chars\":0,\"syllables\":0,\"words\":10,\"tokens\":20,\"korean_words\":9,\"korean_tokens\":"
      "18,"
      "\"novel_korean_words\":0,\"novel_korean_tokens\":0,\"sha256\":\"ab\",\"read_as\":\"\","
      "\"file_number\":0,"
      "\"personal_data\":[{\"kind\":\"mobile\",\"begin\":18,\"length\":13}],"
      "\"flags\":[{\"rule\":\"spaced_out\",\"value\":63,\"trips\":\"above\",\"threshold\":50,"
      "\"rejects\":false}]}");
  std::getline(lines, line);
  EXPECT_THAT(line, HasSubstr("\"reason\":\"unsupported_format\""));
  EXPECT_FALSE(std::getline(lines, line));

  ASSERT_EQ(Run({"verdicts", "saebit/u1"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("{personal data: mobile 1; spaced_out 63 > 50}"));
  ASSERT_EQ(Run({"verdicts", "saebit/u1", "--verdict", "rejected"}), 0);
  EXPECT_THAT(out_.str(), HasSubstr("unsupported_format: "));
  EXPECT_THAT(out_.str(), Not(HasSubstr("d\"3")));
  EXPECT_THAT(out_.str(), Not(HasSubstr("\x1B"))) << "a file name may not command the terminal";
}

TEST_F(CommandLineTest, ExitCodesSayWhatHappened) {
  Start();
  EXPECT_EQ(Run({"upload", "show", "saebit/u9"}), 4);
  EXPECT_THAT(err_.str(), HasSubstr("not found"));
  EXPECT_EQ(Run({"--json", "upload", "show", "saebit/u9"}), 4);
  EXPECT_EQ(err_.str(),
            "{\"error\":{\"code\":\"NOT_FOUND\",\"reason\":\"no_such_upload\",\"message\":\"no_"
            "such_upload: there is no "
            "such upload\"}}\n");
  faults_.deny = true;
  Start();
  EXPECT_EQ(Run({"upload", "show", "saebit/u1"}), 5);
  faults_ = FakeFaults();
  faults_.expect_key = "jb_live_other";
  Start();
  EXPECT_EQ(Run({"upload", "show", "saebit/u1"}), 5);
  EXPECT_THAT(err_.str(), HasSubstr("did not accept the key"));
  server_.reset();
  EXPECT_EQ(Run({"upload", "show", "saebit/u1"}), 3);
  EXPECT_THAT(err_.str(), HasSubstr("cannot be reached"));
}

TEST_F(CommandLineTest, FilesThatCannotBeReadMakeTheResultPartial) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  Start();
  folder_.Write("자료/비밀.txt", "x", 0);
  EXPECT_EQ(Run({"upload", "saebit/1", folder_.Path("자료")}), 6);
  EXPECT_THAT(err_.str(), HasSubstr("비밀.txt"));
}

TEST_F(CommandLineTest, TheKeyComesFromTheFlagThenTheEnvironmentThenTheFile) {
  home_.Write(".config/jangbu/config.yaml", "key: jb_live_file\nlang: en\n", 0600);
  const auto accepts = [&](const std::string& key, const std::vector<std::string>& arguments) {
    faults_.expect_key = key;
    server_ = std::make_unique<FakeServer>(state_, faults_);
    environment_["JANGBU_SERVER"] = server_->address();
    return Run(arguments) == 0;
  };
  EXPECT_TRUE(accepts("jb_live_file", {"upload", "list"})) << err_.str();
  environment_["JANGBU_KEY"] = "jb_live_environment";
  EXPECT_TRUE(accepts("jb_live_environment", {"upload", "list"})) << err_.str();
  EXPECT_TRUE(accepts("jb_live_flag", {"--key", "jb_live_flag", "upload", "list"})) << err_.str();
  const std::string key_file = home_.Write("a.key", "jb_live_of_a_file\n", 0600);
  EXPECT_TRUE(accepts("jb_live_of_a_file", {"upload", "list", "--key-file", key_file}))
      << err_.str();
  EXPECT_THAT(err_.str(), IsEmpty());
}

TEST_F(CommandLineTest, AnExposedKeyIsWarnedOf) {
  Start();
  const std::string key_file = home_.Write("a.key", "jb_live_of_a_file\n", 0644);
  EXPECT_EQ(Run({"--key-file", key_file, "upload", "list"}), 0);
  EXPECT_THAT(err_.str(), HasSubstr("chmod 600"));
  EXPECT_THAT(err_.str(), Not(HasSubstr("jb_live"))) << "a key is never repeated";
}

TEST_F(CommandLineTest, ABadConfigurationNamesTheFileAndTheMistake) {
  home_.Write(".config/jangbu/config.yaml", "sever: 127.0.0.1:1\n", 0600);
  EXPECT_EQ(Run({"upload", "list"}), 2);
  EXPECT_THAT(err_.str(), HasSubstr("config.yaml"));
  EXPECT_THAT(err_.str(), HasSubstr("sever"));
  home_.Write(".config/jangbu/config.yaml", "a: [1, 2\n", 0600);
  EXPECT_EQ(Run({"upload", "list"}), 2);
}

TEST_F(CommandLineTest, ListsWalkAllPages) {
  Start();
  for (int i = 0; i < 3; ++i) {
    folder_.Write("자료/n" + std::to_string(i), "x");
    ASSERT_EQ(Run({"-q", "upload", "saebit/1", folder_.Path("자료")}), 0);
  }
  ASSERT_EQ(Run({"--json", "upload", "list"}), 0);
  const std::string rows = out_.str();
  EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), 3);
}

TEST_F(CommandLineTest, CorpusAddPrintsTheIdAlone) {
  Start();
  EXPECT_EQ(Run({"-q", "corpus", "add", "--title", "기사", "--source-type", "article", "--rights",
                 "자사"}),
            0);
  EXPECT_EQ(out_.str(), "saebit/1\n");
}

}  // namespace
}  // namespace jangbu::services::cli
