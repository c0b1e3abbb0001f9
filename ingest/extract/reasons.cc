#include "ingest/extract/reasons.h"

#include "base/check.h"

namespace jangbu::ingest {
namespace {

constexpr ReasonInfo kReasons[] = {
    {Reason::kUnsupportedFormat, "unsupported_format", "This kind of file cannot be read.",
     "Send JSON Lines (.jsonl, one object with a \"text\" a line) or plain text (.txt), also as "
     ".gz or .zst.",
     "읽을 수 없는 형식의 파일입니다.",
     "JSON Lines(.jsonl, 한 줄에 \"text\"가 있는 객체 하나)나 일반 텍스트(.txt)로 보내 주세요. "
     ".gz, .zst 압축도 됩니다."},
    {Reason::kUnknownEncoding, "unknown_encoding",
     "The character encoding of the file could not be recognised.",
     "Save the file as UTF-8 and send it again.", "파일의 문자 인코딩을 알아낼 수 없습니다.",
     "UTF-8로 저장해서 다시 보내 주세요."},
    {Reason::kBadCompression, "bad_compression",
     "The compressed data is damaged or cut short; the records before the damage were read.",
     "Compress the file again and send it again; records already taken are recognised.",
     "압축 데이터가 깨졌거나 중간에 끊겼습니다. 그 앞의 레코드는 읽었습니다.",
     "다시 압축해서 보내 주세요. 이미 받은 레코드는 중복으로 알아봅니다."},
    {Reason::kCompressionLimit, "compression_limit",
     "The compressed data grows past what is accepted (size, ratio or memory window).",
     "Split the file, or compress it with ordinary settings.",
     "압축을 풀면 허용 한도(크기, 압축률, 메모리 창)를 넘습니다.",
     "파일을 나누거나 일반 설정으로 압축해 주세요."},
    {Reason::kNestedCompression, "nested_compression", "The file is compressed more than once.",
     "Compress it once only.", "파일이 두 번 이상 압축되어 있습니다.", "한 번만 압축해 주세요."},
    {Reason::kNoText, "no_text",
     "There is no text: it is missing, null, empty or nothing but invisible characters.",
     "Put the document's text into \"text\".",
     "본문이 없습니다. text가 없거나 null이거나 비어 있거나 보이지 않는 문자뿐입니다.",
     "문서의 본문을 \"text\"에 넣어 주세요."},
    {Reason::kRecordTooLarge, "record_too_large",
     "The record is larger than is accepted for one document.",
     "Split the document, for example by chapter.", "레코드가 문서 하나의 허용 크기를 넘습니다.",
     "장(章)별로 나누는 등 문서를 쪼개 주세요."},
    {Reason::kInvalidUtf8, "invalid_utf8", "The bytes are not valid UTF-8.",
     "Export the record again as UTF-8; the offset tells where it breaks.",
     "UTF-8이 아닌 바이트가 들어 있습니다.",
     "UTF-8로 다시 내보내 주세요. 깨진 위치는 오프셋에 있습니다."},
    {Reason::kBadEncoding, "bad_encoding",
     "Some bytes have no meaning in the file's character encoding.",
     "Save the file as UTF-8 and send it again; the offset tells where it breaks.",
     "파일의 문자 인코딩에 없는 바이트가 들어 있습니다.",
     "UTF-8로 저장해서 다시 보내 주세요. 깨진 위치는 오프셋에 있습니다."},
    {Reason::kInvalidJson, "invalid_json", "The line is not valid JSON.",
     "Write each record with a JSON library, one a line; the offset tells where it breaks.",
     "올바른 JSON이 아닌 줄입니다.",
     "JSON 라이브러리로 한 줄에 하나씩 써 주세요. 깨진 위치는 오프셋에 있습니다."},
    {Reason::kTooDeep, "too_deep", "The JSON is nested too deeply.",
     "Leave out the nested fields; only \"text\" is needed.", "JSON이 너무 깊게 중첩되어 있습니다.",
     "중첩된 필드를 빼 주세요. \"text\"만 있으면 됩니다."},
    {Reason::kTooManyMembers, "too_many_members", "The JSON object has too many members.",
     "Leave out the fields that are not needed.", "JSON 객체의 항목이 너무 많습니다.",
     "필요 없는 필드를 빼 주세요."},
    {Reason::kNotAnObject, "not_an_object", "The line is valid JSON but not an object.",
     "Write each record as an object: {\"id\": ..., \"text\": ...}.",
     "JSON이지만 객체가 아닌 줄입니다.",
     "레코드를 {\"id\": ..., \"text\": ...} 꼴의 객체로 써 주세요."},
    {Reason::kDuplicateKey, "duplicate_key",
     "The object names the same key twice, so its meaning is unclear.", "Write each key once.",
     "객체에 같은 키가 두 번 있어 뜻이 분명하지 않습니다.", "키마다 한 번씩만 써 주세요."},
    {Reason::kTextNotString, "text_not_string", "\"text\" is not a string.",
     "Write the text as a JSON string.", "\"text\"가 문자열이 아닙니다.",
     "본문을 JSON 문자열로 써 주세요."},
    {Reason::kLoneSurrogate, "lone_surrogate",
     "An escape names half of a character (an unpaired surrogate).",
     "Export the record again; a character was probably cut in two.",
     "문자의 반쪽만 가리키는 이스케이프(짝 없는 서로게이트)가 있습니다.",
     "문자가 중간에 잘린 것 같습니다. 다시 내보내 주세요."},
    {Reason::kBadId, "bad_id", "\"id\" is neither a string nor a number, or is too long.",
     "Give an id of at most 1,024 bytes, or none.",
     "\"id\"가 문자열도 숫자도 아니거나 너무 깁니다.", "1,024바이트 이하의 id를 쓰거나 빼 주세요."},
};

}  // namespace

std::span<const ReasonInfo> AllReasons() { return kReasons; }

const ReasonInfo& InfoOf(Reason reason) {
  const auto index = static_cast<size_t>(reason);
  JANGBU_CHECK(index < std::size(kReasons) && kReasons[index].reason == reason);
  return kReasons[index];
}

std::optional<Reason> ReasonOfCode(std::string_view code) {
  for (const ReasonInfo& info : kReasons) {
    if (info.code == code) return info.reason;
  }
  return std::nullopt;
}

}  // namespace jangbu::ingest
