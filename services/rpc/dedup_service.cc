#include <grpcpp/grpcpp.h>

#include <memory>
#include <utility>

#include "jangbu/v1/dedup.grpc.pb.h"
#include "services/flow/duplicates.h"
#include "services/rpc/services.h"
#include "services/wire/convert.h"

namespace jangbu::services::rpc {
namespace {

namespace v1 = ::jangbu::v1;

void Encode(const DuplicatesOfType& type, v1::DuplicatesOfType& out) {
  const auto tally = [](const PairTally& from, v1::PairTally& to) {
    to.set_pairs(from.pairs);
    to.set_by_words(from.by_words);
    to.set_by_characters(from.by_characters);
  };
  out.set_documents(type.documents);
  out.set_code_points(type.code_points);
  for (uint32_t i = 0; i < type.coverage.size(); ++i) {
    v1::CoverageStep& step = *out.add_coverage();
    step.set_percent(10 * i);
    step.set_documents(type.coverage[i].documents);
    step.set_code_points(type.coverage[i].code_points);
  }
  tally(type.exact, *out.mutable_exact());
  tally(type.near, *out.mutable_near());
  out.set_clusters(type.clusters);
  out.set_clustered(type.clustered);
  out.set_largest(type.largest);
}

void Encode(const DuplicatesReport& report, v1::DuplicatesReport& out) {
  Encode(report.types[0], *out.mutable_all());
  for (size_t i = 1; i < report.types.size(); ++i) {
    if (report.types[i].documents == 0) continue;
    v1::DuplicatesOfType& type = *out.add_types();
    type.set_source_type(wire::ToWire(static_cast<ledger::SourceType>(i)));
    Encode(report.types[i], type);
  }
  for (const auto& [documents, clusters] : report.sizes) {
    v1::ClusterSize& size = *out.add_sizes();
    size.set_documents(documents);
    size.set_clusters(clusters);
  }
  for (const DuplicatesReport::Cluster& cluster : report.largest) {
    v1::Cluster& one = *out.add_largest();
    one.set_first(cluster.first);
    one.set_documents(cluster.documents);
    one.set_source_type(wire::ToWire(cluster.type));
  }
  out.set_unreadable(report.unreadable);
}

class DedupServiceImpl final : public v1::DedupService::Service {
 public:
  explicit DedupServiceImpl(FrontDoor& door) : door_(door) {}

  grpc::Status ReportDuplicates(grpc::ServerContext* context,
                                const v1::ReportDuplicatesRequest* request,
                                grpc::ServerWriter<v1::ReportDuplicatesResponse>* writer) override {
    return door_.Serve(*context, "jangbu.v1.DedupService/ReportDuplicates",
                       [&](Call& call) -> Status {
                         JANGBU_RETURN_IF_ERROR(call.Admit(*request));
                         const auto report = door_.jangbu().duplicates().Report(
                             ProgressTo<v1::ReportDuplicatesResponse>(call, *writer));
                         if (!report.ok()) return call.Over() ? call.WhyGone() : report.status();
                         v1::ReportDuplicatesResponse row;
                         Encode(*report, *row.mutable_report());
                         return writer->Write(row) ? OkStatus() : call.WhyGone();
                       });
  }

  grpc::Status ShadowRule(grpc::ServerContext* context, const v1::ShadowRuleRequest* request,
                          grpc::ServerWriter<v1::ShadowRuleResponse>* writer) override {
    return door_.Serve(*context, "jangbu.v1.DedupService/ShadowRule", [&](Call& call) -> Status {
      JANGBU_RETURN_IF_ERROR(call.Admit(*request));
      // What is not named stays as it is.
      ledger::NoveltyRule rule;
      door_.jangbu().ReadBooks(
          [&](const ledger::Books& books) { rule = books.novelty_rules().back().second; });
      if (request->min_run() != 0) rule.min_run = request->min_run();
      if (request->near_ppm() != 0) rule.near_ppm = request->near_ppm();
      if (request->novel_ppm() != 0) rule.novel_ppm = request->novel_ppm();
      const auto lines = door_.jangbu().duplicates().Shadow(
          rule, ProgressTo<v1::ShadowRuleResponse>(call, *writer));
      if (!lines.ok()) return call.Over() ? call.WhyGone() : lines.status();
      v1::ShadowRuleResponse row;
      v1::ShadowReport& report = *row.mutable_report();
      report.set_min_run(rule.min_run);
      report.set_near_ppm(rule.near_ppm);
      report.set_novel_ppm(rule.novel_ppm);
      for (const ShadowLine& line : *lines) {
        v1::ShadowLine& out = *report.add_lines();
        out.set_partner_id(line.partner);
        out.set_documents(line.documents);
        out.set_changed(line.changed);
        out.set_korean_tokens_before(line.korean_tokens_before);
        out.set_korean_tokens_after(line.korean_tokens_after);
        out.set_korean_words_before(line.korean_words_before);
        out.set_korean_words_after(line.korean_words_after);
        out.set_near_before(line.near_before);
        out.set_near_after(line.near_after);
      }
      return writer->Write(row) ? OkStatus() : call.WhyGone();
    });
  }

 private:
  // A row for each step of a walk; ends it when nobody listens any more.
  template <typename Row>
  static Duplicates::Progress ProgressTo(Call& call, grpc::ServerWriter<Row>& writer) {
    return [&call, &writer](uint64_t done, uint64_t all) {
      Row row;
      row.mutable_progress()->set_documents(done);
      row.mutable_progress()->set_documents_all(all);
      return !call.Over() && writer.Write(row);
    };
  }

  FrontDoor& door_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeDedupService(FrontDoor& door) {
  return std::make_unique<DedupServiceImpl>(door);
}

}  // namespace jangbu::services::rpc
