#include "audit/provenance/training_log.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <map>
#include <utility>

#include "audit/provenance/json.h"

namespace jangbu::audit {
namespace {

namespace dom = simdjson::dom;

enum class Column : uint8_t { kStep, kLoss, kRate, kTokens, kScore, kOther };

std::string Lower(std::string_view name) {
  std::string lower(name);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// The last part of "train/loss".
std::string_view LastPart(std::string_view name) {
  const size_t slash = name.find_last_of("/.");
  return slash == std::string_view::npos ? name : name.substr(slash + 1);
}

// Smaller is better; -1: not this kind.
int RankOf(Column kind, std::string_view name) {
  static constexpr std::string_view kSteps[] = {"_step",
                                                "step",
                                                "global_step",
                                                "iteration",
                                                "iter",
                                                "trainer/global_step",
                                                "train/global_step"};
  static constexpr std::string_view kLosses[] = {
      "loss", "train_loss", "train/loss", "training_loss", "lm_loss", "lm loss", "train/lm_loss"};
  static constexpr std::string_view kRates[] = {"lr", "learning_rate", "train/lr",
                                                "train/learning_rate", "learning-rate"};
  static constexpr std::string_view kTokens[] = {
      "tokens",         "train/tokens", "tokens_seen", "num_tokens", "train/num_input_tokens_seen",
      "consumed_tokens"};
  const auto rank = [&](const auto& names) {
    for (size_t i = 0; i < std::size(names); ++i) {
      if (name == names[i]) return static_cast<int>(i);
    }
    return -1;
  };
  switch (kind) {
    case Column::kStep:
      return rank(kSteps);
    case Column::kLoss:
      return rank(kLosses);
    case Column::kRate:
      return rank(kRates);
    case Column::kTokens:
      return rank(kTokens);
    default:
      break;
  }
  for (const std::string_view part : {"mmlu", "kmmlu", "bench", "acc", "eval", "val_", "val/",
                                      "score", "hellaswag", "haerae", "kobest", "gsm8k"}) {
    if (name.find(part) != std::string_view::npos) return 0;
  }
  return -1;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

bool ParseNumber(std::string_view text, double& value) {
  text = Trim(text);
  if (!text.empty() && text.front() == '+') text.remove_prefix(1);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// One value as it stands in a line.
struct Cell {
  bool present = false;
  bool number = false;
  double value = 0;
};

class Reader {
 public:
  Reader(std::string_view name) : name_(name) {}

  // Says what each column is, from all names there are. `names` in order.
  Status Choose(const std::vector<std::string>& names) {
    kinds_.assign(names.size(), Column::kOther);
    const auto choose = [&](Column kind, std::string& chosen) {
      int best = 1'000;
      size_t at = names.size();
      for (size_t i = 0; i < names.size(); ++i) {
        const int rank = RankOf(kind, Lower(names[i]));
        if (rank >= 0 && rank < best && kinds_[i] == Column::kOther) {
          best = rank;
          at = i;
        }
      }
      // "train/anything/loss" as a last resort.
      for (size_t i = 0; at == names.size() && i < names.size(); ++i) {
        const std::string lower = Lower(names[i]);
        if (lower.find("eval") == std::string::npos && lower.find("val/") == std::string::npos &&
            RankOf(kind, LastPart(lower)) >= 0 && kinds_[i] == Column::kOther) {
          at = i;
        }
      }
      if (at == names.size()) return false;
      kinds_[at] = kind;
      chosen = names[at];
      return true;
    };
    std::string step;
    if (!choose(Column::kStep, step)) {
      return InvalidArgument("log_no_step", "\"" + name_ +
                                                "\": no column is named step, _step, "
                                                "global_step or iteration");
    }
    if (!choose(Column::kLoss, log_.loss_name)) {
      return InvalidArgument(
          "log_no_loss", "\"" + name_ + "\": no column is named loss, train_loss or train/loss");
    }
    choose(Column::kRate, log_.rate_name);
    choose(Column::kTokens, log_.tokens_name);
    for (size_t i = 0; i < names.size(); ++i) {
      if (kinds_[i] != Column::kOther || RankOf(Column::kScore, Lower(names[i])) < 0) continue;
      kinds_[i] = Column::kScore;
      score_of_[i] = log_.score_names.size();
      log_.score_names.push_back(names[i]);
    }
    return OkStatus();
  }

  void Bad(uint64_t line, const std::string& reason) {
    ++log_.bad_lines;
    if (log_.bad.size() < 100) log_.bad.push_back({line, reason});
  }

  Status Row(uint64_t line, const std::vector<Cell>& cells) {
    LogRow row;
    row.scores.resize(log_.score_names.size());
    bool has_step = false;
    for (size_t i = 0; i < cells.size() && i < kinds_.size(); ++i) {
      const Cell& cell = cells[i];
      if (!cell.present || kinds_[i] == Column::kOther) continue;
      if (!cell.number || !std::isfinite(cell.value)) {
        Bad(line, kinds_[i] == Column::kLoss && cell.number ? "the loss is not finite"
                                                            : "a value is not a finite number");
        return OkStatus();
      }
      switch (kinds_[i]) {
        case Column::kStep:
          if (cell.value < 0 || cell.value > 9e15 || cell.value != std::floor(cell.value)) {
            Bad(line, "the step is not a whole number from 0 on");
            return OkStatus();
          }
          row.step = static_cast<int64_t>(cell.value);
          has_step = true;
          break;
        case Column::kLoss:
          row.loss = cell.value;
          break;
        case Column::kRate:
          row.learning_rate = cell.value;
          break;
        case Column::kTokens:
          row.tokens = cell.value;
          break;
        default:
          row.scores[score_of_[i]] = cell.value;
          break;
      }
    }
    if (!has_step) {
      Bad(line, "there is no step");
      return OkStatus();
    }
    if (log_.rows.size() == kLogRowsMax) {
      return ResourceExhausted(
          "log_too_large", "\"" + name_ + "\": more than " + std::to_string(kLogRowsMax) + " rows");
    }
    log_.rows.push_back(std::move(row));
    return OkStatus();
  }

  StatusOr<TrainingLog> Finish() {
    if (log_.rows.empty()) {
      return InvalidArgument(
          "log_empty", "\"" + name_ + "\": no row could be read" +
                           (log_.bad.empty() ? std::string()
                                             : " (line " + std::to_string(log_.bad[0].line) + ": " +
                                                   log_.bad[0].reason + ")"));
    }
    return std::move(log_);
  }

  const std::string& name() const { return name_; }

 private:
  std::string name_;
  TrainingLog log_;
  std::vector<Column> kinds_;
  std::map<size_t, size_t> score_of_;
};

// Lines without their ends; false stops.
template <typename Visit>
Status ForEachLine(std::string_view text, Visit visit) {
  uint64_t number = 1;
  for (size_t at = 0; at < text.size(); ++number) {
    const size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    JANGBU_RETURN_IF_ERROR(visit(number, line));
    at = end + 1;
  }
  return OkStatus();
}

// Fields of a CSV line (RFC 4180 without line breaks inside quotes). False when a quote is open.
bool SplitCsv(std::string_view line, std::vector<std::string>& fields) {
  fields.clear();
  size_t i = 0;
  while (true) {
    std::string field;
    if (i < line.size() && line[i] == '"') {
      ++i;
      bool closed = false;
      while (i < line.size()) {
        if (line[i] == '"' && i + 1 < line.size() && line[i + 1] == '"') {
          field.push_back('"');
          i += 2;
        } else if (line[i] == '"') {
          closed = true;
          ++i;
          break;
        } else {
          field.push_back(line[i++]);
        }
      }
      if (!closed || (i < line.size() && line[i] != ',')) return false;
    } else {
      const size_t end = std::min(line.find(',', i), line.size());
      field = std::string(line.substr(i, end - i));
      i = end;
    }
    fields.push_back(std::move(field));
    if (i >= line.size()) return true;
    ++i;  // the comma; one at the end leaves an empty field
    if (i == line.size()) {
      fields.emplace_back();
      return true;
    }
  }
}

StatusOr<TrainingLog> ReadCsv(Reader& reader, std::string_view text) {
  std::vector<std::string> fields;
  size_t width = 0;
  if (Status done = ForEachLine(
          text,
          [&](uint64_t number, std::string_view line) -> Status {
            if (Trim(line).empty()) return OkStatus();
            if (line.size() > kLogLineMax || !SplitCsv(line, fields)) {
              if (width == 0) {
                return InvalidArgument("log_malformed",
                                       "\"" + reader.name() + "\": the header line cannot be read");
              }
              reader.Bad(number, "a quotation mark is open or the line is too long");
              return OkStatus();
            }
            if (width == 0) {
              width = fields.size();
              if (width > kLogColumnsMax) {
                return ResourceExhausted("log_too_large", "\"" + reader.name() + "\": more than " +
                                                              std::to_string(kLogColumnsMax) +
                                                              " columns");
              }
              for (std::string& field : fields) field = std::string(Trim(field));
              return reader.Choose(fields);
            }
            if (fields.size() != width) {
              reader.Bad(number, "it has " + std::to_string(fields.size()) +
                                     " fields, the header " + std::to_string(width));
              return OkStatus();
            }
            std::vector<Cell> cells(width);
            for (size_t i = 0; i < width; ++i) {
              cells[i].present = !Trim(fields[i]).empty();
              cells[i].number = ParseNumber(fields[i], cells[i].value);
            }
            return reader.Row(number, cells);
          });
      !done.ok())
    return done;
  return reader.Finish();
}

StatusOr<TrainingLog> ReadJsonLines(Reader& reader, std::string_view text) {
  dom::parser parser;
  if (parser.allocate(kLogLineMax + 64, 16) != 0)
    return ResourceExhausted("log_too_large", "no memory for a line");
  // Lines of an export differ in their fields: first all names, then the rows.
  std::vector<std::string> names;
  std::map<std::string, size_t, std::less<>> place;
  std::string padded;
  const auto parse = [&](std::string_view line, dom::object& object) {
    padded.assign(line);
    padded.reserve(padded.size() + simdjson::SIMDJSON_PADDING);
    dom::element element;
    return parser.parse(padded.data(), padded.size(), false).get(element) == 0 &&
           element.get_object().get(object) == 0;
  };
  if (Status done =
          ForEachLine(text,
                      [&](uint64_t, std::string_view line) -> Status {
                        dom::object object;
                        if (Trim(line).empty() || line.size() > kLogLineMax || !parse(line, object))
                          return OkStatus();
                        for (const auto field : object) {
                          if (place.contains(std::string_view(field.key))) continue;
                          if (names.size() == kLogColumnsMax) {
                            return ResourceExhausted(
                                "log_too_large", "\"" + reader.name() + "\": more than " +
                                                     std::to_string(kLogColumnsMax) + " fields");
                          }
                          place.emplace(std::string(field.key), names.size());
                          names.emplace_back(field.key);
                        }
                        return OkStatus();
                      });
      !done.ok())
    return done;
  if (names.empty()) {
    return InvalidArgument("log_empty", "\"" + reader.name() + "\": no line is a JSON object");
  }
  JANGBU_RETURN_IF_ERROR(reader.Choose(names));
  if (Status done =
          ForEachLine(text,
                      [&](uint64_t number, std::string_view line) -> Status {
                        if (Trim(line).empty()) return OkStatus();
                        dom::object object;
                        if (line.size() > kLogLineMax || !parse(line, object)) {
                          reader.Bad(number, "it is not a JSON object");
                          return OkStatus();
                        }
                        std::vector<Cell> cells(names.size());
                        for (const auto field : object) {
                          Cell& cell = cells[place.find(std::string_view(field.key))->second];
                          if (field.value.is_null()) continue;
                          cell.present = true;
                          cell.number = field.value.get_double().get(cell.value) == 0;
                          // W&B writes these as texts.
                          std::string_view word;
                          if (!cell.number && field.value.get_string().get(word) == 0 &&
                              (word == "NaN" || word == "Infinity" || word == "-Infinity")) {
                            cell.number = true;
                            cell.value = std::nan("");
                          }
                        }
                        return reader.Row(number, cells);
                      });
      !done.ok())
    return done;
  return reader.Finish();
}

void Append(std::string& out, double value) {
  std::array<char, 40> buffer;
  out.append(buffer.data(), std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr);
}

std::string CsvField(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\n' || c == '\r') {
      out.push_back(' ');
      continue;
    }
    out.push_back(c);
    if (c == '"') out.push_back('"');
  }
  return out + "\"";
}

}  // namespace

StatusOr<TrainingLog> ReadTrainingLog(std::string_view name, std::string_view bytes) {
  const std::string shown(name);
  if (bytes.size() > kLogBytesMax) {
    return ResourceExhausted("log_too_large", "\"" + shown + "\": more than 1 GiB");
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.substr(0, 4096).find('\0') != std::string_view::npos) {
    return InvalidArgument("log_not_text", "\"" + shown + "\" is not a text file");
  }
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) {
    return InvalidArgument("log_empty", "\"" + shown + "\" is empty");
  }
  Reader reader(name);
  return bytes[first] == '{' ? ReadJsonLines(reader, bytes) : ReadCsv(reader, bytes);
}

std::string EncodeTrainingLog(const TrainingLog& log) {
  std::string out = "step,loss";
  if (!log.rate_name.empty()) out += ",lr";
  if (!log.tokens_name.empty()) out += ",tokens";
  for (const std::string& name : log.score_names) out += "," + CsvField(name);
  out.push_back('\n');
  for (const LogRow& row : log.rows) {
    out += std::to_string(row.step);
    const auto add = [&](const std::optional<double>& value) {
      out.push_back(',');
      if (value) Append(out, *value);
    };
    add(row.loss);
    if (!log.rate_name.empty()) add(row.learning_rate);
    if (!log.tokens_name.empty()) add(row.tokens);
    for (const auto& score : row.scores) add(score);
    out.push_back('\n');
  }
  return out;
}

}  // namespace jangbu::audit
