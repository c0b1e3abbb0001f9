#include "services/audit/http.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

namespace jangbu::services {
namespace {

constexpr size_t kMaxEvent = size_t{16} << 20;

struct Transfer {
  HttpReply reply;
  const std::function<bool(std::string_view)>* sink = nullptr;
  CURL* curl = nullptr;
  size_t max_bytes = 0;
  bool stopped = false;
  bool too_large = false;
  bool began = false;
};

size_t OnBody(char* data, size_t, size_t n, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  long status = 0;
  curl_easy_getinfo(t.curl, CURLINFO_RESPONSE_CODE, &status);
  t.began = true;
  if (t.sink != nullptr && status == 200) {
    if (!(*t.sink)({data, n})) {
      t.stopped = true;
      return 0;
    }
    return n;
  }
  if (t.reply.body.size() + n > t.max_bytes) {
    t.too_large = true;
    return 0;
  }
  t.reply.body.append(data, n);
  return n;
}

struct Handle {
  CURL* curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

CURL* ThreadHandle() {
  static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  static_cast<void>(ready);
  thread_local Handle handle;
  curl_easy_reset(handle.curl);
  return handle.curl;
}

}  // namespace

StatusOr<HttpReply> Fetch(const std::string& url, const std::string* body,
                          const std::string& authorization, const HttpOptions& options,
                          const std::function<bool(std::string_view)>& sink) {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return InvalidArgument("bad_url", url + " is no http:// or https:// address");
  }
  Transfer transfer;
  transfer.curl = ThreadHandle();
  transfer.max_bytes = options.max_bytes;
  if (sink) transfer.sink = &sink;
  CURL* const curl = transfer.curl;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_ms));
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME,
                   static_cast<long>(std::max<int64_t>(1, options.idle_ms / 1000)));
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "jangbu");
  // No proxy of the environment sees prompts made of contributed text.
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  if (!options.ca_file.empty()) curl_easy_setopt(curl, CURLOPT_CAINFO, options.ca_file.c_str());
  curl_slist* raw = curl_slist_append(nullptr, "Content-Type: application/json");
  raw = curl_slist_append(raw, "Expect:");
  if (!authorization.empty()) {
    raw = curl_slist_append(raw, ("Authorization: " + authorization).c_str());
  }
  const std::unique_ptr<curl_slist, void (*)(curl_slist*)> headers(raw, curl_slist_free_all);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
  if (body != nullptr) {
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
  }
  const CURLcode code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  transfer.reply.status = static_cast<int>(status);
  curl_off_t retry = 0;
  curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry);
  transfer.reply.retry_after_s = retry;
  const char* type = nullptr;
  curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
  if (type != nullptr) transfer.reply.content_type = type;
  if (transfer.too_large) {
    return ResourceExhausted("reply_too_large", "the endpoint's reply is too large");
  }
  if (code != CURLE_OK && !transfer.stopped) {
    if (transfer.began) {
      return Unavailable(
          "stream_cut", std::string("the endpoint's reply broke off: ") + curl_easy_strerror(code));
    }
    return Unavailable("endpoint_unreachable", url + ": " + curl_easy_strerror(code));
  }
  return std::move(transfer.reply);
}

bool SseReader::Push(std::string_view bytes, const std::function<bool(std::string_view)>& event) {
  for (const char c : bytes) {
    if (c == '\r') continue;
    if (c != '\n') {
      if (line_.size() < kMaxEvent) line_.push_back(c);
      continue;
    }
    if (line_.empty()) {
      if (has_data_) {
        const std::string data = std::move(data_);
        data_.clear();
        has_data_ = false;
        if (!event(data)) return false;
      }
      continue;
    }
    const std::string_view line = line_;
    if (line.starts_with("data:")) {
      std::string_view value = line.substr(5);
      if (value.starts_with(" ")) value.remove_prefix(1);
      if (has_data_) data_.push_back('\n');
      data_.append(value);
      has_data_ = true;
    }
    line_.clear();
  }
  return true;
}

}  // namespace jangbu::services
