// The whole way: files in, verdict and dossier out.

#include "audit/provenance/examination.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "audit/provenance/dossier.h"
#include "audit/provenance/random.h"
#include "base/bytes.h"
#include "tests/audit/provenance/toy_model.h"

namespace jangbu::audit {
namespace {

// One family of models on disk, written once.
class Verdicts : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    start_ = Start({}, 1);
    a_ = Trained(start_, 11);
    b_ = Trained(Start({}, 2), 12);
    paths_["a"] = WriteModel(a_, "a");
    paths_["b"] = WriteModel(b_, "b");
    paths_["c"] = WriteModel(Trained(Start({}, 3), 13), "c");
    paths_["d"] = WriteModel(Trained(Start({}, 4), 14), "d");
    paths_["start"] = WriteModel(start_, "start");
  }
  static Examination ExamineOf(Request request, unsigned threads = 2) {
    Running running;
    running.threads = threads;
    auto examination = Examine(request, running);
    EXPECT_TRUE(examination.ok()) << examination.status();
    return *std::move(examination);
  }
  static Request With(const std::string& subject, bool controls = true) {
    Request request;
    request.subject = subject;
    request.reference = paths_["a"];
    if (controls) request.independents = {paths_["c"], paths_["d"]};
    return request;
  }
  static Answer AnswerTo(const ToyModel& subject, const std::string& name,
                         const Encoding& encoding = {}) {
    return ExamineOf(With(WriteModel(subject, name, encoding))).verdict.answer;
  }

  static inline ToyModel start_, a_, b_;
  static inline std::map<std::string, std::string> paths_;
};

TEST_F(Verdicts, KnownDescent) {
  EXPECT_EQ(ExamineOf(With(paths_["b"])).verdict.answer, Answer::kIndependent);
  EXPECT_EQ(AnswerTo(FineTuned(a_, 5), "ft"), Answer::kDerived);
  EXPECT_EQ(AnswerTo(Noisy(Reordered(Rotated(a_, 5), 6), 7, 0.02), "hidden"), Answer::kDerived);
}

TEST_F(Verdicts, TransformationsAreNeverCalledIndependent) {
  const struct {
    const char* how;
    ToyModel model;
  } kRows[] = {
      {"rotation", Rotated(a_, 5)},
      {"upscaling", Upscaled(a_, 2)},
      {"pruning", Pruned(a_, 0.3)},
      {"noise", Noisy(a_, 5, 0.05)},
      {"embeddings", WithNewEmbeddings(a_, 5)},
      {"average", Average(a_, b_)},
      {"average_little", Average(a_, b_, 0.25)},
      {"heads", Reordered(a_, 5)},
      {"long", FineTuned(a_, 5, 1.0)},
      {"rotation_embeddings", WithNewEmbeddings(Rotated(a_, 5), 6)},
  };
  for (const auto& row : kRows) {
    const Answer answer = AnswerTo(row.model, std::string("t_") + row.how);
    EXPECT_NE(answer, Answer::kIndependent) << row.how;
    std::printf("%-20s %s\n", row.how, std::string(NameOf(answer)).c_str());
  }
}

TEST_F(Verdicts, NoneWithoutControls) {
  for (const char* subject : {"b", "c"}) {
    const Examination e = ExamineOf(With(paths_[subject], false));
    EXPECT_EQ(e.verdict.answer, Answer::kInconclusive);
    EXPECT_EQ(e.verdict.grounds[0].code, "controls_missing");
  }
  Request one = With(WriteModel(FineTuned(a_, 5), "ft1"), false);
  one.independents = {paths_["c"]};
  EXPECT_EQ(ExamineOf(one).verdict.grounds[0].code, "controls_missing");
  // The same model twice is one control.
  one.independents = {paths_["c"], paths_["c"]};
  EXPECT_EQ(ExamineOf(one).verdict.grounds[0].code, "controls_missing");
  // Declared pairs serve too.
  one.independents = {};
  one.null_pairs = {{paths_["b"], paths_["c"]}, {paths_["b"], paths_["d"]}};
  EXPECT_EQ(ExamineOf(one).verdict.answer, Answer::kDerived);
}

