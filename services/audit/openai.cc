#include "services/audit/openai.h"

#include <simdjson.h>

#include <cstdio>

#include "ingest/text/utf8.h"

namespace jangbu::services {
namespace {

namespace dom = simdjson::dom;

constexpr size_t kMaxDepth = 64;

Status Garbage(std::string_view why) {
  return Unavailable("endpoint_garbage",
                     std::string("the endpoint's reply is ") + std::string(why));
}

// Parses into `parser`; the result lives as long.
StatusOr<dom::element> Parse(dom::parser& parser, std::string_view json) {
  dom::element root;
  if (parser.allocate(json.size() + 64, kMaxDepth) != simdjson::SUCCESS ||
      parser.parse(json.data(), json.size()).get(root) != simdjson::SUCCESS) {
    return Garbage("no JSON");
  }
  return root;
}

std::string TextAt(const dom::element& object, std::string_view key) {
  std::string_view text;
  if (object[key].get(text) != simdjson::SUCCESS) return {};
  return std::string(text);
}

uint32_t NumberAt(const dom::element& object, std::string_view key) {
  uint64_t n = 0;
  if (object[key].get(n) != simdjson::SUCCESS) return 0;
  return static_cast<uint32_t>(std::min<uint64_t>(n, UINT32_MAX));
}

// Text of a message: a string, or parts of type text.
std::string ContentOf(const dom::element& content) {
  std::string_view text;
  if (content.get(text) == simdjson::SUCCESS) return std::string(text);
  std::string out;
  dom::array parts;
  if (content.get(parts) != simdjson::SUCCESS) return out;
  for (const dom::element part : parts) {
    if (TextAt(part, "type") == "text" || TextAt(part, "type") == "input_text") {
      out += TextAt(part, "text");
    }
  }
  return out;
}

}  // namespace

std::string JsonQuoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const size_t good = ingest::ValidUtf8Prefix(text);
    for (const char c : text.substr(0, good)) {
      const auto u = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out += '\\';
        out += c;
      } else if (u < 0x20) {
        char buffer[8];
        std::snprintf(buffer, sizeof(buffer), "\\u%04x", u);
        out += buffer;
      } else {
        out += c;
      }
    }
    text.remove_prefix(good);
    if (!text.empty()) {
      out += "\xEF\xBF\xBD";
      text.remove_prefix(1);
    }
  }
  return out + "\"";
}

std::string CompletionBody(const audit::ModelRequest& request, std::string_view model,
                           bool stream) {
  std::string out = "{\"model\":" + JsonQuoted(model);
  if (request.chat) {
    out += ",\"messages\":[";
    if (!request.system.empty()) {
      out += "{\"role\":\"system\",\"content\":" + JsonQuoted(request.system) + "},";
    }
    out += "{\"role\":\"user\",\"content\":" + JsonQuoted(request.prompt) + "}]";
  } else {
    out += ",\"prompt\":" + JsonQuoted(request.prompt);
  }
  char numbers[160];
  std::snprintf(numbers, sizeof(numbers), ",\"max_tokens\":%u,\"temperature\":%g,\"seed\":%llu",
                request.max_tokens, request.temperature,
                static_cast<unsigned long long>(request.seed));
  out += numbers;
  // Unmodified sampling: endpoints that know these take them, others ignore them.
  if (request.temperature > 0) out += ",\"top_p\":1,\"top_k\":0,\"min_p\":0";
  if (stream) out += ",\"stream\":true";
  return out + "}";
}

StatusOr<OpenAiReply> ParseReply(std::string_view json) {
  dom::parser parser;
  JANGBU_ASSIGN_OR_RETURN(const dom::element root, Parse(parser, json));
  if (!root.is_object()) return Garbage("no object");
  dom::element error;
  if (root["error"].get(error) == simdjson::SUCCESS && !error.is_null()) {
    return Unavailable("endpoint_error", "the endpoint says: " + ErrorMessage(json));
  }
  OpenAiReply reply;
  reply.id = TextAt(root, "id");
  reply.model = TextAt(root, "model");
  reply.created = static_cast<int64_t>(NumberAt(root, "created"));
  dom::element usage;
  if (root["usage"].get(usage) == simdjson::SUCCESS && usage.is_object()) {
    reply.prompt_tokens = NumberAt(usage, "prompt_tokens");
    reply.completion_tokens = NumberAt(usage, "completion_tokens");
  }
  dom::array choices;
  if (root["choices"].get(choices) != simdjson::SUCCESS) return Garbage("without choices");
  for (const dom::element choice : choices) {
    if (!choice.is_object()) return Garbage("with a choice that is none");
    OpenAiChoice out;
    out.index = NumberAt(choice, "index");
    out.finish_reason = TextAt(choice, "finish_reason");
    dom::element part;
    if (choice["text"].get(part) == simdjson::SUCCESS) {
      out.text = TextAt(choice, "text");
    } else if (choice["message"].get(part) == simdjson::SUCCESS ||
               choice["delta"].get(part) == simdjson::SUCCESS) {
      dom::element content;
      if (part.is_object() && part["content"].get(content) == simdjson::SUCCESS) {
        out.text = ContentOf(content);
      }
    }
    reply.choices.push_back(std::move(out));
  }
  return reply;
}

