#pragma once

// The run index of an installation: every committed text, by partner, kept in step with the
// journal, and the way back from an index entry to the text.
//
//     Settle ─► Append (a small segment in memory, at once) ─► merged in the background
//                                                           ─► DATA_DIR/index/pN-M.runs
//
// Two views of the same segments: a partner's own (the upload path asks nothing else) and
// everybody's (confirmation runs, the guard). The files are a copy of what the journal and the
// texts say: whatever is missing, damaged or of another secret when the installation is opened is
// made again from the texts. They hold keyed hashes and places, no text. Merging reads texts only
// where a piece of text becomes common; text is never copied.
//
// In the index are the documents whose verdict is ACCEPTED or NEAR_DUPLICATE, under the place
// (batch token, ordinal) and the partner's number as scope. An exact duplicate's text is there
// already. Thread-safe.

#include <condition_variable>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "base/blob_store.h"
#include "base/key_index.h"
#include "base/status.h"
#include "ingest/dedup/document_form.h"
#include "ingest/dedup/run_index.h"
#include "ingest/dedup/run_summaries.h"
#include "services/flow/keyring.h"
#include "services/flow/scribe.h"

namespace jangbu::services {

// Reads stored texts by (batch token, ordinal).
class StoredTexts {
 public:
  StoredTexts(const Scribe& scribe, BlobStore& blobs, Keyring& keyring)
      : scribe_(scribe), blobs_(blobs), keyring_(keyring) {}

  // The canonical text of each of `ordinals` of a committed batch; nullopt where its key was
  // destroyed. One read of the store for all.
  StatusOr<std::vector<std::optional<std::string>>> Read(uint32_t partner, uint64_t token,
                                                         std::span<const uint32_t> ordinals);
  // The same of a batch that is not committed yet: `items` are all of its documents.
  StatusOr<std::vector<std::optional<std::string>>> Read(uint32_t partner, uint64_t upload,
                                                         uint64_t token,
                                                         const std::vector<ledger::Item>& items,
                                                         std::span<const uint32_t> ordinals);

 private:
  struct Stretch {  // documents from `ordinal` on: record, record + 1, … of a file
    uint32_t ordinal = 0;
    uint32_t file = 0;
    uint64_t record = 0;
  };
  struct Batch {
    uint64_t upload = 0;
    std::vector<Stretch> stretches;
  };
  StatusOr<std::shared_ptr<const Batch>> Find(uint64_t token);
  StatusOr<std::vector<std::optional<std::string>>> Open(
      uint32_t partner, uint64_t upload, uint64_t token, std::span<const uint32_t> ordinals,
      const std::function<std::pair<uint32_t, uint64_t>(uint32_t)>& place);

  const Scribe& scribe_;
  BlobStore& blobs_;
  Keyring& keyring_;
  std::mutex mutex_;
  absl::flat_hash_map<uint64_t, std::shared_ptr<const Batch>> batches_;
};

// Comparison forms for the run index, with those used last kept in memory. Once Forget has
// returned, no form is handed out whose text cannot be read any more.
class StoredForms : public ingest::FormSource {
 public:
  // `kept_code_points`: 4 bytes each.
  StoredForms(StoredTexts& texts, size_t kept_code_points)
      : texts_(texts), kept_code_points_(kept_code_points) {}
  // NotFound("key_destroyed") when the text is not to be read any more.
  StatusOr<std::shared_ptr<const std::u32string>> Form(
      const ingest::RunDocument& document) override;
  // Drops everything kept: keys were destroyed.
  void Forget();