TEST_F(Verdicts, AWrongControlIsNoticed) {
  Request request = With(paths_["b"], false);
  request.independents = {paths_["c"], WriteModel(FineTuned(a_, 9), "ft9")};
  const Examination e = ExamineOf(request);
  EXPECT_EQ(e.verdict.answer, Answer::kInconclusive);
  EXPECT_EQ(e.verdict.grounds[0].code, "control_contaminated");
}

TEST_F(Verdicts, OrderShardsAndTypesDoNotMatter) {
  const ToyModel tuned = FineTuned(a_, 5);
  for (const Encoding& encoding :
       {Encoding{.dtype = DType::kF16, .shards = 1, .reversed = true},
        Encoding{.dtype = DType::kF32, .shards = 3, .reversed = false},
        Encoding{.dtype = DType::kBF16, .shards = 3, .reversed = true}}) {
    EXPECT_EQ(AnswerTo(tuned, "ft_enc", encoding), Answer::kDerived);
    EXPECT_EQ(AnswerTo(b_, "b_enc", encoding), Answer::kIndependent);
  }
}

TEST_F(Verdicts, ACommonStartIsTakenOut) {
  // Two runs from one start, alike because of it.
  Request request = With(WriteModel(Trained(start_, 21, 0.8), "sibling"));
  const Examination blind = ExamineOf(request);
  EXPECT_NE(blind.verdict.answer, Answer::kIndependent);
  EXPECT_GT(blind.likeness.neurons.effect, 0.2);
  request.start = paths_["start"];
  const Examination known = ExamineOf(request);
  EXPECT_TRUE(known.start_refused.empty()) << known.start_refused;
  EXPECT_LT(std::abs(known.partial_neurons), 0.1);
  EXPECT_EQ(known.verdict.answer, Answer::kIndependent);
  // Trained so little that they are as alike as copies: still no descent, start known or not.
  request.reference = WriteModel(Trained(start_, 22, 0.3), "young_r");
  request.subject = WriteModel(Trained(start_, 23, 0.3), "young_s");
  request.start = "";
  const Examination young = ExamineOf(request);
  EXPECT_GE(young.likeness.neurons.effect, young.verdict.neurons.derived_from);
  EXPECT_EQ(young.verdict.answer, Answer::kInconclusive);
  EXPECT_EQ(young.verdict.grounds[0].code, "start_likely");
  request.start = paths_["start"];
  EXPECT_NE(ExamineOf(request).verdict.answer, Answer::kDerived);
  request.reference = paths_["a"];
  // It does not hide descent, …
  request.subject = WriteModel(FineTuned(a_, 5), "ft_start");
  EXPECT_EQ(ExamineOf(request).verdict.answer, Answer::kDerived);
  // … and trained weights do not pass for a start.
  request.start = paths_["c"];
  EXPECT_EQ(ExamineOf(request).start_refused, "start_is_trained");
  request.start = paths_["a"];
  EXPECT_EQ(ExamineOf(request).start_refused, "start_is_of_the_pair");
}

// Gains with a cosine of 0.989 and a Pearson correlation near 0 over unrelated weights.
TEST_F(Verdicts, AlikeGainsAreNotDescent) {
  ToyModel subject = b_, reference = a_;
  uint64_t seed = 1;
  for (ToyModel* model : {&subject, &reference}) {
    Prng prng(seed++);
    for (auto& [name, m] : model->tensors) {
      if (m.columns != 0) continue;
      for (float& g : m.values) g = static_cast<float>(1 + 0.105 * prng.Normal());
    }
  }
  Request request = With(WriteModel(subject, "dispute_s"));
  request.reference = WriteModel(reference, "dispute_r");
  const Examination e = ExamineOf(request);
  EXPECT_NEAR(e.gains_cosine, 0.989, 0.002);
  EXPECT_LT(std::abs(e.gains_pearson), 0.1);
  EXPECT_EQ(e.verdict.answer, Answer::kIndependent);
  const std::string html = DossierHtml(e, DossierLang::kEn, "", "");
  EXPECT_NE(html.find("cosine when shuffled"), std::string::npos);
  EXPECT_NE(html.find("never count as a ground"), std::string::npos);
  // Copied gains over unrelated weights: not descent, and not "independent" either.
  for (auto& [name, m] : subject.tensors) {
    if (m.columns == 0) m = reference.tensors.at(name);
  }
  request.subject = WriteModel(subject, "dispute_copy");
  const Examination copied = ExamineOf(request);
  EXPECT_EQ(copied.verdict.answer, Answer::kInconclusive);
  EXPECT_EQ(copied.verdict.grounds[0].code, "gains_alike");
}

