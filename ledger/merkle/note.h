#pragma once

// Signed notes: text under signatures of named keys, C2SP signed-note
// (https://c2sp.org/signed-note).
//
//   note      = text LF 1*signature             ; text ends in LF; the last empty line divides them
//   signature = "— " key-name SP base64(key-id[4] signature-bytes) LF
//   key-id    = SHA-256(key-name LF type public-key)[:4]                           ; big-endian
//   vkey      = key-name "+" 8hex(key-id) "+" base64(type public-key[32])
//   skey      = "PRIVATE+KEY+" key-name "+" 8hex(key-id) "+" base64(type seed[32])
//
// Two types of key, both Ed25519 (RFC 8032): 0x01 signs the text; 0x04 is a witness, whose
// signature is an uint64 big-endian time in seconds since 1970 and the Ed25519 signature of
// "cosignature/v1\ntime <time>\n" before the text (https://c2sp.org/tlog-cosignature). The text of
// a note means nothing until VerifyNote says who signed it.

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace jangbu::ledger {

enum class KeyType : uint8_t { kEd25519 = 0x01, kCosignature = 0x04 };

inline constexpr size_t kMaxNoteBytes = 1'000'000;
inline constexpr size_t kMaxNoteSignatures = 100;  // the specification asks for at least 16

using Ed25519Bytes = std::array<uint8_t, 32>;  // a public key or a seed

struct NoteSignature {
  std::string name;
  uint32_t key_id = 0;
  std::string bytes;  // 1 or more, as the type of key has them

  bool operator==(const NoteSignature&) const = default;
};

struct Note {
  std::string text;  // ends in a newline
  std::vector<NoteSignature> signatures;

  bool operator==(const Note&) const = default;
};

// Who may have signed: a name, a type and a public key. Immutable, thread-safe.
class NoteVerifier {
 public:
  // Reads a vkey. InvalidArgument("bad_vkey") for anything but its one spelling and for types not
  // listed above.
  static StatusOr<NoteVerifier> Parse(std::string_view vkey);
  // InvalidArgument("bad_key_name").
  static StatusOr<NoteVerifier> Create(std::string_view name, const Ed25519Bytes& public_key,
                                       KeyType type = KeyType::kEd25519);

  const std::string& name() const { return name_; }
  uint32_t key_id() const { return key_id_; }
  KeyType type() const { return type_; }
  const Ed25519Bytes& public_key() const { return public_key_; }
  std::string Vkey() const;

  // True when `signature` is this key's over `text`. About 0.1 ms.
  bool Verify(std::string_view text, std::string_view signature) const;

 private:
  NoteVerifier(std::string name, const Ed25519Bytes& public_key, KeyType type);

  std::string name_;
  Ed25519Bytes public_key_;
  KeyType type_;
  uint32_t key_id_;
};

// A private key. The seed is wiped on destruction; Skey() is the only way out of it. Thread-safe
// after construction.
class NoteSigner {
 public:
  // The seed is 32 bytes of the caller's randomness. InvalidArgument("bad_key_name").
  static StatusOr<NoteSigner> Create(std::string_view name, const Ed25519Bytes& seed,
                                     KeyType type = KeyType::kEd25519);
  // Reads an skey; InvalidArgument("bad_skey"), which never repeats the key.
  static StatusOr<NoteSigner> Parse(std::string_view skey);
  NoteSigner(NoteSigner&&) = default;
  NoteSigner& operator=(NoteSigner&&) = default;
  ~NoteSigner();

  const std::string& name() const { return verifier_.name(); }
  uint32_t key_id() const { return verifier_.key_id(); }
  const NoteVerifier& verifier() const { return verifier_; }
  std::string Skey() const;

  // The signature of `text`. REQUIRES: a key of type kEd25519.
  NoteSignature Sign(std::string_view text) const;
  // The cosignature of `text` as of `time_s`. REQUIRES: a key of type kCosignature, time_s < 2^63.
  NoteSignature Cosign(std::string_view text, uint64_t time_s) const;

 private:
  NoteSigner(NoteVerifier verifier, const Ed25519Bytes& seed);

  NoteVerifier verifier_;
  Ed25519Bytes seed_;
};

// Reads a note without believing it. Accepts one spelling: EncodeNote(*ParseNote(b)) == b.
// InvalidArgument:
//   note_too_large      over kMaxNoteBytes, or over kMaxNoteSignatures signatures
//   truncated           no empty line, no signature, or the last line is cut short
//   bad_note_text       not UTF-8, or with control characters
//   bad_signature_line  a line after the text that is no signature: bytes that do not belong there
StatusOr<Note> ParseNote(std::string_view bytes);
std::string EncodeNote(const Note& note);

// The note of `text` signed by `signer`. InvalidArgument("bad_note_text") when it is no text of a
// note.
StatusOr<std::string> SignNote(std::string_view text, const NoteSigner& signer);

struct VerifiedSignature {
  size_t verifier = 0;  // position in the list given to VerifyNote
  uint64_t time_s = 0;  // of a cosignature; else 0

  bool operator==(const VerifiedSignature&) const = default;
};

// Which of `verifiers` signed the note, once each, in the order of the note. Signatures of other
// keys are ignored. Unauthenticated("unknown_key") when none of them did,
// Unauthenticated("bad_signature") when a signature under the name and id of one of them is not
// that key's.
StatusOr<std::vector<VerifiedSignature>> VerifyNote(const Note& note,
                                                    std::span<const NoteVerifier> verifiers);

}  // namespace jangbu::ledger
