#include "ledger/merkle/note.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "base/digest.h"
#include "ledger/merkle/text.h"

namespace jangbu::ledger {
namespace {

constexpr std::string_view kSignaturePrefix = "\xE2\x80\x94 ";  // em dash, space
constexpr std::string_view kSkeyPrefix = "PRIVATE+KEY+";
constexpr size_t kSignatureBytes = 64;
constexpr size_t kTimeBytes = 8;

using Pkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using MdCtx = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

bool IsKnownType(uint8_t type) {
  return type == static_cast<uint8_t>(KeyType::kEd25519) ||
         type == static_cast<uint8_t>(KeyType::kCosignature);
}

const uint8_t* Unsigned(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

void AppendBigEndian(uint64_t value, int bytes, std::string& out) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    out.push_back(static_cast<char>(value >> shift));
}

uint64_t BigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<uint8_t>(c);
  return value;
}

Ed25519Bytes PublicKeyOf(const Ed25519Bytes& seed) {
  const Pkey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
                 &EVP_PKEY_free);
  JANGBU_CHECK(key != nullptr);
  Ed25519Bytes out;
  size_t size = out.size();
  JANGBU_CHECK(EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) == 1 &&
               size == out.size());
  return out;
}

std::string Ed25519Sign(const Ed25519Bytes& seed, std::string_view message) {
  const Pkey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
                 &EVP_PKEY_free);
  const MdCtx context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  JANGBU_CHECK(key != nullptr && context != nullptr);
  JANGBU_CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1);
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  JANGBU_CHECK(EVP_DigestSign(context.get(), reinterpret_cast<uint8_t*>(signature.data()), &size,
                              Unsigned(message), message.size()) == 1 &&
               size == kSignatureBytes);
  return signature;
}

bool Ed25519Verify(const Ed25519Bytes& public_key, std::string_view message,
                   std::string_view signature) {
  if (signature.size() != kSignatureBytes) return false;
  const Pkey key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()),
      &EVP_PKEY_free);
  const MdCtx context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  if (key == nullptr || context == nullptr) return false;
  if (EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return false;
  return EVP_DigestVerify(context.get(), Unsigned(signature), signature.size(), Unsigned(message),
                          message.size()) == 1;
}

std::string CosignedMessage(uint64_t time_s, std::string_view text) {
  std::string message = "cosignature/v1\ntime ";
  message.append(std::to_string(time_s)).append("\n").append(text);
  return message;
}

std::string KeyIdHex(uint32_t key_id) {
  std::string bytes;
  AppendBigEndian(key_id, 4, bytes);
  return ToHex(bytes);
}

struct KeyText {
  std::string_view name;
  std::string_view key_id_hex;
  KeyType type;
  Ed25519Bytes bytes;
};

// name+id+base64(type bytes[32]); base64 may hold more pluses, a name and an id may not.
std::optional<KeyText> SplitKey(std::string_view text) {
  const size_t first = text.find('+');
  if (first == std::string_view::npos) return std::nullopt;
  const size_t second = text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  StatusOr<std::string> key = FromBase64(text.substr(second + 1));
  if (!key.ok() || key->size() != 33 || !IsKnownType(static_cast<uint8_t>((*key)[0])))
    return std::nullopt;
  KeyText out{text.substr(0, first),
              text.substr(first + 1, second - first - 1),
              static_cast<KeyType>(static_cast<uint8_t>((*key)[0])),
              {}};
  std::copy(key->begin() + 1, key->end(), out.bytes.begin());
  OPENSSL_cleanse(key->data(), key->size());
  return out;
}

// "name base64" of a signature line, without prefix and newline.
std::optional<NoteSignature> ParseSignature(std::string_view line) {
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || !text::IsKeyName(line.substr(0, space)))
    return std::nullopt;
  const StatusOr<std::string> bytes = FromBase64(line.substr(space + 1));
  if (!bytes.ok() || bytes->size() < 5) return std::nullopt;
  return NoteSignature{std::string(line.substr(0, space)),
                       static_cast<uint32_t>(BigEndian(std::string_view(*bytes).substr(0, 4))),
                       bytes->substr(4)};
}