TEST_F(Verdicts, PartsTakenOverAreNamed) {
  ToyModel subject = b_;
  for (auto& [name, m] : subject.tensors) {
    if (name.starts_with("model.layers.2.")) m = a_.tensors.at(name);
  }
  const Examination e = ExamineOf(With(WriteModel(subject, "part")));
  EXPECT_EQ(e.verdict.answer, Answer::kDerived);
  EXPECT_EQ(e.verdict.grounds[0].code, "layers_match");
  EXPECT_EQ(e.verdict.shared_layers, std::vector<uint32_t>{2});
}

TEST_F(Verdicts, AMixtureIsExplainedByItsParents) {
  Request request = With(WriteModel(Average(a_, b_), "mix"));
  request.also = {paths_["b"]};
  const Examination e = ExamineOf(request);
  ASSERT_EQ(e.mixtures.size(), 1u);
  EXPECT_GT(e.mixtures[0].explained, 0.95);
  EXPECT_LT(e.mixtures[0].explained_reference, 0.75);
  request.also = {paths_["c"]};
  EXPECT_LT(ExamineOf(request).mixtures[0].explained, 0.75);
}

TEST_F(Verdicts, CheckpointsAndLogs) {
  Request request = With(paths_["a"], false);
  request.reference = paths_["b"];
  ToyModel half = Average(start_, a_);
  request.checkpoints = {paths_["start"], WriteModel(half, "half")};
  const std::string log = testing::TempDir() + "jangbu_provenance_log.csv";
  std::ofstream out(log);
  out << "step,loss\n";
  for (int i = 0; i < 100; ++i)
    out << i << ',' << std::log(256.0) - 3 + 3 * std::exp(-i / 15.0) << '\n';
  out.close();
  request.logs = {log};
  const Examination e = ExamineOf(request);
  ASSERT_GE(e.findings.size(), 2u);
  EXPECT_EQ(e.findings[0].code, "first_checkpoint_untrained");
  EXPECT_EQ(e.findings[1].code, "checkpoints_explain_each_other");
  ASSERT_EQ(e.logs.size(), 1u);
  EXPECT_EQ(e.logs[0].figures.findings[0].code, "loss_starts_high");
}

TEST_F(Verdicts, WhatIsDeclaredStandsBesideTheBooks) {
  const auto write = [](const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + "jangbu_provenance_" + name;
    std::ofstream(path) << text;
    return path;
  };
  Request request = With(paths_["b"], false);
  request.manifest =
      write("manifest.json", R"({"model":"m","from_scratch":true,"data":[)"
                             R"({"kind":"upload","id":"saebit/u1","licence":"MIT","words":7},)"
                             R"({"kind":"upload","id":"hani/u9","words":1}]})");
  Lineage books{.log = "log.example",
                .uploads = {{.id = "saebit/u1",
                             .licence = "MIT",
                             .state = "done",
                             .documents = 2,
                             .accepted = 1,
                             .words = 7,
                             .tokens = 9,
                             .receipt = "r"}},
                .not_declared = {}};
  request.lineage = write("lineage.json", EncodeLineage(books));
  const Examination e = ExamineOf(request);
  ASSERT_EQ(e.data_findings.size(), 2u);
  EXPECT_EQ(e.data_findings[0].code, "data_as_declared");
  EXPECT_EQ(e.data_findings[1].code, "data_not_in_books");
  EXPECT_EQ(FindingInWords(e.data_findings[1], DossierLang::kEn),
            "hani/u9: there is no such upload in the books.");
  for (const DossierLang lang : {DossierLang::kKo, DossierLang::kEn})
    EXPECT_NE(DossierHtml(e, lang, "", "").find("log.example"), std::string::npos);
  request.manifest = "";
  EXPECT_EQ(ReasonOf(Examine(request, {}).status()), "lineage_without_manifest");
}

