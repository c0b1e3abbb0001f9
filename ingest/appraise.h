#pragma once

// Appraisal: canonical text, then screening, then what it offers as new, then its counts, in that
// order. The front door of the module: what a document is worth, as far as the document alone can
// tell. Whether its offers are new is settled later, by whoever knows what came before
// (ingest/dedup/document_form.h).

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/key_index.h"
#include "ingest/dedup/document_form.h"
#include "ingest/dedup/fingerprint.h"
#include "ingest/dedup/novelty.h"
#include "ingest/screen/screen.h"
#include "ingest/tokens/token_counter.h"

namespace jangbu::ingest {

struct Appraisal {
  std::string canonical;  // screened: what is stored, counted, compared, exported and audited
  Screened screened;      // with a reason: the document is refused, and of the following only
                          // chars and words are set
  Digest form_sha256{};   // identity: SHA-256 of the document's comparison form
  Key document_key{};     // its name in the key index
  // False: the comparison form is empty, the document is no_text, and of the following only chars
  // and words are set.
  bool has_text = false;
  int64_t chars = 0;      // code points of canonical text, line breaks included
  int64_t syllables = 0;  // U+AC00–U+D7A3
  int64_t words = 0;      // 어절
  int64_t tokens = 0;     // of the pinned tokenizer, summed over segments
  int64_t korean_words = 0;
  int64_t korean_tokens = 0;
  std::vector<SegmentOffer> offers;
  DocumentForm form;  // form.offers belong to offers one to one
};

// One thread at a time; make one for each. Appraise is a pure function of the text: the same for
// any thread and order.
class Appraiser {
 public:
  // Borrows `fingerprinter`.
  Appraiser(std::shared_ptr<const Tokenizer> tokenizer, TokenCounterOptions options,
            const Fingerprinter& fingerprinter);

  // REQUIRES: valid UTF-8 of at most 64 MiB. Linear.
  Appraisal Appraise(std::string_view utf8, const ScreenPolicy& policy = {});

 private:
  TokenCounter counter_;
  const Fingerprinter& fingerprinter_;
  std::vector<std::string_view> texts_;  // of the segments of the text at hand
  std::vector<int64_t> tokens_;          // and their counts
};

}  // namespace jangbu::ingest