bool IsTextOfNote(std::string_view text) { return text.ends_with('\n') && text::IsNoteText(text); }

}  // namespace

NoteVerifier::NoteVerifier(std::string name, const Ed25519Bytes& public_key, KeyType type)
    : name_(std::move(name)), public_key_(public_key), type_(type) {
  const char type_byte = static_cast<char>(type);
  const Digest digest = Sha256({name_, "\n", std::string_view(&type_byte, 1), AsView(public_key_)});
  key_id_ = static_cast<uint32_t>(BigEndian(AsView(digest).substr(0, 4)));
}

StatusOr<NoteVerifier> NoteVerifier::Create(std::string_view name, const Ed25519Bytes& public_key,
                                            KeyType type) {
  if (!text::IsKeyName(name)) {
    return InvalidArgument("bad_key_name",
                           "a key name is UTF-8 without spaces, control characters and plus signs");
  }
  return NoteVerifier(std::string(name), public_key, type);
}

StatusOr<NoteVerifier> NoteVerifier::Parse(std::string_view vkey) {
  const Status bad =
      InvalidArgument("bad_vkey", "a verifier key is name+id+base64, of an Ed25519 or witness key");
  const std::optional<KeyText> key = SplitKey(vkey);
  if (!key.has_value() || !text::IsKeyName(key->name)) return bad;
  NoteVerifier verifier(std::string(key->name), key->bytes, key->type);
  if (key->key_id_hex != KeyIdHex(verifier.key_id())) {
    return InvalidArgument("bad_vkey", "the id in this verifier key is not the id of its key");
  }
  return verifier;
}

std::string NoteVerifier::Vkey() const {
  std::string key(1, static_cast<char>(type_));
  key.append(AsView(public_key_));
  return name_ + "+" + KeyIdHex(key_id_) + "+" + ToBase64(key);
}

bool NoteVerifier::Verify(std::string_view text, std::string_view signature) const {
  if (type_ == KeyType::kEd25519) return Ed25519Verify(public_key_, text, signature);
  if (signature.size() != kTimeBytes + kSignatureBytes) return false;
  const uint64_t time_s = BigEndian(signature.substr(0, kTimeBytes));
  if (time_s >> 63 != 0) return false;
  return Ed25519Verify(public_key_, CosignedMessage(time_s, text), signature.substr(kTimeBytes));
}

NoteSigner::NoteSigner(NoteVerifier verifier, const Ed25519Bytes& seed)
    : verifier_(std::move(verifier)), seed_(seed) {}

NoteSigner::~NoteSigner() { OPENSSL_cleanse(seed_.data(), seed_.size()); }

StatusOr<NoteSigner> NoteSigner::Create(std::string_view name, const Ed25519Bytes& seed,
                                        KeyType type) {
  JANGBU_ASSIGN_OR_RETURN(NoteVerifier verifier,
                          NoteVerifier::Create(name, PublicKeyOf(seed), type));
  return NoteSigner(std::move(verifier), seed);
}

StatusOr<NoteSigner> NoteSigner::Parse(std::string_view skey) {
  const Status bad = InvalidArgument(
      "bad_skey", "a signer key is PRIVATE+KEY+name+id+base64, of an Ed25519 or witness key");
  if (!skey.starts_with(kSkeyPrefix)) return bad;
  std::optional<KeyText> key = SplitKey(skey.substr(kSkeyPrefix.size()));
  if (!key.has_value()) return bad;
  StatusOr<NoteSigner> signer = Create(key->name, key->bytes, key->type);
  OPENSSL_cleanse(key->bytes.data(), key->bytes.size());
  if (!signer.ok() || key->key_id_hex != KeyIdHex(signer->key_id())) return bad;
  return signer;
}

std::string NoteSigner::Skey() const {
  std::string key(1, static_cast<char>(verifier_.type()));
  key.append(AsView(seed_));
  std::string skey(kSkeyPrefix);
  skey.append(name()).append("+").append(KeyIdHex(key_id())).append("+").append(ToBase64(key));
  OPENSSL_cleanse(key.data(), key.size());
  return skey;
}

NoteSignature NoteSigner::Sign(std::string_view text) const {
  JANGBU_CHECK(verifier_.type() == KeyType::kEd25519);
  return {name(), key_id(), Ed25519Sign(seed_, text)};
}

