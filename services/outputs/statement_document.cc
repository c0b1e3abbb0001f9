#include "services/outputs/statement_document.h"

#include <algorithm>
#include <map>
#include <set>

namespace jangbu::services::outputs {
namespace {

struct Words {
  std::string_view ko;
  std::string_view en;
  std::string In(bool korean) const { return std::string(korean ? ko : en); }
};

// Movements of a section with one name: the codes of transfers that it sums.
struct RowShape {
  std::string_view code;
  Words label;
  bool always;  // shown though it is zero
  std::vector<std::string_view> transfers;
};

// A balance below the closing that says what it is made of.
struct PartShape {
  std::string_view account;
  Words label;
};

struct SectionShape {
  std::string_view code;
  Words title;
  std::vector<std::string_view> assets;
  std::vector<std::string_view> accounts;
  std::vector<RowShape> rows;
  std::vector<PartShape> parts;
};

const std::vector<SectionShape>& Shapes() {
  static const std::vector<SectionShape> shapes = {
      {"provisional",
       {"기여: 확정 전", "Contributions, not yet confirmed"},
       {"korean_tokens", "korean_words"},
       {"provisional"},
       {{"contributed", {"새로 기여", "contributed"}, true, {"provisional"}},
        {"settled",
         {"확정 작업으로 넘어감", "went into confirmation"},
         true,
         {"provisional_settled"}},
        {"withdrawn", {"철회", "withdrawn"}, false, {"provisional_withdrawn"}}},
       {}},
      {"confirmed",
       {"기여: 확정", "Contributions, confirmed"},
       {"korean_tokens", "korean_words"},
       {"confirmed"},
       {{"credited", {"확정된 기여", "credited"}, true, {"confirmed"}},
        {"reversed",
         {"철회·이의로 되돌림", "taken back (withdrawal, claims)"},
         false,
         {"confirmed_reversed"}}},
       {}},
      {"entitlement",
       {"API 이용권", "API entitlement"},
       {"api_tokens"},
       {"entitlement_pending", "entitlement_available", "entitlement_reserved", "entitlement_owed"},
       {{"granted", {"부여", "granted"}, true, {"entitlement_pending", "entitlement_granted"}},
        {"used", {"사용", "used"}, true, {"entitlement_used", "entitlement_consumed"}},
        {"expired",
         {"만료", "expired"},
         true,
         {"entitlement_expired", "entitlement_returned_expired"}},
        {"taken_back",
         {"철회로 회수", "taken back (withdrawal)"},
         false,
         {"entitlement_taken_back", "entitlement_owed", "entitlement_paid_off"}}},
       {{"entitlement_available", {"바로 쓸 수 있음", "available"}},
        {"entitlement_reserved", {"호출에 예약됨", "reserved for calls"}},
        {"entitlement_pending", {"회원이 되면 쓸 수 있음", "pending until membership"}},
        {"entitlement_owed", {"회수하지 못해 남은 빚", "owed"}}}},
      {"settlement",
       {"정산금", "Revenue share"},
       {"won"},
       {"payable", "due", "held"},
       {{"share", {"매출 배분 몫", "share"}, true, {"share"}},
        {"share_held", {"이의로 보류된 몫", "share held for claims"}, false, {"share_held"}},
        {"claims", {"이의 처리", "claims settled"}, false, {"held_released", "held_awarded"}},
        {"corrections", {"정정", "corrections"}, false, {"correction"}},
        {"paid", {"지급", "paid"}, true, {"payout_paid"}},
        {"returned", {"은행에서 반송", "returned by the bank"}, false, {"payout_failed"}}},
       {{"payable", {"최소 지급액 전", "below the minimum payout"}},
        {"due", {"지급 예정", "due"}},
        {"held", {"이의로 보류", "held for claims"}}}},
      {"billed",
       {"이용권을 넘은 API 사용 요금", "API use past the entitlement"},
       {"won"},
       {"billed"},
       {{"billed", {"청구", "billed"}, true, {"billed"}}},
       {}},
  };
  return shapes;
}

Words UnitWords(std::string_view asset) {
  if (asset == "korean_tokens") return {"한국어 토큰", "Korean tokens"};
  if (asset == "korean_words") return {"한국어 어절", "Korean words"};
  if (asset == "api_tokens") return {"API 토큰", "API tokens"};
  return {"원", "won"};
}

Words PayoutWords(std::string_view state) {
  if (state == "due") return {"지급 예정", "due"};
  if (state == "paid") return {"지급함", "paid"};
  if (state == "failed") return {"은행에서 반송됨", "returned by the bank"};
  return {"지급 없음 (최소 지급액 전)", "none (below the minimum payout)"};
}

bool Has(const std::vector<std::string_view>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

Status DoesNotAddUp(std::string_view section) {
  return DataLoss("statement_does_not_add_up",
                  "the server's statement does not add up in " + std::string(section));
}

bool AddTo(int64_t& sum, int64_t amount) { return !__builtin_add_overflow(sum, amount, &sum); }

StatusOr<StatementSection> SectionOf(const SectionShape& shape,
                                     const v1::GetStatementResponse& statement, bool korean) {
  const size_t columns = shape.assets.size();
  using Amounts = std::vector<int64_t>;
  StatementSection section;
  section.code = shape.code;
  section.title = shape.title.In(korean);
  for (const std::string_view asset : shape.assets)
    section.columns.push_back({std::string(asset), UnitWords(asset).In(korean)});
  Amounts opening(columns);
  Amounts closing(columns);
  std::vector<Amounts> moved(shape.rows.size(), Amounts(columns));
  std::map<std::string, Amounts> unknown;  // codes of a later version
  std::map<std::string_view, Amounts> parts;
  bool fits = true;
  for (const v1::StatementLine& line : statement.lines()) {
    const auto asset = std::find(shape.assets.begin(), shape.assets.end(), line.asset());
    if (asset == shape.assets.end() || !Has(shape.accounts, line.account())) continue;
    const auto column = static_cast<size_t>(asset - shape.assets.begin());
    fits = fits && AddTo(opening[column], line.opening()) && AddTo(closing[column], line.closing());
    for (const PartShape& part : shape.parts) {
      if (part.account == line.account())
        parts.try_emplace(part.account, columns).first->second[column] = line.closing();
    }
    for (const v1::StatementMovement& movement : line.movements()) {
      size_t row = 0;
      while (row < shape.rows.size() && !Has(shape.rows[row].transfers, movement.code())) ++row;
      Amounts& amounts = row < shape.rows.size()
                             ? moved[row]
                             : unknown.try_emplace(movement.code(), columns).first->second;
      fits = fits && AddTo(amounts[column], movement.amount());
    }
  }
  const auto some = [](const Amounts& amounts) {
    return std::any_of(amounts.begin(), amounts.end(), [](int64_t a) { return a != 0; });
  };
  const Words opens = {"월초", "opening"};
  const Words closes = {"월말", "closing"};
  section.rows.push_back({"opening", opens.In(korean), RowKind::kBalance, opening});
  Amounts sum = opening;
  const auto add = [&](std::string code, std::string label, const Amounts& amounts) {
    for (size_t i = 0; i < columns; ++i) fits = fits && AddTo(sum[i], amounts[i]);
    section.rows.push_back({std::move(code), std::move(label), RowKind::kMovement, amounts});
  };
  for (size_t i = 0; i < shape.rows.size(); ++i) {
    if (shape.rows[i].always || some(moved[i]))
      add(std::string(shape.rows[i].code), shape.rows[i].label.In(korean), moved[i]);
  }
  // What goes from one account of the section to another sums to nothing.
  for (const auto& [code, amounts] : unknown) {
    if (some(amounts)) add(code, code, amounts);
  }
  section.rows.push_back({"closing", closes.In(korean), RowKind::kBalance, closing});
  if (!fits || sum != closing) return DoesNotAddUp(shape.code);
  for (const PartShape& part : shape.parts) {
    const auto amounts = parts.find(part.account);
    if (amounts == parts.end() || !some(amounts->second)) continue;
    section.rows.push_back({"closing." + std::string(part.account), part.label.In(korean),
                            RowKind::kPart, amounts->second});
  }
  return section;
}

// "10 %", "7.5 %".
std::string BasisPoints(int64_t points) {
  std::string text = std::to_string(points / 100);
  const int64_t rest = points % 100;
  if (rest != 0) {
    text += "." + std::to_string(rest / 10);
    if (rest % 10 != 0) text += std::to_string(rest % 10);
  }
  return text + "%";
}

// The month's last day: "2026-05-31".
std::string LastDay(const std::string& period) {
  const int year = std::atoi(period.substr(0, 4).c_str());
  const int month = std::atoi(period.substr(5, 2).c_str());
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int days = month == 2                                              ? (leap ? 29 : 28)
                   : month == 4 || month == 6 || month == 9 || month == 11 ? 30
                                                                           : 31;
  return period + "-" + std::to_string(days);
}

bool IsPeriodText(const std::string& period) {
  if (period.size() != 7 || period[4] != '-') return false;
  for (const size_t i : {0, 1, 2, 3, 5, 6}) {
    if (period[i] < '0' || period[i] > '9') return false;
  }
  return true;
}

// Text of people on one line: control characters would tear a page or a table.
std::string OneLine(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < ' ' || c == 0x7F) c = ' ';
  }
  return text;
}

}  // namespace

