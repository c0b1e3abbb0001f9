#include "services/audit/guard_proxy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "audit/guard/message_runs.h"
#include "services/audit/local_guard.h"
#include "services/audit/openai_client.h"
#include "tests/audit/guard/guard_world.h"
#include "tests/services/audit/memorising_endpoint.h"

namespace jangbu::services {
namespace {

using audit::GuardMode;
using ::testing::HasSubstr;
using ::testing::Not;

class FixedClock : public Clock {
 public:
  Timestamp Now() override { return {1'000'000}; }
};

struct World {
  std::vector<std::string> texts;
  std::unique_ptr<audit::testing::GuardWorld> guarded;
  World() {
    std::mt19937_64 random(31);
    std::vector<std::u32string> forms;
    for (int i = 0; i < 8; ++i) {
      texts.push_back(audit::testing::Sentences(random, 150));
      forms.push_back(audit::FormOf(texts.back()));
    }
    guarded = std::make_unique<audit::testing::GuardWorld>(forms);
  }
  // The first `n` code points of a text.
  std::string Head(size_t text, size_t n) const {
    std::string out;
    for (const char* p = texts[text].data(); n > 0; --n)
      ingest::AppendUtf8(ingest::DecodeUtf8(p), out);
    return out;
  }
};

LocalGuardOptions By(const World& w, Clock& clock) {
  LocalGuardOptions options;
  options.secret = "secret";
  options.clock = &clock;
  options.index = [&w] { return w.guarded->index(); };
  return options;
}

size_t LongestLeak(const World& w, std::string_view output) {
  const auto form = audit::FormOf(output);
  size_t longest = 0;
  for (const auto& d : w.guarded->documents()) {
    const audit::MessageRuns runs(d);
    audit::MessageRuns::State state;
    for (const char32_t cp : form) {
      runs.Step(state, cp);
      longest = std::max<size_t>(longest, state.length);
    }
  }
  return longest;
}

TEST(GuardProxy, StandsInFrontOfBothApisInEveryMode) {
  const World w;
  testing::MemorisingEndpoint model(w.texts);
  FixedClock clock;
  for (const GuardMode mode :
       {GuardMode::kBlock, GuardMode::kCut, GuardMode::kMask, GuardMode::kReport}) {
    std::mutex mutex;
    std::vector<GuardIncident> incidents;
    GuardProxyOptions options;
    options.upstream = model.url() + "/v1";
    options.mode = mode;
    LocalGuardOptions local = By(w, clock);
    local.incident = [&](const GuardIncident& i) {
      const std::lock_guard lock(mutex);
      incidents.push_back(i);
    };
    options.guards = GuardLocally(std::move(local));
    const auto proxy = GuardProxy::Start(options);
    ASSERT_TRUE(proxy.ok());
    int asked = 0;
    for (const bool stream : {false, true}) {
      OpenAiOptions o;
      o.url = "http://127.0.0.1:" + std::to_string((*proxy)->port());
      o.stream = stream;
      OpenAiClient client(o);
      ASSERT_TRUE(client.Probe().ok());
      for (const bool chat : {false, true}) {
        audit::ModelRequest request;
        request.chat = chat;
        request.prompt = w.Head(3, 60);
        const auto answer = client.Complete(request);
        ASSERT_TRUE(answer.ok()) << answer.status();
        ++asked;
        if (mode == GuardMode::kReport) {
          EXPECT_GE(LongestLeak(w, answer->text), 60U);
        } else {
          EXPECT_LT(LongestLeak(w, answer->text), 50U);
        }
        EXPECT_EQ(answer->finish_reason == "content_filter",
                  mode == GuardMode::kBlock || mode == GuardMode::kCut);
      }
    }
    const std::lock_guard lock(mutex);
    ASSERT_EQ(incidents.size(), static_cast<size_t>(asked));
    EXPECT_EQ(incidents[0].kind, "run");
    EXPECT_EQ(incidents[0].holders.size(), 1U);
    EXPECT_EQ(incidents[0].finding_mac.size(), 32U);
    EXPECT_EQ((*proxy)->counts().found, static_cast<uint64_t>(asked));
  }
}

TEST(GuardProxy, OnlyTheAnswersTextPasses) {
  const World w;
  testing::MemorisingEndpoint model(w.texts);
  FixedClock clock;
  GuardProxyOptions options;
  options.upstream = model.url();
  options.guards = GuardLocally(By(w, clock));
  const auto proxy = GuardProxy::Start(options);
  ASSERT_TRUE(proxy.ok());
  httplib::Client http("127.0.0.1", (*proxy)->port());
  const auto post = [&](const char* path, const std::string& body) {
    const auto reply = http.Post(path, body, "application/json");
    return reply ? std::to_string(reply->status) + " " + reply->body : std::string("none");
  };
  // The endpoint repeats its whole answer in `logprobs`.
  const std::string answer =
      post("/v1/completions", "{\"prompt\":" + JsonQuoted(w.Head(2, 60)) + ",\"logprobs\":5}");
  EXPECT_THAT(answer, HasSubstr("200 "));
  EXPECT_THAT(answer, HasSubstr("content_filter"));
  EXPECT_THAT(answer, Not(HasSubstr("logprobs")));
  // What an assistant or the system said is not the user's.
  const std::string chat =
      post("/v1/chat/completions",
           "{\"messages\":[{\"role\":\"system\",\"content\":" + JsonQuoted(w.texts[2]) +
               "},{\"role\":\"assistant\",\"content\":" + JsonQuoted(w.texts[2]) +
               "},{\"role\":\"user\",\"content\":" + JsonQuoted(w.Head(2, 60)) + "}]}");
  EXPECT_THAT(chat, HasSubstr("content_filter"));
  EXPECT_THAT(post("/v1/completions", "{\"prompt\":[1,2,3]}"), HasSubstr("400 "));
  EXPECT_THAT(post("/v1/completions", "no json"), HasSubstr("bad_request"));
  EXPECT_THAT(post("/v1/embeddings", "{}"), HasSubstr("404"));
}

TEST(GuardProxy, ABudgetLastsAcrossRequests) {
  const World w;
  testing::MemorisingEndpoint model(w.texts);
  FixedClock clock;
  audit::ExposureLedger exposures;
  GuardProxyOptions options;
  options.upstream = model.url();
  options.mode = GuardMode::kCut;
  LocalGuardOptions local = By(w, clock);
  local.exposures = &exposures;
  options.guards = GuardLocally(std::move(local));
  const auto proxy = GuardProxy::Start(options);
  ASSERT_TRUE(proxy.ok());
  OpenAiOptions o;
  o.url = "http://127.0.0.1:" + std::to_string((*proxy)->port());
  OpenAiClient client(o);
  audit::ModelRequest request;
  request.prompt = w.Head(5, 28);
  size_t last = 0;
  for (int i = 0; i < 6; ++i) {
    const auto answer = client.Complete(request);
    ASSERT_TRUE(answer.ok());
    last = LongestLeak(w, answer->text);
  }
  EXPECT_LT(last, 25U) << "the key has seen a tenth of it";
  OpenAiOptions other = o;
  other.api_key = "another";
  const auto answer = OpenAiClient(other).Complete(request);
  ASSERT_TRUE(answer.ok());
  EXPECT_GE(LongestLeak(w, answer->text), last) << "another key has not";
}

TEST(GuardProxy, AModelThatIsNotThereIsAnErrorNotAnAnswer) {
  const World w;
  FixedClock clock;
  GuardProxyOptions options;
  options.upstream = "http://127.0.0.1:1";
  options.guards = GuardLocally(By(w, clock));
  const auto proxy = GuardProxy::Start(options);
  ASSERT_TRUE(proxy.ok());
  httplib::Client http("127.0.0.1", (*proxy)->port());
  const auto reply = http.Post("/v1/completions", "{\"prompt\":\"가\"}", "application/json");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, 502);
}

// A guard that can judge so many pieces and no more.
class Failing final : public AnswerGuard {
 public:
  explicit Failing(int pieces) : pieces_(pieces) {}
  StatusOr<GuardedPiece> Push(std::string_view text) override {
    if (pieces_-- == 0) return Unavailable("guard_unavailable", "at 10.1.2.3 nobody answers");
    return GuardedPiece{std::string(text), false, 0};
  }
  StatusOr<GuardedPiece> Finish() override { return Push(""); }

