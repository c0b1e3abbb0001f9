#include "services/audit/spending.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "services/audit/openai_client.h"
#include "tests/services/audit/memorising_endpoint.h"

namespace jangbu::services {
namespace {

TEST(Spending, CountsAtTheMostUntilItIsSettled) {
  Spending spending(
      {.max_tokens = 1'000, .max_won = 0, .prompt_won = 700, .completion_won = 2'100});
  auto first = spending.Reserve(400, 100);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(spending.tokens(), 500U);
  EXPECT_EQ(ReasonOf(spending.Reserve(401, 100).status()), "budget_spent");
  auto second = spending.Reserve(400, 100);
  ASSERT_TRUE(second.ok()) << "exactly the limit";
  first->Settle(120, 50);
  EXPECT_EQ(spending.tokens(), 670U);
  second->Release();
  EXPECT_EQ(spending.tokens(), 170U);
  EXPECT_EQ(spending.won(), 1U) << "120 × 700 + 50 × 2,100 millionths, rounded up";
  {
    const auto broke_off = spending.Reserve(80, 20);
    ASSERT_TRUE(broke_off.ok());
  }
  EXPECT_EQ(spending.tokens(), 270U) << "never settled: paid";
}

TEST(Spending, ALimitOfWonIsNotCrossedByRounding) {
  // A question of 1,000 and an answer of 500 tokens: 1,000 × 700 + 500 × 2,100 = 1.75 won.
  struct Case {
    uint64_t max_won;
    int questions;
  };
  for (const Case& c : {Case{1, 0}, Case{2, 1}, Case{3, 1}, Case{4, 2}, Case{7, 4}, Case{70, 40}}) {
    Spending spending({0, c.max_won, 700, 2'100});
    int asked = 0;
    while (asked < 1'000 && spending.Reserve(1'000, 500).ok()) ++asked;
    EXPECT_EQ(asked, c.questions) << c.max_won;
    EXPECT_LE(spending.won(), c.max_won);
  }
}

TEST(Spending, ManyAtOnceDoNotCrossIt) {
  Spending spending({10'000, 0, 0, 0});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 2'000; ++i) {
        auto hold = spending.Reserve(7, 3);
        EXPECT_LE(spending.tokens(), 10'000U);
        if (hold.ok() && i % 2 == 0) hold->Release();
      }
    });
  }
  for (std::thread& t : threads) t.join();
  EXPECT_LE(spending.tokens(), 10'000U);
}

// The endpoint does not say what an answer costs: then it is what it can have cost at most.
TEST(OpenAiClient, StaysBelowItsLimits) {
  testing::MemorisingEndpoint model({});
  for (const bool by_won : {false, true}) {
    OpenAiOptions options;
    options.url = model.url();
    options.model = "m";
    // 30 bytes and 64 of a template, and 50 of an answer.
    if (by_won) {
      options.limits = {0, 1, 1'000, 2'000};  // 0.194 won a question
    } else {
      options.limits.max_tokens = 500;
    }
    OpenAiClient client(options);
    audit::ModelRequest request;
    request.prompt = "가나다라마바사아자차";
    request.max_tokens = 50;
    int asked = 0;
    auto answer = client.Complete(request);
    for (; answer.ok(); answer = client.Complete(request)) ++asked;
    EXPECT_EQ(ReasonOf(answer.status()), "budget_spent");
    EXPECT_EQ(asked, by_won ? 5 : 3);
    EXPECT_EQ(client.tokens(), static_cast<uint64_t>(asked) * 144);
    EXPECT_EQ(client.won(), by_won ? 1U : 0U);
  }
}

}  // namespace
}  // namespace jangbu::services
