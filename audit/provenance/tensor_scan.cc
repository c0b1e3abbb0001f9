#include "audit/provenance/tensor_scan.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <mutex>
#include <numeric>
#include <utility>

#include "audit/provenance/linalg.h"
#include "audit/provenance/parallel.h"
#include "base/bytes.h"
#include "base/check.h"

namespace jangbu::audit {
namespace {

constexpr uint64_t kChunkElements = uint64_t{1} << 19;

class FileState final : public FinishedWork {
 public:
  FileState(int fd, std::map<std::string, std::string> known) : fd_(fd), known_(std::move(known)) {}
  FileState(const FileState&) = delete;
  FileState& operator=(const FileState&) = delete;
  ~FileState() override { ::close(fd_); }

  bool Find(const std::string& key, std::string& result) override {
    std::lock_guard lock(mutex_);
    const auto it = known_.find(key);
    if (it == known_.end()) return false;
    result = it->second;
    return true;
  }
  Status Store(const std::string& key, const std::string& result) override {
    std::lock_guard lock(mutex_);
    if (!known_.emplace(key, result).second) return OkStatus();
    const std::string record = Record(key, result);
    if (::write(fd_, record.data(), record.size()) != static_cast<ssize_t>(record.size()) ||
        ::fdatasync(fd_) != 0) {
      return Unavailable(
          "state_unwritable",
          std::string("the file of finished work cannot be written: ") + std::strerror(errno));
    }
    return OkStatus();
  }

  static std::string Record(const std::string& key, const std::string& result) {
    ByteWriter body;
    body.String(key);
    body.String(result);
    ByteWriter record;
    record.U32(static_cast<uint32_t>(body.size()));
    const Digest sum = Sha256(body.bytes());
    record.Raw(AsView(sum).substr(0, 8));
    record.Raw(body.bytes());
    return record.Take();
  }

 private:
  const int fd_;
  std::mutex mutex_;
  std::map<std::string, std::string> known_;
};

std::string EncodeSums(const PairSums& s) {
  ByteWriter out;
  out.U64(s.n);
  for (const double x : {s.a, s.b, s.aa, s.bb, s.ab}) out.U64(std::bit_cast<uint64_t>(x));
  return out.Take();
}
bool DecodeSums(ByteReader& in, PairSums& s) {
  s.n = in.U64();
  for (double* x : {&s.a, &s.b, &s.aa, &s.bb, &s.ab}) *x = std::bit_cast<double>(in.U64());
  return in.ok();
}

// One tensor of the first model and its counterpart, or either alone.
struct Piece {
  uint32_t first = kNoTensor;
  uint32_t second = kNoTensor;
  uint64_t bytes = 0;
};

// Threads to each that is given: while one waits for the disk, another counts.
constexpr unsigned kReaders = 2;

struct PieceResult {
  Digest first{};
  Digest second{};
  PairSums sums;
};

Status ScanPiece(const Model* first, const Model* second, const Piece& piece,
                 const ScanOptions& options, PieceResult& result) {
  const Tensor* const a = piece.first == kNoTensor ? nullptr : &first->tensors()[piece.first];
  const Tensor* const b = piece.second == kNoTensor ? nullptr : &second->tensors()[piece.second];
  const bool paired = a != nullptr && b != nullptr && IsWeight(a->dtype) && IsWeight(b->dtype);
  Sha256Stream hash_a, hash_b;
  std::string raw;
  std::vector<float> x, y;
  const uint64_t elements = a != nullptr ? a->elements() : b->elements();
  const auto load = [&](const Model& model, const Tensor& t, uint64_t at, uint64_t count,
                        Sha256Stream& hash, std::vector<float>& out) -> Status {
    const uint64_t size = SizeOf(t.dtype);
    raw.resize(count * size);
    const uint64_t from = t.offset + at * size;
    JANGBU_RETURN_IF_ERROR(model.FileOf(t).ReadAt(from, raw.size(), raw.data()));
    // The next chunk comes while this one is counted.
    const uint64_t next = std::min(kChunkElements, t.elements() - at - count);
    model.FileOf(t).Expect(from + raw.size(), next * size);
    hash.Update(raw);
    if (options.progress) options.progress(raw.size());
    if (!IsWeight(t.dtype)) return OkStatus();
    out.resize(count);
    const uint64_t bad = ToFloat(t.dtype, raw.data(), count, out.data());
    if (bad != count) {
      return InvalidArgument("tensor_not_finite",
                             "\"" + model.FileOf(t).name() + "\": tensor \"" + t.name +
                                 "\" holds " + (std::isnan(out[bad]) ? "NaN" : "an infinity") +
                                 " at element " + std::to_string(at + bad) +
                                 "; the file is damaged or its training failed");
    }
    return OkStatus();
  };
  for (uint64_t at = 0; at < elements; at += kChunkElements) {
    if (options.stop && options.stop()) {
      return MakeError(absl::StatusCode::kCancelled, "interrupted",
                       "stopped; the same command goes on where it was");
    }
    const uint64_t count = std::min(kChunkElements, elements - at);
    if (a != nullptr) JANGBU_RETURN_IF_ERROR(load(*first, *a, at, count, hash_a, x));
    if (b != nullptr) JANGBU_RETURN_IF_ERROR(load(*second, *b, at, count, hash_b, y));
    if (paired) result.sums += SumPairs(x.data(), y.data(), count);
  }
  result.first = hash_a.Peek();
  result.second = hash_b.Peek();
  return OkStatus();
}

// Tensors that stand at the same place: role and layer where known, else the name.
std::string PlaceOf(const Model& model, uint32_t i) {
  const Placed placed = model.places()[i];
  const Tensor& t = model.tensors()[i];
  if (placed.role == Role::kOther || placed.expert >= 0) return "name:" + t.name;
  return std::string(NameOf(placed.role)) + ":" + std::to_string(placed.layer);
}

}  // namespace

PairSums& PairSums::operator+=(const PairSums& other) {
  n += other.n;
  a += other.a;
  b += other.b;
  aa += other.aa;
  bb += other.bb;
  ab += other.ab;
  return *this;
}

PairSums SumPairs(const float* a, const float* b, uint64_t n) {
  // Eight lanes of each sum in a fixed order.
  constexpr size_t kLanes = 8;
  double sa[kLanes] = {}, sb[kLanes] = {}, saa[kLanes] = {}, sbb[kLanes] = {}, sab[kLanes] = {};
  uint64_t i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    for (size_t j = 0; j < kLanes; ++j) {
      const auto x = static_cast<double>(a[i + j]);
      const auto y = static_cast<double>(b[i + j]);
      sa[j] += x;
      sb[j] += y;
      saa[j] += x * x;
      sbb[j] += y * y;
      sab[j] += x * y;
    }
  }
  for (; i < n; ++i) {
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    sa[0] += x;
    sb[0] += y;
    saa[0] += x * x;
    sbb[0] += y * y;
    sab[0] += x * y;
  }
  PairSums sums;
  sums.n = n;
  for (size_t j = 0; j < kLanes; ++j) {
    sums.a += sa[j];
    sums.b += sb[j];
    sums.aa += saa[j];
    sums.bb += sbb[j];
    sums.ab += sab[j];
  }
  return sums;
}