TEST_F(Verdicts, DossiersRepeatAndRoundTrip) {
  Request request = With(WriteModel(FineTuned(a_, 5), "repeat"));
  const std::string one = DossierJson(ExamineOf(request, 1));
  const std::string three = DossierJson(ExamineOf(request, 3));
  EXPECT_EQ(one, three);
  const auto read = ReadDossier("d", one);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->request, request);
  EXPECT_EQ(read->answer, "derived");
  EXPECT_EQ(ToHex(read->subject).size(), 64u);
  EXPECT_NE(read->subject, read->reference);
  EXPECT_EQ(ReasonOf(ReadDossier("d", "{}").status()), "dossier_malformed");
}

// Killed at any tensor and begun again: the same dossier.
TEST_F(Verdicts, ResumedIsTheSame) {
  const Request request = With(paths_["b"], false);
  const std::string whole = DossierJson(ExamineOf(request));
  const std::string state = testing::TempDir() + "jangbu_provenance_state";
  std::filesystem::remove(state);
  int stops = 0;
  while (stops < 100) {
    Running running;
    running.state_path = state;
    int calls = 0;
    running.stop = [&] { return ++calls > 12; };
    const auto part = Examine(request, running);
    if (part.ok()) {
      EXPECT_EQ(DossierJson(*part), whole);
      break;
    }
    ASSERT_EQ(ReasonOf(part.status()), "interrupted");
    ++stops;
    // A torn tail, as after a loss of power.
    if (stops == 2) std::filesystem::resize_file(state, std::filesystem::file_size(state) - 5);
  }
  EXPECT_GT(stops, 1);
  EXPECT_LT(stops, 100);
}

TEST_F(Verdicts, HostileTextStaysText) {
  const std::string evil = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>&amp;\xFF";
  Examination e = ExamineOf(With(paths_["b"]));
  e.subject.label = e.request.subject = evil;
  e.controls[0].second = evil;
  e.gains[0].name = evil;
  Manifest manifest;
  manifest.model = manifest.maker = evil;
  manifest.components.push_back({evil, "weights", "foreign", evil, evil, false, evil});
  manifest.data.push_back({"upload", evil, evil, false, 1});
  manifest.statements.push_back({"policy", evil});
  e.manifest = manifest;
  LogReport log;
  log.label = evil;
  log.score_names = {evil};
  e.logs.push_back(log);
  e.verdict.grounds.push_back({"incomparable", {}, {evil}});
  for (const DossierLang lang : {DossierLang::kKo, DossierLang::kEn}) {
    const std::string html = DossierHtml(e, lang, evil, evil);
    EXPECT_EQ(html.find("<script"), std::string::npos);
    EXPECT_EQ(html.find("<img"), std::string::npos);
    EXPECT_NE(html.find("&lt;script&gt;"), std::string::npos);
    EXPECT_NE(html.find("default-src 'none'"), std::string::npos);
  }
  EXPECT_EQ(DossierJson(e).find("<script"), std::string::npos);
}

// JANGBU_SOAK_PAIRS=1000 for the whole of it.
TEST(UnrelatedPairs, NoneIsCalledDerived) {
  const char* soak = std::getenv("JANGBU_SOAK_PAIRS");
  const size_t pairs = soak == nullptr ? 6 : std::strtoull(soak, nullptr, 10);
  ToyShape shape;
  shape.layers = 2;
  shape.width = 32;
  shape.heads = 4;
  shape.ffn = 64;
  shape.vocab = 128;
  const std::string c = WriteModel(Trained(Start(shape, 3), 13), "uc");
  const std::string d = WriteModel(Trained(Start(shape, 4), 14), "ud");
  size_t independent = 0;
  for (size_t i = 0; i < pairs; ++i) {
    Request request;
    request.subject = WriteModel(Trained(Start(shape, 100 + 2 * i), 9000 + 2 * i), "us");
    request.reference = WriteModel(Trained(Start(shape, 101 + 2 * i), 9001 + 2 * i), "ur");
    request.independents = {c, d};
    const auto e = Examine(request, {});
    ASSERT_TRUE(e.ok()) << e.status();
    EXPECT_NE(e->verdict.answer, Answer::kDerived) << "pair " << i;
    if (e->verdict.answer == Answer::kIndependent) ++independent;
  }
  std::printf("%zu of %zu independent, none derived\n", independent, pairs);
  EXPECT_GT(independent * 2, pairs);
}

}  // namespace
}  // namespace jangbu::audit