std::string AmountText(int64_t amount, bool won) {
  const bool negative = amount < 0;
  const uint64_t size =
      negative ? 0 - static_cast<uint64_t>(amount) : static_cast<uint64_t>(amount);
  std::string digits = std::to_string(size);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<size_t>(at), ",");
  return (negative ? "-" : "") + std::string(won ? "₩" : "") + digits;
}

StatusOr<StatementDocument> DocumentOf(const v1::GetStatementResponse& statement, bool korean) {
  if (!IsPeriodText(statement.period())) return DoesNotAddUp("its period");
  StatementDocument document;
  document.korean = korean;
  document.period = statement.period();
  document.end_micros = statement.to_micros();
  document.partner_id = OneLine(statement.partner_id());
  document.partner_name =
      OneLine(statement.partner_name().empty() ? statement.partner_id() : statement.partner_name());
  const auto say = [&](Words words) { return words.In(korean); };
  document.title = korean ? document.period.substr(0, 4) + "년 " +
                                std::to_string(std::atoi(document.period.substr(5).c_str())) +
                                "월 참여 명세서"
                          : "Statement of " + document.period;
  document.facts = {
      {say({"파트너사", "Partner"}), document.partner_name},
      {say({"파트너사 번호", "Partner id"}), document.partner_id},
      {say({"기간", "Period"}),
       document.period + "-01 ~ " + LastDay(document.period) + say({" (서울)", " (Seoul)"})},
      {say({"회원 자격", "Membership"}),
       statement.member() ? say({"월말 현재 회원", "member at the month's end"})
                          : say({"월말 현재 회원이 아님", "not a member at the month's end"})},
      {say({"적용 정책", "Policy"}), (korean ? "제" : "version ") +
                                         std::to_string(statement.policy_version()) +
                                         (korean ? "판" : "")}};
  for (const SectionShape& shape : Shapes()) {
    JANGBU_ASSIGN_OR_RETURN(StatementSection section, SectionOf(shape, statement, korean));
    document.sections.push_back(std::move(section));
  }
  if (statement.close_posted()) {
    StatementSection share;
    share.code = "close";
    share.title = say({"이 달 매출 배분의 정산", "The close of this month's revenue"});
    share.columns = {{"won", UnitWords("won").In(korean)}};
    const auto add = [&](const char* code, std::string label, RowKind kind, int64_t won) {
      share.rows.push_back({code, std::move(label), kind, {won}});
    };
    int64_t with_vat = 0;
    if (__builtin_add_overflow(statement.payout_won(), statement.vat_won(), &with_vat))
      return DoesNotAddUp("close");
    add("share", say({"배분 몫", "share"}), RowKind::kMovement, statement.share_won());
    add("held", say({"그중 이의로 보류", "of which held for claims"}), RowKind::kPart,
        statement.held_won());
    add("payout", say({"지급액 (이월분 포함)", "payout, earlier months included"}),
        RowKind::kBalance, statement.payout_won());
    add("vat", say({"부가가치세 ", "VAT "}) + BasisPoints(statement.vat_basis_points()),
        RowKind::kMovement, statement.vat_won());
    add("payout_with_vat", say({"지급액과 부가가치세", "payout and VAT"}), RowKind::kBalance,
        with_vat);
    document.sections.push_back(std::move(share));
    document.facts.emplace_back(
        say({"배분 가중치", "Weight in the share"}),
        AmountText(statement.weight(), false) +
            say({" (월말 확정 기여)", " (credit confirmed by the month's end)"}));
    document.facts.emplace_back(say({"지급 상태", "Payment"}),
                                PayoutWords(statement.payout_state()).In(korean));
    document.notes.push_back(
        say({"배분 몫은 공개된 정산 기록에서 다시 계산할 수 있습니다: jangbu close proof ",
             "The share can be computed again from the public record: jangbu close proof "}) +
        document.period);
  } else {
    document.notes.push_back(say({"이 달의 매출 배분은 아직 정산되지 않았습니다.",
                                  "The close of this month has not been posted."}));
  }
  if (!statement.final()) {
    document.title += say({" (진행 중)", " (so far)"});
    document.notes.push_back(say(
        {"기간이 끝나지 않아 수치가 더 바뀝니다.", "The period is not over: the figures go on."}));
  }
  document.notes.push_back(
      say({"모든 수치는 장부의 이체를 합한 것이며, 정정은 다음 열린 달의 이체로 적힙니다.",
           "All figures are sums of the ledger's transfers; corrections are transfers of a later "
           "month."}));
  return document;
}