PlainFigures PairSums::Figures() const {
  PlainFigures f;
  f.n = n;
  if (n == 0) return f;
  const auto count = static_cast<double>(n);
  const double lengths = std::sqrt(aa) * std::sqrt(bb);
  if (lengths > 0) {
    f.cosine = ab / lengths;
    f.shuffled_cosine = a * b / count / lengths;
    f.ratio = std::sqrt(bb / aa);
  }
  const double variance_a = std::max(0.0, aa - a * a / count);
  const double variance_b = std::max(0.0, bb - b * b / count);
  // What is left of numbers that are all equal is rounding.
  if (variance_a > 1e-12 * aa && variance_b > 1e-12 * bb) {
    f.pearson = std::clamp((ab - a * b / count) / std::sqrt(variance_a * variance_b), -1.0, 1.0);
    if (n > 3) {
      const double r = std::clamp(f.pearson, -1 + 1e-15, 1 - 1e-15);
      f.z = std::atanh(r) * std::sqrt(count - 3);
      f.p = std::erfc(std::abs(f.z) / std::sqrt(2.0));
    }
  }
  return f;
}

Digest ContentDigest(const Model& model, const std::vector<Digest>& tensors) {
  JANGBU_CHECK(tensors.size() == model.tensors().size());
  ByteWriter out;
  out.String("jangbu provenance model 1");
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& t = model.tensors()[i];
    out.String(t.name);
    out.String(NameOf(t.dtype));
    out.Varint(t.shape.size());
    for (const uint64_t side : t.shape) out.Varint(side);
    out.Raw(tensors[i]);
  }
  return Sha256(out.bytes());
}

