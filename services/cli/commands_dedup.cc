#include "services/cli/commands_dedup.h"

#include <grpcpp/grpcpp.h>

#include <string>
#include <vector>

#include "jangbu/v1/dedup.grpc.pb.h"
#include "services/cli/connection.h"
#include "services/cli/display.h"
#include "services/cli/json_writer.h"
#include "services/cli/message_json.h"
#include "services/cli/views.h"

namespace jangbu::services::cli {
namespace {

namespace v1 = jangbu::v1;
using Align = Table::Align;

#define JANGBU_MESSAGE(name, ko, en) \
  static_assert(sizeof(ko) > 1 && sizeof(en) > 1, "a message lacks a translation");
#include "services/cli/dedup_messages.def"
#undef JANGBU_MESSAGE

struct DedupEntry {
  std::string_view ko, en;
};
constexpr DedupEntry kDedupCatalogue[] = {
#define JANGBU_MESSAGE(name, ko, en) {ko, en},
#include "services/cli/dedup_messages.def"
#undef JANGBU_MESSAGE
};

std::string DedupWords(const Console& console, DedupMsg message,
                       std::initializer_list<std::string_view> args = {}) {
  return Fill(Text(console.lang, message), args);
}

// How far the walk is: one line that is written over on a terminal, a line every tenth elsewhere.
class WalkLine {
 public:
  explicit WalkLine(const Console& console) : console_(console) {}
  ~WalkLine() {
    if (open_) console_.err << "\r\x1b[K" << std::flush;
  }
  WalkLine(const WalkLine&) = delete;
  WalkLine& operator=(const WalkLine&) = delete;

  void Show(const v1::WalkProgress& progress) {
    if (console_.quiet || progress.documents_all() == 0) return;
    const uint64_t tenth = 10 * progress.documents() / progress.documents_all();
    if (!console_.err_is_terminal && tenth == tenth_) return;
    tenth_ = tenth;
    const std::string line = DedupWords(
        console_, DedupMsg::kWalked,
        {GroupedUnsigned(progress.documents()), GroupedUnsigned(progress.documents_all()),
         Percent(progress.documents(), progress.documents_all())});
    if (console_.err_is_terminal) {
      console_.err << '\r' << Shorten(line, console_.columns - 1) << "\x1b[K" << std::flush;
      open_ = true;
    } else {
      console_.err << line << '\n';
    }
  }

