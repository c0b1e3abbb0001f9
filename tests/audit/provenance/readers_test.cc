// The readers of untrusted files: what they take, and one test for each way a file can be wrong.

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>

#include "audit/provenance/evidence.h"
#include "audit/provenance/gguf.h"
#include "audit/provenance/json.h"
#include "audit/provenance/lineage.h"
#include "audit/provenance/manifest.h"
#include "audit/provenance/safetensors.h"
#include "audit/provenance/training_log.h"
#include "audit/provenance/weight_source.h"
#include "tests/audit/provenance/toy_model.h"
#include "tests/reference/provenance.h"

namespace jangbu::audit {
namespace {

std::string WithHeader(const std::string& json, size_t data) {
  std::string out;
  for (int i = 0; i < 8; ++i) out.push_back(static_cast<char>(json.size() >> (8 * i)));
  return out + json + std::string(data, '\0');
}

std::string ReasonOfReading(const std::string& bytes) {
  const auto file = ReadSafetensors(*BytesAsSource("m.safetensors", bytes));
  return file.ok() ? "ok" : std::string(ReasonOf(file.status()));
}

TEST(Safetensors, EachMalformationHasItsReason) {
  const auto one = [](const std::string& fields, size_t data) {
    return WithHeader("{\"a\":{" + fields + "}}", data);
  };
  const struct {
    const char* why;
    std::string bytes;
    const char* reason;
  } kRows[] = {
      {"plain", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])", 8), "ok"},
      {"a scalar", one(R"("dtype":"F16","shape":[],"data_offsets":[0,2])", 2), "ok"},
      {"no tensors", WithHeader("{}", 0), "ok"},
      {"empty file", "", "header_truncated"},
      {"cut in the header", WithHeader("{\"a\":{}}", 0).substr(0, 12), "header_truncated"},
      {"a header of 2^62 bytes", std::string("\0\0\0\0\0\0\0\x40{}", 10), "header_too_large"},
      {"gzip", std::string("\x1F\x8B\x08\0\0\0\0\0\0\0", 10), "file_compressed"},
      {"zip", std::string("PK\x03\x04\0\0\0\0\0\0", 10), "file_compressed"},
      {"not JSON", WithHeader("{\"a\":", 0), "header_not_json"},
      {"a list", WithHeader("[1]", 0), "header_not_json"},
      {"nested too deep", WithHeader("{\"a\":" + std::string(2000, '[') + "}", 0),
       "header_not_json"},
      {"a name twice",
       WithHeader(R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},)"
                  R"("a":{"dtype":"F16","shape":[1],"data_offsets":[2,4]}})",
                  4),
       "tensor_duplicate"},
      {"unknown type", one(R"("dtype":"F4","shape":[2],"data_offsets":[0,8])", 8), "dtype_unknown"},
      {"no shape", one(R"("dtype":"F32","data_offsets":[0,8])", 8), "tensor_malformed"},
      {"negative side", one(R"("dtype":"F32","shape":[-2],"data_offsets":[0,8])", 8),
       "tensor_malformed"},
      {"shape overflows",
       one(R"("dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8])", 8),
       "shape_overflow"},
      {"wrong size for its shape", one(R"("dtype":"F32","shape":[3],"data_offsets":[0,8])", 8),
       "size_mismatch"},
      {"offsets past the end", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])", 4),
       "offsets_outside"},
      {"offsets backward", one(R"("dtype":"F32","shape":[2],"data_offsets":[8,0])", 8),
       "offsets_outside"},
      {"bytes after the last tensor", one(R"("dtype":"F32","shape":[2],"data_offsets":[0,8])", 12),
       "offsets_gap"},
      {"overlap",
       WithHeader(R"({"a":{"dtype":"F16","shape":[2],"data_offsets":[0,4]},)"
                  R"("b":{"dtype":"F16","shape":[2],"data_offsets":[2,6]}})",
                  6),
       "offsets_overlap"},
      {"gap",
       WithHeader(R"({"a":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},)"
                  R"("b":{"dtype":"F16","shape":[1],"data_offsets":[4,6]}})",
                  6),
       "offsets_gap"},
      {"nine sides",
       one("\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1],"
           "\"data_offsets\":[0,4]",
           4),
       "tensor_malformed"},
  };
  for (const auto& row : kRows) EXPECT_EQ(ReasonOfReading(row.bytes), row.reason) << row.why;
}

