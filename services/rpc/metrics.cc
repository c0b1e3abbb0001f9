#include "services/rpc/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace jangbu::services::rpc {

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& calls =
      prometheus::BuildCounter()
          .Name("jangbu_rpc_calls_total")
          .Help("Calls that ended, by method and canonical code.")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& durations =
      prometheus::BuildHistogram()
          .Name("jangbu_rpc_duration_seconds")
          .Help("Time from a call's beginning to its end; streams last as long as they last.")
          .Register(registry);
  prometheus::Gauge& in_flight = prometheus::BuildGauge()
                                     .Name("jangbu_rpc_in_flight")
                                     .Help("Calls in progress.")
                                     .Register(registry)
                                     .Add({});
  prometheus::Counter& staged = prometheus::BuildCounter()
                                    .Name("jangbu_staged_bytes_total")
                                    .Help("Bytes of files made durable.")
                                    .Register(registry)
                                    .Add({});
  prometheus::Counter& fed = prometheus::BuildCounter()
                                 .Name("jangbu_feed_documents_total")
                                 .Help("Documents of feeds that got an answer.")
                                 .Register(registry)
                                 .Add({});
  prometheus::Family<prometheus::Counter>& http =
      prometheus::BuildCounter()
          .Name("jangbu_http_requests_total")
          .Help("Requests of the HTTP gateway, by kind and status.")
          .Register(registry);
  prometheus::Gauge& journal = prometheus::BuildGauge()
                                   .Name("jangbu_journal_entries")
                                   .Help("Entries of the journal.")
                                   .Register(registry)
                                   .Add({});
  prometheus::Gauge& failed =
      prometheus::BuildGauge()
          .Name("jangbu_failed")
          .Help("1 when the storage failed and the process must be restarted.")
          .Register(registry)
          .Add({});
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

void Metrics::CallBegan() { state_->in_flight.Increment(); }

void Metrics::CallEnded(std::string_view method, std::string_view code, double seconds) {
  state_->in_flight.Decrement();
  state_->calls.Add({{"method", std::string(method)}, {"code", std::string(code)}}).Increment();
  static const prometheus::Histogram::BucketBoundaries kBuckets = {
      0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600};
  state_->durations.Add({{"method", std::string(method)}}, kBuckets).Observe(seconds);
}

void Metrics::Staged(uint64_t bytes) { state_->staged.Increment(static_cast<double>(bytes)); }

void Metrics::FeedDocuments(uint64_t documents) {
  state_->fed.Increment(static_cast<double>(documents));
}

void Metrics::HttpServed(std::string_view kind, int status) {
  state_->http.Add({{"kind", std::string(kind)}, {"status", std::to_string(status)}}).Increment();
}

std::string Metrics::Render(const Gauges& gauges) {
  state_->journal.Set(static_cast<double>(gauges.journal_entries));
  state_->failed.Set(gauges.failed ? 1 : 0);
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace jangbu::services::rpc
