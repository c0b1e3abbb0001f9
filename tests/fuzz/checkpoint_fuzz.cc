// Signed notes, checkpoints and keys from outside. What parses is spelt in the only way there is,
// and nothing that the fuzzer makes up is the log's.

#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "ledger/merkle/checkpoint.h"
#include "ledger/merkle/note.h"
#include "tests/ledger/merkle/test_log.h"

using namespace jangbu;
using namespace jangbu::ledger;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TestLog log(5);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  if (const StatusOr<Note> note = ParseNote(bytes); note.ok()) {
    JANGBU_CHECK(EncodeNote(*note) == bytes);
    JANGBU_CHECK(*ParseNote(EncodeNote(*note)) == *note);
    if (const StatusOr<Checkpoint> checkpoint = ParseCheckpoint(note->text); checkpoint.ok()) {
      JANGBU_CHECK(EncodeCheckpoint(*checkpoint) == note->text);
    }
  }
  if (const StatusOr<Checkpoint> checkpoint = ParseCheckpoint(bytes); checkpoint.ok()) {
    JANGBU_CHECK(EncodeCheckpoint(*checkpoint) == bytes);
    JANGBU_CHECK(*ParseCheckpoint(EncodeCheckpoint(*checkpoint)) == *checkpoint);
  }
  if (const StatusOr<Checkpoint> checkpoint = VerifyCheckpoint(bytes, log.signer.verifier());
      checkpoint.ok()) {
    // The corpus has signed ones; only they verify.
    JANGBU_CHECK(checkpoint->size <= 5 && *checkpoint == log.Head(checkpoint->size));
  }
  if (const StatusOr<NoteVerifier> verifier = NoteVerifier::Parse(bytes); verifier.ok()) {
    JANGBU_CHECK(verifier->Vkey() == bytes);
  }
  if (const StatusOr<NoteSigner> signer = NoteSigner::Parse(bytes); signer.ok()) {
    JANGBU_CHECK(signer->Skey() == bytes);
    JANGBU_CHECK(NoteVerifier::Parse(signer->verifier().Vkey())->key_id() == signer->key_id());
  }
  return 0;
}