NoteSignature NoteSigner::Cosign(std::string_view text, uint64_t time_s) const {
  JANGBU_CHECK(verifier_.type() == KeyType::kCosignature && time_s >> 63 == 0);
  std::string bytes;
  AppendBigEndian(time_s, kTimeBytes, bytes);
  bytes.append(Ed25519Sign(seed_, CosignedMessage(time_s, text)));
  return {name(), key_id(), std::move(bytes)};
}

StatusOr<Note> ParseNote(std::string_view bytes) {
  if (bytes.size() > kMaxNoteBytes) {
    return InvalidArgument(
        "note_too_large",
        std::to_string(bytes.size()) + " bytes; the limit is " + std::to_string(kMaxNoteBytes));
  }
  if (!text::IsNoteText(bytes))
    return InvalidArgument("bad_note_text", "not UTF-8 without control characters");
  const size_t divide = bytes.rfind("\n\n");
  if (divide == std::string_view::npos)
    return InvalidArgument("truncated", "no empty line before the signatures");
  Note note;
  note.text = bytes.substr(0, divide + 1);
  std::string_view rest = bytes.substr(divide + 2);
  if (rest.empty()) return InvalidArgument("truncated", "no signatures");
  while (!rest.empty()) {
    if (note.signatures.size() == kMaxNoteSignatures) {
      return InvalidArgument("note_too_large",
                             "more than " + std::to_string(kMaxNoteSignatures) + " signatures");
    }
    const Status bad =
        InvalidArgument("bad_signature_line", "line " + std::to_string(note.signatures.size() + 1) +
                                                  " after the text is no signature");
    if (!rest.starts_with(kSignaturePrefix.substr(0, rest.size()))) return bad;
    const std::optional<std::string_view> line = text::TakeLine(rest);
    if (!line.has_value()) return InvalidArgument("truncated", "the last signature is cut short");
    if (!line->starts_with(kSignaturePrefix)) return bad;
    std::optional<NoteSignature> signature = ParseSignature(line->substr(kSignaturePrefix.size()));
    if (!signature.has_value()) return bad;
    note.signatures.push_back(std::move(*signature));
  }
  return note;
}

std::string EncodeNote(const Note& note) {
  std::string out = note.text;
  out.push_back('\n');
  for (const NoteSignature& signature : note.signatures) {
    std::string bytes;
    AppendBigEndian(signature.key_id, 4, bytes);
    bytes.append(signature.bytes);
    out.append(kSignaturePrefix)
        .append(signature.name)
        .append(" ")
        .append(ToBase64(bytes))
        .append("\n");
  }
  return out;
}

StatusOr<std::string> SignNote(std::string_view text, const NoteSigner& signer) {
  if (!IsTextOfNote(text)) {
    return InvalidArgument(
        "bad_note_text",
        "the text of a note is UTF-8 without control characters and ends in a newline");
  }
  return EncodeNote({std::string(text), {signer.Sign(text)}});
}

StatusOr<std::vector<VerifiedSignature>> VerifyNote(const Note& note,
                                                    std::span<const NoteVerifier> verifiers) {
  std::vector<VerifiedSignature> out;
  std::vector<bool> seen(verifiers.size());
  for (const NoteSignature& signature : note.signatures) {
    for (size_t i = 0; i < verifiers.size(); ++i) {
      const NoteVerifier& verifier = verifiers[i];
      if (verifier.key_id() != signature.key_id || verifier.name() != signature.name) continue;
      if (!verifier.Verify(note.text, signature.bytes)) {
        return Unauthenticated("bad_signature", "the signature of " + verifier.name() +
                                                    " is not that key's over this text");
      }
      if (seen[i]) continue;
      seen[i] = true;
      const bool timed = verifier.type() == KeyType::kCosignature;
      out.push_back(
          {i, timed ? BigEndian(std::string_view(signature.bytes).substr(0, kTimeBytes)) : 0});
    }
  }
  if (out.empty()) return Unauthenticated("unknown_key", "no signature by a key that is asked for");
  return out;
}

}  // namespace jangbu::ledger
