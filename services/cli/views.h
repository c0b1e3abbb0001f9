#pragma once

// What the server answers, as JSON with stable names and as words.

#include <string>
#include <string_view>

#include "base/status.h"
#include "jangbu/v1/admin.pb.h"
#include "jangbu/v1/contribute.pb.h"
#include "jangbu/v1/ledger.pb.h"
#include "services/cli/messages.h"

namespace jangbu::services::cli {

// Names of enumerators as the product writes them: "open", "article", "partner", "ACCEPTED";
// "unspecified" otherwise.
std::string StateName(jangbu::v1::UploadState state);
std::string SourceTypeName(jangbu::v1::SourceType type);
std::string RoleName(jangbu::v1::Role role);
std::string VerdictName(jangbu::v1::Verdict verdict);
// The same in the language of the reader.
std::string StateWords(Lang lang, jangbu::v1::UploadState state);
std::string SourceTypeWords(Lang lang, jangbu::v1::SourceType type);
std::string RoleWords(Lang lang, jangbu::v1::Role role);
std::string VerdictWords(Lang lang, jangbu::v1::Verdict verdict);
// And back, in any case of letters; InvalidArgument.
StatusOr<jangbu::v1::SourceType> ParseSourceType(std::string_view name);
StatusOr<jangbu::v1::Role> ParseRole(std::string_view name);
StatusOr<jangbu::v1::Verdict> ParseVerdict(std::string_view name);
// mask, reject, keep; "" is mask.
std::string PersonalDataName(jangbu::v1::PersonalDataPolicy policy);
std::string PersonalDataWords(Lang lang, jangbu::v1::PersonalDataPolicy policy);
StatusOr<jangbu::v1::PersonalDataPolicy> ParsePersonalData(std::string_view name);
// What screening found, in a few words: "mobile 2, email 1; spaced_out 63 > 50". "" when nothing.
std::string ScreeningWords(Lang lang, const jangbu::v1::DocumentVerdict& verdict);

// Each one object on one line, without a line break.
std::string PartnerJson(const jangbu::v1::Partner& partner);
std::string KeyJson(const jangbu::v1::ApiKey& key, std::string_view secret);
std::string CorpusJson(const jangbu::v1::Corpus& corpus);
std::string UploadJson(const jangbu::v1::Upload& upload);
std::string TrialJson(const std::string& corpus_id, const jangbu::v1::TrialOutcome& outcome);
std::string VerdictJson(const jangbu::v1::DocumentVerdict& verdict);
// Millionths as a decimal number without trailing zeroes: 1000000 → "1", 812345 → "0.812345".
std::string Millionths(uint32_t ppm);
std::string BalanceJson(const jangbu::v1::Balance& balance);
std::string TransferJson(const jangbu::v1::Transfer& transfer);
std::string LotJson(const jangbu::v1::LotSummary& lot);
std::string LotJson(const jangbu::v1::Lot& lot);
std::string ItemJson(std::string_view upload_id, const jangbu::v1::ListItemsResponse& item);

}  // namespace jangbu::services::cli