 private:
  struct OwnerHash {
    size_t operator()(const Owner& owner) const {
      return (owner.token * 0x9E3779B97F4A7C15u ^ owner.ordinal) * 0xD6E8FEB86659FD93u >> 7;
    }
  };
  struct Kept {
    std::shared_ptr<const std::u32string> form;
    std::list<Owner>::iterator age;
  };
  StoredTexts& texts_;
  const size_t kept_code_points_;
  std::mutex mutex_;
  absl::flat_hash_map<Owner, Kept, OwnerHash> kept_;
  std::list<Owner> ages_;  // the last used first
  size_t code_points_ = 0;
  uint64_t forgotten_ = 0;  // calls of Forget
};

// The hasher of an installation.
ingest::RunHasher MakeRunHasher(const Keyring& keyring);

class TextIndex {
 public:
  struct Options {
    std::string dir;  // for its files; made when missing. "": in memory alone
    uint64_t stored_tiles = uint64_t{1} << 16;  // segments from so many tiles on go to a file
    uint64_t merged_tiles = uint64_t{1} << 26;  // segments beyond so many tiles are not merged
    size_t kept_code_points = size_t{1} << 24;
    std::function<void(std::string_view)> log;
  };

  // Reads the files and indexes every committed document that they lack. Errors of the journal and
  // the stores; a file that is of no use is removed and its documents are indexed again.
  static StatusOr<std::unique_ptr<TextIndex>> Open(Scribe& scribe, BlobStore& blobs,
                                                   Keyring& keyring, Options options);
  // Stores what is in memory alone, if it can.
  ~TextIndex();

  const ingest::RunHasher& hasher() const { return hasher_; }
  StoredTexts& texts() { return texts_; }
  ingest::FormSource& forms() { return forms_; }

  // Committed documents of one partner; every batch whose Append returned is there.
  ingest::RunView PartnerView(uint32_t partner) const;
  // Of all (ingest/dedup/run_summaries.h).
  ingest::RunView Everybody();

  // Between the two calls a batch goes from the journal into the index. AwaitCommits waits for
  // those that are between them when it is called, so that a view taken afterwards has every batch
  // whose COMMIT entry was there before.
  class Committing {
   public:
    explicit Committing(TextIndex& index);
    ~Committing();
    Committing(const Committing&) = delete;
    Committing& operator=(const Committing&) = delete;

   private:
    TextIndex& index_;
    uint64_t number_;
  };
  void AwaitCommits();

  void Append(uint32_t partner, std::shared_ptr<const ingest::RunSegment> segment);

  // To be called after keys of texts were destroyed: from its return on they count for nothing.
  void TextsErased() { forms_.Forget(); }

  // Waits until nothing is left to merge or to store.
  void Settle();

 private:
  struct Partner {
    explicit Partner(const ingest::RunHasher& hasher) : index(hasher) {}
    ingest::RunIndex index;
    bool dirty = false;
  };

  TextIndex(Scribe& scribe, BlobStore& blobs, Keyring& keyring, Options options);
  Status Load();
  // Indexes what is committed and not in `held` (tokens).
  Status Rebuild(const std::set<uint64_t>& held);
  Partner& PartnerOf(uint32_t partner);
  void Run();
  // One merge or one file of a partner; false when nothing is to be done.
  StatusOr<bool> Work(uint32_t number, Partner& partner);
  Status Store(uint32_t number, Partner& partner,
               const std::shared_ptr<const ingest::RunSegment>& segment);
  void Forget(const std::shared_ptr<const ingest::RunSegment>& segment);
  void Log(std::string_view line) const {
    if (options_.log) options_.log(line);
  }

  Scribe& scribe_;
  const Options options_;
  const ingest::RunHasher hasher_;
  StoredTexts texts_;
  StoredForms forms_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::map<uint32_t, std::unique_ptr<Partner>> partners_;
  std::map<const ingest::RunSegment*, std::string> files_;  // where a segment is stored
  uint64_t next_file_ = 1;
  std::set<uint64_t> committing_;
  uint64_t next_commit_ = 0;
  bool working_ = false;
  bool stopping_ = false;

  ingest::RunSummaries everybody_;

  std::thread worker_;
};

}  // namespace jangbu::services
