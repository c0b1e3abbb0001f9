// Receipts and bundles from outside: what parses is spelt in the only way there is, and no change
// to a receipt of the corpus makes it prove anything else.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "ledger/merkle/leaf.h"
#include "ledger/merkle/receipt.h"
#include "tests/ledger/merkle/test_log.h"

using namespace jangbu;
using namespace jangbu::ledger;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const TestLog log(5);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);

  if (const StatusOr<LeafOpening> opening = ParseOpening(bytes); opening.ok()) {
    JANGBU_CHECK(EncodeOpening(*opening) == bytes);
    JANGBU_CHECK(*ParseOpening(EncodeOpening(*opening)) == *opening);
  }
  if (const StatusOr<Receipt> receipt = ParseReceipt(bytes); receipt.ok()) {
    JANGBU_CHECK(EncodeReceipt(*receipt) == bytes);
    JANGBU_CHECK(*ParseReceipt(EncodeReceipt(*receipt)) == *receipt);
  }
  if (const StatusOr<std::vector<std::string_view>> parts = ParseReceiptBundle(bytes); parts.ok()) {
    JANGBU_CHECK(*EncodeReceiptBundle(std::vector<std::string>(parts->begin(), parts->end())) ==
                 bytes);
  }
  if (const StatusOr<std::vector<OpenedReceipt>> opened =
          VerifyReceiptFile(bytes, log.signer.verifier());
      opened.ok()) {
    for (const OpenedReceipt& receipt : *opened) {
      JANGBU_CHECK(receipt.index < receipt.checkpoint.size && receipt.checkpoint.size <= 5);
      JANGBU_CHECK(receipt.own_part == log.openings[receipt.index].own_part);
      JANGBU_CHECK(receipt.checkpoint == log.Head(receipt.checkpoint.size));
    }
  }
  return 0;
}