 private:
  const Console& console_;
  uint64_t tenth_ = 0;
  bool open_ = false;
};

// Reads a walk to its end; its last row holds the report.
template <typename Row, typename Begin>
Status Walk(Session& session, Begin&& begin, Row& last) {
  JANGBU_ASSIGN_OR_RETURN(Connection* const connection, session.Connect());
  const auto stub = v1::DedupService::NewStub(connection->channel());
  grpc::ClientContext context;
  connection->Prepare(context);  // it takes as long as it takes
  const auto stream = begin(*stub, context);
  WalkLine line(session.console());
  Row row;
  while (stream->Read(&row)) {
    if (row.has_report()) {
      last.Swap(&row);
    } else {
      line.Show(row.progress());
    }
  }
  JANGBU_RETURN_IF_ERROR(FromGrpc(stream->Finish()));
  if (!last.has_report()) return DataLoss("bad_answer", "the server's answer has no report");
  return OkStatus();
}

std::string TypeJson(const v1::DuplicatesOfType& type) {
  JsonObject json;
  if (type.source_type() != v1::SOURCE_TYPE_UNSPECIFIED)
    json.Add("source_type", SourceTypeName(type.source_type()));
  std::vector<std::string> steps;
  for (const v1::CoverageStep& step : type.coverage()) steps.push_back(MessageJson(step));
  return json.AddUnsigned("documents", type.documents())
      .AddUnsigned("code_points", type.code_points())
      .AddRaw("coverage", JsonArray(steps))
      .AddRaw("exact", MessageJson(type.exact()))
      .AddRaw("near", MessageJson(type.near()))
      .AddUnsigned("clusters", type.clusters())
      .AddUnsigned("clustered", type.clustered())
      .AddUnsigned("largest", type.largest())
      .Take();
}

std::string ReportJson(const v1::DuplicatesReport& report) {
  std::vector<std::string> types;
  for (const v1::DuplicatesOfType& type : report.types()) types.push_back(TypeJson(type));
  std::vector<std::string> sizes;
  for (const v1::ClusterSize& size : report.sizes()) sizes.push_back(MessageJson(size));
  std::vector<std::string> largest;
  for (const v1::Cluster& cluster : report.largest()) {
    largest.push_back(JsonObject()
                          .Add("first", cluster.first())
                          .AddUnsigned("documents", cluster.documents())
                          .Add("source_type", SourceTypeName(cluster.source_type()))
                          .Take());
  }
  return JsonObject()
      .AddRaw("all", TypeJson(report.all()))
      .AddRaw("types", JsonArray(types))
      .AddRaw("sizes", JsonArray(sizes))
      .AddRaw("largest", JsonArray(largest))
      .AddUnsigned("unreadable", report.unreadable())
      .Take();
}

void ShowReport(const Console& console, const v1::DuplicatesReport& report) {
  const auto left = [&](auto title) { return Table::Column{console.Words(title), Align::kLeft}; };
  const auto right = [](std::string title) {
    return Table::Column{std::move(title), Align::kRight};
  };
  const auto own = [&](DedupMsg title) { return right(DedupWords(console, title)); };
  // A row of each type, then one of all.
  const auto for_each = [&](Table& table, auto&& add) {
    for (const v1::DuplicatesOfType& type : report.types())
      add(SourceTypeWords(console.lang, type.source_type()), type);
    if (report.types_size() > 1) {
      table.Rule();
      add(DedupWords(console, DedupMsg::kAll), report.all());
    }
  };

  Table types({left(Msg::kColType), right(console.Words(Msg::kColDocuments)),
               right(console.Words(Msg::kColChars)), own(DedupMsg::kColExact),
               own(DedupMsg::kColNear), own(DedupMsg::kColClusters), own(DedupMsg::kColClustered),
               own(DedupMsg::kColLargest)});
  for_each(types, [&](const std::string& name, const v1::DuplicatesOfType& type) {
    types.Row({name, GroupedUnsigned(type.documents()), GroupedUnsigned(type.code_points()),
               GroupedUnsigned(type.exact().pairs()), GroupedUnsigned(type.near().pairs()),
               GroupedUnsigned(type.clusters()), GroupedUnsigned(type.clustered()),
               GroupedUnsigned(type.largest())});
  });
  console.out << types.Render() << '\n';

  std::vector<Table::Column> steps = {left(Msg::kColType)};
  for (int percent = 10; percent <= 100; percent += 10)
    steps.push_back(right("≥ " + std::to_string(percent) + " %"));
  Table coverage(std::move(steps));
  for_each(coverage, [&](const std::string& name, const v1::DuplicatesOfType& type) {
    std::vector<std::string> cells = {name};
    for (int i = 1; i <= 10; ++i) {
      cells.push_back(i < type.coverage_size()
                          ? Percent(type.coverage(i).code_points(), type.code_points(), 1)
                          : "-");
    }
    coverage.Row(std::move(cells));
  });
  console.out << DedupWords(console, DedupMsg::kTitleCoverage) << '\n' << coverage.Render() << '\n';

  Table pairs({left(Msg::kColType),
               {DedupWords(console, DedupMsg::kColKind)},
               own(DedupMsg::kColPairs),
               own(DedupMsg::kColByWords),
               own(DedupMsg::kColByCharacters)});
  for_each(pairs, [&](const std::string& name, const v1::DuplicatesOfType& type) {
    for (const bool exact : {true, false}) {
      const v1::PairTally& tally = exact ? type.exact() : type.near();
      pairs.Row({name, DedupWords(console, exact ? DedupMsg::kColExact : DedupMsg::kColNear),
                 GroupedUnsigned(tally.pairs()), Percent(tally.by_words(), tally.pairs(), 1),
                 Percent(tally.by_characters(), tally.pairs(), 1)});
    }
  });
  console.out << DedupWords(console, DedupMsg::kTitlePairs) << '\n' << pairs.Render();

  if (report.sizes_size() > 0) {
    Table sizes({right(console.Words(Msg::kColDocuments)), own(DedupMsg::kColClusters)});
    for (const v1::ClusterSize& size : report.sizes())
      sizes.Row({GroupedUnsigned(size.documents()), GroupedUnsigned(size.clusters())});
    console.out << '\n' << DedupWords(console, DedupMsg::kTitleSizes) << '\n' << sizes.Render();
    Table largest(
        {right(console.Words(Msg::kColDocuments)), {DedupWords(console, DedupMsg::kColFirst)}});
    for (const v1::Cluster& cluster : report.largest())
      largest.Row({GroupedUnsigned(cluster.documents()), ForTerminal(cluster.first())});
    console.out << '\n' << DedupWords(console, DedupMsg::kTitleLargest) << '\n' << largest.Render();
  }
  if (report.unreadable() > 0 && !console.quiet) {
    console.err << DedupWords(console, DedupMsg::kUnreadable,
                              {GroupedUnsigned(report.unreadable())})
                << '\n';
  }
}

}  // namespace

std::string_view Text(Lang lang, DedupMsg message) {
  const DedupEntry& entry = kDedupCatalogue[static_cast<size_t>(message)];
  return lang == Lang::kKo ? entry.ko : entry.en;
}

ExitCode DedupReport(Session& session) {
  const Console& console = session.console();
  v1::ReportDuplicatesResponse row;
  const Status walked = Walk(
      session,
      [](v1::DedupService::Stub& stub, grpc::ClientContext& context) {
        return stub.ReportDuplicates(&context, v1::ReportDuplicatesRequest());
      },
      row);
  if (!walked.ok()) return console.Fail(walked);
  if (console.json) {
    console.out << ReportJson(row.report()) << '\n';
  } else {
    ShowReport(console, row.report());
  }
  return ExitCode::kOk;
}

ExitCode DedupShadow(Session& session, const DedupShadowParams& params) {
  const Console& console = session.console();
  v1::ShadowRuleRequest request;
  request.set_min_run(params.min_run);
  request.set_near_ppm(params.near_ppm);
  request.set_novel_ppm(params.novel_ppm);
  v1::ShadowRuleResponse row;
  const Status walked = Walk(
      session,
      [&](v1::DedupService::Stub& stub, grpc::ClientContext& context) {
        return stub.ShadowRule(&context, request);
      },
      row);
  if (!walked.ok()) return console.Fail(walked);
  const v1::ShadowReport& report = row.report();
  if (console.json) {
    console.out << MessageJson(report) << '\n';
    return ExitCode::kOk;
  }
  const auto right = [&](Msg title) { return Table::Column{console.Words(title), Align::kRight}; };
  const auto own = [&](DedupMsg title) {
    return Table::Column{DedupWords(console, title), Align::kRight};
  };
  Table table({{console.Words(Msg::kColPartner)},
               right(Msg::kColDocuments),
               right(Msg::kFieldChanged),
               right(Msg::kFieldTokensBefore),
               right(Msg::kFieldAfter),
               right(Msg::kFieldDifferenceOf),
               right(Msg::kFieldWordsBefore),
               right(Msg::kFieldAfter),
               right(Msg::kFieldDifferenceOf),
               own(DedupMsg::kColNearBefore),
               own(DedupMsg::kColNearAfter)});
  for (const v1::ShadowLine& line : report.lines()) {
    table.Row({ForTerminal(line.partner_id()), GroupedUnsigned(line.documents()),
               GroupedUnsigned(line.changed()), Grouped(line.korean_tokens_before()),
               Grouped(line.korean_tokens_after()),
               Grouped(line.korean_tokens_after() - line.korean_tokens_before()),
               Grouped(line.korean_words_before()), Grouped(line.korean_words_after()),
               Grouped(line.korean_words_after() - line.korean_words_before()),
               GroupedUnsigned(line.near_before()), GroupedUnsigned(line.near_after())});
  }
  console.out << DedupWords(
                     console, DedupMsg::kTried,
                     {std::to_string(report.min_run()), Percent(report.near_ppm(), 1'000'000, 1),
                      Percent(report.novel_ppm(), 1'000'000, 1)})
              << '\n'
              << table.Render();
  if (!console.quiet) console.err << DedupWords(console, DedupMsg::kShadowOnly) << '\n';
  return ExitCode::kOk;
}

}  // namespace jangbu::services::cli
