#include "services/audit/openai.h"

#include <gtest/gtest.h>

#include "services/audit/http.h"

namespace jangbu::services {
namespace {

TEST(OpenAi, ReadsTheShapesThatServersWrite) {
  struct Case {
    const char* why;
    const char* json;
    const char* text;
    const char* finish;
  };
  const Case cases[] = {
      {"a completion", R"({"choices":[{"text":"가","index":0,"finish_reason":"length"}]})", "가",
       "length"},
      {"a chat",
       R"({"choices":[{"message":{"role":"assistant","content":"나"},"finish_reason":"stop"}]})",
       "나", "stop"},
      {"a stream's piece", R"({"choices":[{"delta":{"content":"다"},"finish_reason":null}]})", "다",
       ""},
      {"the first piece of llama.cpp",
       R"({"choices":[{"delta":{"role":"assistant","content":null}}]})", "", ""},
      {"content in parts", R"({"choices":[{"message":{"content":[{"type":"text","text":"라"}]}}]})",
       "라", ""},
  };
  for (const Case& c : cases) {
    const auto reply = ParseReply(c.json);
    ASSERT_TRUE(reply.ok()) << c.why;
    EXPECT_EQ(reply->choices[0].text, c.text) << c.why;
    EXPECT_EQ(reply->choices[0].finish_reason, c.finish) << c.why;
  }
  EXPECT_EQ(ReasonOf(ParseReply("{\"error\":{\"message\":\"no\"}}").status()), "endpoint_error");
  for (const char* garbage : {"", "[]", "nope", "{}", "{\"choices\":1}", "{\"choices\":[1]}"}) {
    EXPECT_EQ(ReasonOf(ParseReply(garbage).status()), "endpoint_garbage") << garbage;
  }
}

TEST(OpenAi, ReadsBothShapesOfLogprobs) {
  const auto chat = ParseLogprobs(
      R"({"choices":[{"logprobs":{"content":[{"id":7,"token":"가","logprob":-0.5}]}}]})");
  ASSERT_TRUE(chat.ok());
  EXPECT_EQ((*chat)[0].id, 7);
  EXPECT_EQ(*(*chat)[0].logprob, -0.5);
  const auto old = ParseLogprobs(
      R"({"choices":[{"logprobs":{"tokens":["a","b"],"token_logprobs":[null,-1],"text_offset":[0,1]}}]})");
  ASSERT_TRUE(old.ok());
  EXPECT_FALSE((*old)[0].logprob.has_value());
  EXPECT_EQ((*old)[1].offset, 1);
  EXPECT_TRUE(ParseLogprobs(R"({"choices":[{"logprobs":null}]})")->empty());
}

TEST(OpenAi, TheUsersLastMessageIsTheUsers) {
  struct Case {
    const char* why;
    bool chat;
    const char* json;
    const char* user;  // null: refused
  };
  const Case cases[] = {
      {"a prompt", false, R"({"prompt":"가"})", "가"},
      {"a prompt in a list", false, R"({"prompt":["가"]})", "가"},
      {"two prompts", false, R"({"prompt":["가","나"]})", nullptr},
      {"token ids", false, R"({"prompt":[1,2]})", nullptr},
      {"the last of the user", true,
       R"({"messages":[{"role":"user","content":"가"},{"role":"assistant","content":"나"},{"role":"user","content":"다"}]})",
       "다"},
      {"never the system's", true, R"({"messages":[{"role":"system","content":"가"}]})", ""},
      {"parts", true, R"({"messages":[{"role":"user","content":[{"type":"text","text":"가"}]}]})",
       "가"},
      {"none", true, "{}", nullptr},
  };
  for (const Case& c : cases) {
    const auto ask = ParseAsk(c.json, c.chat);
    ASSERT_EQ(ask.ok(), c.user != nullptr) << c.why;
    if (ask.ok()) {
      EXPECT_EQ(ask->user_message, c.user) << c.why;
    }
  }
}

TEST(OpenAi, BodiesAreValidWhateverThePrompt) {
  audit::ModelRequest request;
  request.prompt = "따옴표 \" 줄\n\x01 \xFF 끝\\";
  request.system = "\"";
  for (const bool chat : {false, true}) {
    request.chat = chat;
    const auto ask = ParseAsk(CompletionBody(request, "m\"", true), chat);
    ASSERT_TRUE(ask.ok());
    EXPECT_TRUE(ask->stream);
    EXPECT_EQ(ask->user_message, "따옴표 \" 줄\n\x01 \uFFFD 끝\\");
  }
}

TEST(Sse, EventsWhateverThePieces) {
  const std::string stream =
      ": comment\r\ndata: one\r\n\r\nevent: x\ndata: two\ndata: lines\n\ndata:[DONE]\n\ndata: cut";
  for (size_t piece = 1; piece < 9; ++piece) {
    SseReader reader;
    std::vector<std::string> events;
    for (size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_TRUE(reader.Push(std::string_view(stream).substr(at, piece), [&](std::string_view e) {
        events.emplace_back(e);
        return true;
      }));
    }
    EXPECT_EQ(events, (std::vector<std::string>{"one", "two\nlines", "[DONE]"})) << piece;
  }
}

}  // namespace
}  // namespace jangbu::services