StatusOr<ScanResult> ScanPair(const Model& first, const Model& second, const ScanOptions& options) {
  std::map<std::string, uint32_t> by_place;
  for (uint32_t i = 0; i < second.tensors().size(); ++i) by_place.emplace(PlaceOf(second, i), i);
  std::vector<Piece> pieces;
  std::vector<bool> taken(second.tensors().size());
  ScanResult result;
  for (uint32_t i = 0; i < first.tensors().size(); ++i) {
    Piece piece;
    piece.first = i;
    piece.bytes = first.tensors()[i].bytes;
    const auto it = by_place.find(PlaceOf(first, i));
    if (it != by_place.end() && !taken[it->second] &&
        second.tensors()[it->second].shape == first.tensors()[i].shape) {
      piece.second = it->second;
      taken[it->second] = true;
    } else {
      ++result.first_unpaired;
    }
    pieces.push_back(piece);
  }
  for (uint32_t i = 0; i < second.tensors().size(); ++i) {
    if (taken[i]) continue;
    ++result.second_unpaired;
    pieces.push_back({kNoTensor, i, second.tensors()[i].bytes});
  }
  std::vector<PieceResult> results(pieces.size());
  // The largest first: no thread is left alone with one at the end.
  std::vector<size_t> order(pieces.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t x, size_t y) { return pieces[x].bytes > pieces[y].bytes; });
  if (Status done = ParallelFor(
          pieces.size(), kReaders * options.threads,
          [&](size_t k) -> Status {
            const size_t i = order[k];
            const Piece& piece = pieces[i];
            const std::string key = "tensor " + std::to_string(i);
            std::string stored;
            if (options.finished != nullptr && options.finished->Find(key, stored)) {
              ByteReader in(stored);
              results[i].first = in.Array<32>();
              results[i].second = in.Array<32>();
              if (DecodeSums(in, results[i].sums) && in.empty()) {
                if (options.progress) {
                  options.progress(piece.bytes +
                                   (piece.first != kNoTensor && piece.second != kNoTensor
                                        ? second.tensors()[piece.second].bytes
                                        : 0));
                }
                return OkStatus();
              }
            }
            results[i] = PieceResult();
            JANGBU_RETURN_IF_ERROR(ScanPiece(&first, &second, piece, options, results[i]));
            if (options.finished == nullptr) return OkStatus();
            ByteWriter out;
            out.Raw(results[i].first);
            out.Raw(results[i].second);
            out.Raw(EncodeSums(results[i].sums));
            return options.finished->Store(key, out.bytes());
          });
      !done.ok())
    return done;
  std::vector<Digest> digests_a(first.tensors().size()), digests_b(second.tensors().size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    if (pieces[i].first != kNoTensor) digests_a[pieces[i].first] = results[i].first;
    if (pieces[i].second != kNoTensor) digests_b[pieces[i].second] = results[i].second;
    if (results[i].sums.n != 0)
      result.pairs.push_back({pieces[i].first, pieces[i].second, results[i].sums});
  }
  result.first = ContentDigest(first, digests_a);
  result.second = ContentDigest(second, digests_b);
  return result;
}

StatusOr<Digest> ScanModel(const Model& model, const ScanOptions& options) {
  std::vector<Digest> digests(model.tensors().size());
  if (Status done = ParallelFor(digests.size(), kReaders * options.threads,
                                [&](size_t i) -> Status {
                                  PieceResult result;
                                  JANGBU_RETURN_IF_ERROR(ScanPiece(
                                      &model, nullptr, {static_cast<uint32_t>(i), kNoTensor, 0},
                                      options, result));
                                  digests[i] = result.first;
                                  return OkStatus();
                                });
      !done.ok())
    return done;
  return ContentDigest(model, digests);
}

Digest HeaderDigest(const Model& model) {
  ByteWriter out;
  for (const auto& file : model.files()) {
    out.String(file->name());
    out.U64(file->size());
  }
  for (const Tensor& t : model.tensors()) {
    out.String(t.name);
    out.String(NameOf(t.dtype));
    out.U32(t.file);
    out.U64(t.offset);
    for (const uint64_t side : t.shape) out.U64(side);
  }
  return Sha256(out.bytes());
}

StatusOr<std::unique_ptr<FinishedWork>> OpenScanState(const std::string& path,
                                                      const Digest& identity) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const auto failed = [&](const char* what) {
    const std::string why = std::strerror(errno);
    if (fd >= 0) ::close(fd);
    return Unavailable("state_unwritable", "\"" + path + "\" " + what + ": " + why);
  };
  if (fd < 0) return failed("cannot be opened");
  std::string bytes;
  char buffer[1 << 16];
  while (true) {
    const ssize_t got = ::read(fd, buffer, sizeof(buffer));
    if (got < 0) return failed("cannot be read");
    if (got == 0) break;
    bytes.append(buffer, static_cast<size_t>(got));
  }
  std::string head = "jangbu provenance state 1\n";
  head.append(AsView(identity));
  std::map<std::string, std::string> known;
  size_t good = 0;
  if (bytes.starts_with(head)) {
    good = head.size();
    while (bytes.size() - good >= 12) {
      ByteReader in(std::string_view(bytes).substr(good));
      const uint32_t size = in.U32();
      const std::string_view sum = in.Raw(8);
      const std::string_view body = in.Raw(size);
      if (!in.ok() || AsView(Sha256(body)).substr(0, 8) != sum) break;
      ByteReader record(body);
      const std::string key(record.String());
      const std::string value(record.String());
      if (!record.ok() || !record.empty()) break;
      known.emplace(key, value);
      good += 12 + size;
    }
  }
  if (::ftruncate(fd, static_cast<off_t>(good)) != 0 || ::lseek(fd, 0, SEEK_END) < 0) {
    return failed("cannot be cut");
  }
  if (good == 0 && ::write(fd, head.data(), head.size()) != static_cast<ssize_t>(head.size()))
    return failed("cannot be written");
  return std::unique_ptr<FinishedWork>(new FileState(fd, std::move(known)));
}

}  // namespace jangbu::audit