std::string CsvCell(std::string_view text) {
  static const std::string_view kFormula[] = {"=",  "+",  "-",  "@",  "\t",
                                              "\r", "＝", "＋", "－", "＠"};
  std::string cell;
  for (const std::string_view sign : kFormula) {
    if (text.starts_with(sign)) {
      cell = "'";
      break;
    }
  }
  cell += text;
  if (cell.find_first_of("\",\r\n") == std::string::npos) return cell;
  std::string quoted = "\"";
  for (const char c : cell) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + "\"";
}

std::string CsvOf(const StatementDocument& document) {
  std::string out = "\xEF\xBB\xBF";
  const auto row = [&](std::initializer_list<std::string> cells) {
    size_t n = 0;
    for (const std::string& cell : cells) out += (n++ == 0 ? "" : ",") + cell;
    out += "\r\n";
  };
  const bool ko = document.korean;
  row({ko ? "구분" : "section", ko ? "부호" : "code", ko ? "항목" : "item", ko ? "단위" : "unit",
       ko ? "값" : "value"});
  row({"statement", "title", "", "", CsvCell(document.title)});
  for (const auto& [label, text] : document.facts)
    row({"statement", "fact", CsvCell(label), "", CsvCell(text)});
  for (const StatementSection& section : document.sections) {
    for (const StatementRow& line : section.rows) {
      for (size_t i = 0; i < section.columns.size(); ++i) {
        row({section.code, CsvCell(line.code), CsvCell(section.title + " / " + line.label),
             section.columns[i].asset, std::to_string(line.amounts[i])});
      }
    }
  }
  for (const std::string& note : document.notes) row({"statement", "note", "", "", CsvCell(note)});
  return out;
}

}  // namespace jangbu::services::outputs