TEST(Safetensors, ErrorsNameFileAndTensor) {
  const auto file = ReadSafetensors(*BytesAsSource(
      "dir/m.safetensors",
      WithHeader(R"({"model.x":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8)));
  const std::string message(MessageOf(file.status()));
  EXPECT_NE(message.find("dir/m.safetensors"), std::string::npos);
  EXPECT_NE(message.find("model.x"), std::string::npos);
}

TEST(Safetensors, IndexKeepsToItsFolder) {
  const auto reason = [](const std::string& json) {
    const auto index = ReadSafetensorsIndex("index", json);
    return index.ok() ? "ok" : std::string(ReasonOf(index.status()));
  };
  EXPECT_EQ(reason(R"({"weight_map":{"a":"m-1.safetensors"}})"), "ok");
  EXPECT_EQ(reason(R"({"weight_map":{"a":"../m-1.safetensors"}})"), "shard_name_unsafe");
  EXPECT_EQ(reason(R"({"weight_map":{"a":"/etc/passwd"}})"), "shard_name_unsafe");
  EXPECT_EQ(reason(R"({"weight_map":{}})"), "index_malformed");
  EXPECT_EQ(reason(R"({"weight_map":[]})"), "index_malformed");
  EXPECT_EQ(reason("{"), "index_malformed");
}

TEST(Gguf, ReadsWhatItWritesAndNamesWhatIsWrong) {
  GgufFile file;
  file.texts["general.architecture"] = "llama";
  file.numbers["llama.block_count"] = 2;
  file.reals["llama.eps"] = 1e-5;
  file.text_lists["tokenizer.ggml.tokens"] = {"a", "나"};
  Tensor t;
  t.name = "token_embd.weight";
  t.dtype = DType::kF16;
  t.shape = {3, 4};
  file.tensors.push_back(t);
  t.name = "output_norm.weight";
  t.dtype = DType::kF32;
  t.shape = {4};
  file.tensors.push_back(t);
  uint64_t data = 0;
  std::string bytes = EncodeGgufHeader(file, data);
  bytes.resize(data + 32 + 16, '\0');
  const auto reason = [](const std::string& b) {
    const auto read = ReadGguf(*BytesAsSource("m.gguf", b));
    return read.ok() ? "ok" : std::string(ReasonOf(read.status()));
  };
  const auto read = ReadGguf(*BytesAsSource("m.gguf", bytes));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->texts, file.texts);
  EXPECT_EQ(read->numbers, file.numbers);
  EXPECT_EQ(read->text_lists, file.text_lists);
  ASSERT_EQ(read->tensors.size(), 2u);
  EXPECT_EQ(read->tensors[0].shape, (std::vector<uint64_t>{3, 4}));
  EXPECT_EQ(read->tensors[0].offset, data);
  EXPECT_EQ(read->tensors[1].offset, data + 32);

  EXPECT_EQ(reason("GGML" + bytes.substr(4)), "gguf_magic");
  EXPECT_EQ(reason(bytes.substr(0, 60)), "gguf_truncated");
  EXPECT_EQ(reason(bytes.substr(0, bytes.size() - 1)), "offsets_outside");
  std::string other = bytes;
  other[4] = 9;
  EXPECT_EQ(reason(other), "gguf_version");
  other = bytes;
  other[8 + 6] = 1;  // 2^48 tensors
  EXPECT_EQ(reason(other), "too_many_tensors");
  // The type of the first tensor: 2 is Q4_0.
  other = bytes;
  const size_t name = bytes.find("token_embd.weight");
  other[name + 17 + 4 + 16] = 2;
  EXPECT_EQ(reason(other), "tensor_quantised");
  // Its sides: 2^63 columns.
  other = bytes;
  other[name + 17 + 4 + 7] = '\x80';
  EXPECT_EQ(reason(other), "shape_overflow");
  // The second at the place of the first.
  other = bytes;
  const size_t second = bytes.find("output_norm.weight");
  other[second + 18 + 4 + 8 + 4] = 0;
  EXPECT_EQ(reason(other), "offsets_overlap");
}

TEST(Halves, AreWhatTheStandardSays) {
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const char raw[2] = {static_cast<char>(half), static_cast<char>(half >> 8)};
    float value = 0;
    const uint64_t good = ToFloat(DType::kF16, raw, 1, &value);
    const double expected = reference::HalfValue(half);
    ASSERT_EQ(good == 1, std::isfinite(expected)) << bits;
    if (!std::isfinite(expected)) continue;
    ASSERT_EQ(static_cast<double>(value), expected) << bits;
    // And back, zero's sign aside.
    ASSERT_EQ(ToHalf(value), half) << bits;
  }
}

TEST(Models, ADirectoryOfShardsIsTheSameModel) {
  const ToyModel toy = Trained(Start({}, 1), 2);
  const auto whole = Model::Open(WriteModel(toy, "whole"));
  const auto shards = Model::Open(WriteModel(toy, "shards", {.shards = 3, .reversed = true}));
  ASSERT_TRUE(whole.ok()) << whole.status();
  ASSERT_TRUE(shards.ok()) << shards.status();
  EXPECT_EQ((*whole)->tensors().size(), (*shards)->tensors().size());
  EXPECT_EQ((*whole)->layers(), 4u);
  EXPECT_EQ((*whole)->config().heads, 4u);
}

std::string OpenReason(const std::string& directory) {
  const auto model = Model::Open(directory);
  return model.ok() ? "ok" : std::string(ReasonOf(model.status()));
}

TEST(Models, ShardsAndIndexMustAgree) {
  const ToyModel toy = Start({.layers = 1}, 1);
  const std::string directory = WriteModel(toy, "index", {.shards = 2});
  EXPECT_EQ(OpenReason(directory), "ok");
  std::filesystem::copy_file(directory + "/model-1.safetensors", directory + "/model-2.safetensors",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(OpenReason(directory), "tensor_duplicate");
  std::filesystem::remove(directory + "/model-2.safetensors");
  EXPECT_EQ(OpenReason(directory), "file_missing");
  std::filesystem::remove_all(directory);
  EXPECT_EQ(OpenReason(directory), "file_missing");
  std::filesystem::create_directories(directory);
  EXPECT_EQ(OpenReason(directory), "no_weights");
}

TEST(Models, ShapesMustFitTogether) {
  ToyModel toy = Start({.layers = 1}, 1);
  toy.At(0, "mlp.down_proj.weight") = {64, 120, std::vector<float>(64 * 120, 0.5f)};
  EXPECT_EQ(OpenReason(WriteModel(toy, "neurons")), "shape_unexpected");
  toy = Start({.layers = 1}, 1);
  toy.At(0, "input_layernorm.weight") = {63, 0, std::vector<float>(63, 1.0f)};
  EXPECT_EQ(OpenReason(WriteModel(toy, "gains")), "shape_unexpected");
  toy = Start({.layers = 1}, 1);
  toy.shape.layers = 2;
  EXPECT_EQ(OpenReason(WriteModel(toy, "layers")), "shape_unexpected");
}

TEST(Models, NotANumberIsNamed) {
  ToyModel toy = Start({.layers = 1}, 1);
  toy.At(0, "mlp.up_proj.weight").values[77] = std::numeric_limits<float>::quiet_NaN();
  const auto model = Model::Open(WriteModel(toy, "nan"));
  ASSERT_TRUE(model.ok());
  const auto source = SourceOfModel(*model);
  ASSERT_TRUE(source.ok());
  std::vector<float> rows(128 * 64);
  const Status status = (*source)->ReadRows(0, Part::kUp, 0, 128, rows.data());
  EXPECT_EQ(ReasonOf(status), "tensor_not_finite");
  EXPECT_NE(std::string(MessageOf(status)).find("mlp.up_proj.weight"), std::string::npos);
  EXPECT_NE(std::string(MessageOf(status)).find("77"), std::string::npos);
}

TEST(Models, AFileOfHolesIsRefused) {
  const std::string path = testing::TempDir() + "jangbu_provenance_sparse.safetensors";
  std::ofstream(path, std::ios::binary) << WithHeader(
      R"({"a":{"dtype":"F32","shape":[268435456],"data_offsets":[0,1073741824]}})", 0);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) + 1073741824);
  EXPECT_EQ(OpenReason(path), "file_sparse");
  std::filesystem::remove(path);
}