 private:
  int pieces_;
};

TEST(GuardProxy, WhereNobodyCanJudgeNothingPasses) {
  const World w;
  testing::MemorisingEndpoint model(w.texts);
  for (const int pieces : {-1, 0, 1, 5}) {
    std::mutex mutex;
    std::vector<std::string> told;
    GuardProxyOptions options;
    options.upstream = model.url();
    options.guards = [&](const AnswerStart& start) -> StatusOr<std::unique_ptr<AnswerGuard>> {
      EXPECT_EQ(start.key, "k1");
      EXPECT_EQ(start.model, "m");
      if (pieces < 0) return Unavailable("guard_unavailable", "at 10.1.2.3 nobody answers");
      return std::make_unique<Failing>(pieces);
    };
    options.trouble = [&](const Status& why) {
      const std::lock_guard lock(mutex);
      told.emplace_back(why.message());
    };
    const auto proxy = GuardProxy::Start(options);
    ASSERT_TRUE(proxy.ok());
    httplib::Client http("127.0.0.1", (*proxy)->port());
    const auto post = [&](bool stream) {
      const auto reply = http.Post("/v1/completions", {{"Authorization", "Bearer k1"}},
                                   "{\"model\":\"m\",\"prompt\":" + JsonQuoted(w.Head(2, 60)) +
                                       (stream ? ",\"stream\":true}" : "}"),
                                   "application/json");
      return reply ? std::to_string(reply->status) + " " + reply->body : std::string("none");
    };
    const uint64_t asked = model.asked;
    const std::string whole = post(false);
    // One piece and its end; or an error instead of all of it.
    EXPECT_THAT(whole, HasSubstr(pieces >= 2 ? "200 " : "503 ")) << pieces;
    if (pieces < 2) {
      EXPECT_THAT(whole, HasSubstr("guard_unavailable"));
      EXPECT_THAT(whole, HasSubstr("nothing is let through"));
      EXPECT_THAT(whole, Not(HasSubstr("choices")));
    }
    const std::string streamed = post(true);
    EXPECT_THAT(streamed, HasSubstr("guard_unavailable")) << pieces;
    EXPECT_THAT(streamed, Not(HasSubstr("[DONE]"))) << "broken off, not ended";
    EXPECT_EQ(model.asked - asked, pieces < 0 ? 0U : 2U) << "no model is asked for nothing";
    for (const std::string& answer : {whole, streamed}) {
      EXPECT_THAT(answer, Not(HasSubstr("10.1.2.3"))) << "that is for who runs it";
    }
    const std::lock_guard lock(mutex);
    EXPECT_EQ(told.size(), pieces < 2 ? 2U : 1U);
  }
}

}  // namespace
}  // namespace jangbu::services