StatusOr<std::vector<TokenLogprob>> ParseLogprobs(std::string_view json) {
  dom::parser parser;
  JANGBU_ASSIGN_OR_RETURN(const dom::element root, Parse(parser, json));
  std::vector<TokenLogprob> out;
  dom::element logprobs;
  if (root["choices"].at(0)["logprobs"].get(logprobs) != simdjson::SUCCESS ||
      !logprobs.is_object()) {
    return out;
  }
  dom::array rows;
  if (logprobs["content"].get(rows) == simdjson::SUCCESS) {
    for (const dom::element row : rows) {
      TokenLogprob t;
      int64_t id = 0;
      double p = 0;
      if (row["id"].get(id) == simdjson::SUCCESS) t.id = id;
      if (row["logprob"].get(p) == simdjson::SUCCESS) t.logprob = p;
      out.push_back(t);
    }
    return out;
  }
  if (logprobs["token_logprobs"].get(rows) != simdjson::SUCCESS) return out;
  for (const dom::element row : rows) {
    TokenLogprob t;
    double p = 0;
    if (row.get(p) == simdjson::SUCCESS) t.logprob = p;
    out.push_back(t);
  }
  dom::array offsets;
  if (logprobs["text_offset"].get(offsets) == simdjson::SUCCESS) {
    size_t i = 0;
    for (const dom::element offset : offsets) {
      int64_t at = 0;
      if (i < out.size() && offset.get(at) == simdjson::SUCCESS) out[i].offset = at;
      ++i;
    }
  }
  return out;
}

StatusOr<std::vector<int64_t>> ParseTokens(std::string_view json) {
  dom::parser parser;
  JANGBU_ASSIGN_OR_RETURN(const dom::element root, Parse(parser, json));
  dom::array tokens;
  if (root["tokens"].get(tokens) != simdjson::SUCCESS) return Garbage("without tokens");
  std::vector<int64_t> out;
  for (const dom::element token : tokens) {
    int64_t id = 0;
    if (token.get(id) != simdjson::SUCCESS && token["id"].get(id) != simdjson::SUCCESS) {
      return Garbage("with a token that is no number");
    }
    out.push_back(id);
  }
  return out;
}

StatusOr<std::vector<std::string>> ParseModels(std::string_view json) {
  dom::parser parser;
  JANGBU_ASSIGN_OR_RETURN(const dom::element root, Parse(parser, json));
  dom::array models;
  std::vector<std::string> out;
  if (root["data"].get(models) != simdjson::SUCCESS) return out;
  for (const dom::element model : models) out.push_back(TextAt(model, "id"));
  return out;
}

std::string ErrorMessage(std::string_view body) {
  dom::parser parser;
  const auto root = Parse(parser, body);
  std::string text;
  if (root.ok()) {
    dom::element error;
    if ((*root)["error"].get(error) == simdjson::SUCCESS) {
      text = error.is_object() ? TextAt(error, "message") : ContentOf(error);
    }
  }
  if (text.empty()) text = std::string(body.substr(0, 300));
  if (text.size() > 300) text.resize(300);
  while (!ingest::IsValidUtf8(text)) text.pop_back();
  return text;
}

StatusOr<OpenAiAsk> ParseAsk(std::string_view json, bool chat) {
  dom::parser parser;
  const auto bad = [](std::string_view why) {
    return InvalidArgument("bad_request", std::string("the request ") + std::string(why));
  };
  const auto root = Parse(parser, json);
  if (!root.ok() || !root->is_object()) return bad("is no JSON object");
  OpenAiAsk ask;
  ask.chat = chat;
  ask.model = TextAt(*root, "model");
  bool stream = false;
  if ((*root)["stream"].get(stream) == simdjson::SUCCESS) ask.stream = stream;
  if (!chat) {
    dom::element prompt;
    if ((*root)["prompt"].get(prompt) != simdjson::SUCCESS) return bad("has no prompt");
    std::string_view text;
    if (prompt.get(text) == simdjson::SUCCESS) {
      ask.user_message = text;
      return ask;
    }
    dom::array prompts;
    if (prompt.get(prompts) == simdjson::SUCCESS && prompts.size() == 1 &&
        prompts.at(0).get(text) == simdjson::SUCCESS) {
      ask.user_message = text;
      return ask;
    }
    return bad("must have one prompt, as text");
  }
  dom::array messages;
  if ((*root)["messages"].get(messages) != simdjson::SUCCESS) return bad("has no messages");
  for (const dom::element message : messages) {
    dom::element content;
    if (TextAt(message, "role") == "user" && message["content"].get(content) == simdjson::SUCCESS) {
      ask.user_message = ContentOf(content);
    }
  }
  return ask;
}

}  // namespace jangbu::services