TEST(TrainingLogs, ThreeFormsOfOneRun) {
  const auto csv = ReadTrainingLog("log.csv", "step,loss,lr\n0,8.3,0.1\n1,8.1,0.2\n");
  const auto jsonl = ReadTrainingLog(
      "log.jsonl", "{\"step\":0,\"loss\":8.3,\"lr\":0.1}\n{\"step\":1,\"loss\":8.1}\n");
  const auto wandb =
      ReadTrainingLog("history.jsonl",
                      "{\"_step\":0,\"_runtime\":1,\"train/loss\":8.3,\"train/lr\":0.1}\n"
                      "{\"_step\":1,\"train/loss\":8.1,\"eval/kmmlu\":0.25}\n");
  for (const auto* log : {&csv, &jsonl, &wandb}) {
    ASSERT_TRUE(log->ok()) << log->status();
    ASSERT_EQ((*log)->rows.size(), 2u);
    EXPECT_EQ((*log)->rows[1].step, 1);
    EXPECT_EQ((*log)->rows[1].loss, 8.1);
    EXPECT_EQ((*log)->rows[0].learning_rate, 0.1);
  }
  EXPECT_EQ(wandb->score_names, std::vector<std::string>{"eval/kmmlu"});
  EXPECT_EQ(CompareLogs(*csv, *wandb).code, "logs_agree");
}

TEST(TrainingLogs, OneBadLineDoesNotStopTheRest) {
  const auto log =
      ReadTrainingLog("log.csv", "step,loss\n0,8\n1,nan\n2,7,6\n,5\n-1,5\n3,\"7\n1.5,7\n4,6\n");
  ASSERT_TRUE(log.ok());
  EXPECT_EQ(log->rows.size(), 2u);
  EXPECT_EQ(log->bad_lines, 6u);
  EXPECT_EQ(log->bad[0].line, 3u);
  const auto reason = [](const char* text) {
    const auto read = ReadTrainingLog("log", text);
    return read.ok() ? "ok" : std::string(ReasonOf(read.status()));
  };
  EXPECT_EQ(reason(""), "log_empty");
  EXPECT_EQ(reason("step,loss\n"), "log_empty");
  EXPECT_EQ(reason("a,loss\n1,2\n"), "log_no_step");
  EXPECT_EQ(reason("step,a\n1,2\n"), "log_no_loss");
  EXPECT_EQ(reason("{\"step\":1}\n"), "log_no_loss");
  EXPECT_EQ(reason("{broken\n"), "log_empty");
}

TrainingLog Falling(double first, double last, int rows) {
  TrainingLog log;
  log.loss_name = "loss";
  for (int i = 0; i < rows; ++i) {
    LogRow row;
    row.step = i;
    row.loss = last + (first - last) * std::exp(-6.0 * i / rows);
    log.rows.push_back(row);
  }
  return log;
}

bool Has(const LogFigures& figures, const std::string& code) {
  for (const Finding& finding : figures.findings) {
    if (finding.code == code) return true;
  }
  return false;
}

TEST(TrainingEvidence, TheStartTells) {
  const double chance = std::log(4096.0);
  EXPECT_TRUE(Has(ExamineLog(Falling(chance, 5, 200), 4096), "loss_starts_high"));
  EXPECT_TRUE(Has(ExamineLog(Falling(0.8 * chance, 5, 200), 4096), "loss_starts_low"));
  TrainingLog late = Falling(chance, 5, 200);
  for (LogRow& row : late.rows) row.step += 5000;
  EXPECT_TRUE(Has(ExamineLog(late, 4096), "log_starts_late"));
}

TEST(TrainingEvidence, WhatDoesNotFitIsNamed) {
  TrainingLog jump = Falling(8.3, 7, 200);
  for (size_t i = 120; i < 200; ++i) *jump.rows[i].loss -= 2;
  EXPECT_TRUE(Has(ExamineLog(jump, 4096), "loss_drops_at_once"));
  EXPECT_FALSE(Has(ExamineLog(Falling(8.3, 5, 200), 4096), "loss_drops_at_once"));
  TrainingLog gap = Falling(8.3, 5, 200);
  gap.rows.erase(gap.rows.begin() + 50, gap.rows.begin() + 120);
  EXPECT_TRUE(Has(ExamineLog(gap, 4096), "log_gap"));
  TrainingLog twice = Falling(8.3, 5, 200);
  twice.rows.push_back(twice.rows[100]);
  twice.rows.back().loss = 1.0;
  EXPECT_TRUE(Has(ExamineLog(twice, 4096), "log_step_twice"));
  TrainingLog flat = Falling(8.3, 8.4, 200);
  EXPECT_TRUE(Has(ExamineLog(flat, 4096), "loss_does_not_fall"));
}

TEST(TrainingEvidence, CheckpointsMustExplainEachOther) {
  EXPECT_EQ(ExamineCheckpoints({0.6, 0.8}, {0.5})[0].code, "checkpoints_explain_each_other");
  EXPECT_EQ(ExamineCheckpoints({0.6, 0.01}, {0.0})[0].code, "checkpoint_unexplained");
  EXPECT_EQ(ExamineCheckpoints({0.3, 0.8}, {0.6})[0].code, "checkpoint_out_of_order");
}

TEST(Manifests, UnknownAndMissingFieldsAreNamed) {
  const auto reason = [](const char* json) {
    const auto read = ReadManifest("m.json", json);
    return read.ok() ? "ok" : std::string(MessageOf(read.status()));
  };
  EXPECT_EQ(reason(R"({"model":"m","from_scratch":true})"), "ok");
  EXPECT_NE(reason(R"({"model":"m"})").find("from_scratch"), std::string::npos);
  EXPECT_NE(reason(R"({"model":"m","from_scratch":1})").find("manifest.from_scratch"),
            std::string::npos);
  EXPECT_NE(reason(R"({"model":"m","from_scratch":true,"licnce":"x"})").find("licnce"),
            std::string::npos);
  EXPECT_NE(reason(R"({"model":"m","from_scratch":true,"components":[{"name":"a","kind":"weights",)"
                   R"("origin":"alien"}]})")
                .find("components[0].origin"),
            std::string::npos);
  const auto full = ReadManifest(
      "m",
      R"({"model":"m","from_scratch":false,"components":[{"name":"v","kind":"encoder",)"
      R"("origin":"foreign","licence":"MIT"}],"data":[{"kind":"upload","id":"p/u1","words":7}]})");
  ASSERT_TRUE(full.ok()) << full.status();
  EXPECT_TRUE(full->components[0].licence_known);
  EXPECT_EQ(*ReadManifest("again", EncodeManifest(*full)), *full);
}

TEST(Lineages, AreReadAsWrittenAndNothingElseIs) {
  const Lineage lineage{
      .log = "log.example",
      .uploads = {{.id = "hani/u1",
                   .licence = "CC0-1.0",
                   .state = "done",
                   .documents = 3,
                   .accepted = 2,
                   .words = 123'456'789,
                   .tokens = 9,
                   .receipt = "…"}},
      .not_declared = {
          {.id = "hani/u2", .licence = "", .state = "open", .documents = 1, .receipt = ""}}};
  const std::string json = EncodeLineage(lineage);
  const auto read = ReadLineage("l", json);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, lineage);
  const auto reason = [](const std::string& text) {
    const auto again = ReadLineage("l", text);
    return again.ok() ? "ok" : std::string(ReasonOf(again.status()));
  };
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = json;
    changed.replace(changed.find(from), from.size(), to);
    return reason(changed);
  };
  EXPECT_EQ(reason(""), "lineage_malformed");
  EXPECT_EQ(reason("[]"), "lineage_malformed");
  EXPECT_EQ(reason(json.substr(0, json.size() / 2)), "lineage_malformed");
  EXPECT_EQ(with("\"version\":1", "\"version\":2"), "lineage_malformed");
  EXPECT_EQ(with("\"words\":123456789", "\"words\":-1"), "lineage_malformed");
  EXPECT_EQ(with("\"words\"", "\"wrods\""), "lineage_malformed");
  EXPECT_EQ(with("\"state\"", "\"id\""), "lineage_malformed");
  EXPECT_EQ(reason(std::string(kLineageMax + 1, ' ')), "lineage_too_large");
}

TEST(Lineages, DeclarationsAreComparedOneByOne) {
  Manifest manifest;
  const auto declare = [&](const char* id, uint64_t words, const char* licence) {
    manifest.data.push_back({"upload", id, licence, true, words});
  };
  declare("a/u1", 10, "MIT");  // as in the books
  declare("a/u2", 11, "MIT");  // other words
  declare("a/u3", 10, "CC0");  // other licence
  declare("a/u4", 10, "MIT");  // not finished
  declare("a/u5", 10, "MIT");  // not there
  declare("a/u1", 10, "MIT");  // again
  manifest.data.push_back({"external", "web", "", false, 5});
  Lineage books;
  for (const char* id : {"a/u1", "a/u2", "a/u3", "a/u4"}) {
    books.uploads.push_back({.id = id,
                             .licence = "MIT",
                             .state = "done",
                             .documents = 1,
                             .accepted = 1,
                             .words = 10,
                             .tokens = 20,
                             .receipt = "r"});
  }
  books.uploads[3].state = "open";
  books.not_declared.push_back(books.uploads[0]);
  books.not_declared[0].id = "b/u1";
  std::vector<std::string> codes;
  for (const Finding& f : CompareLineage(manifest, books)) codes.push_back(f.code);
  EXPECT_EQ(codes,
            (std::vector<std::string>{"data_as_declared", "data_words_differ",
                                      "data_licence_differs", "data_not_done", "data_not_in_books",
                                      "data_declared_twice", "data_not_declared"}));
}

TEST(Json, NumbersHaveSixDigitsAndTextIsInert) {
  EXPECT_EQ(JsonNumber(1.0 / 3), "0.333333");
  EXPECT_EQ(JsonNumber(1e-30), "1e-30");
  EXPECT_EQ(JsonNumber(std::nan("")), "null");
  EXPECT_EQ(JsonQuote("</script>\xFF\n"), "\"\\u003c/script\\u003e\xEF\xBF\xBD\\n\"");
}

}  // namespace
}  // namespace jangbu::audit
