#include "services/audit/audit_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/bytes.h"
#include "services/storage/files.h"

namespace jangbu::services {
namespace {

constexpr std::string_view kPlanMagic = "JBAPLAN1";
constexpr std::string_view kRecordMagic = "JBAREC01";
constexpr std::string_view kPlanAad = "audit plan";
constexpr std::string_view kCanaryMagic = "JBACANR1";
constexpr std::string_view kCanaryAad = "audit canaries";
constexpr size_t kHeadBytes = kRecordMagic.size() + 32;
constexpr size_t kMaxFile = size_t{4} << 30;
constexpr size_t kMaxFrame = size_t{64} << 20;

Status Io(std::string_view what, const std::string& path) {
  return Unavailable("io_error", std::string(what) + " " + path + ": " + std::strerror(errno));
}

std::string FrameAad(const Digest& plan, uint64_t number) {
  ByteWriter aad;
  aad.Raw("audit record");
  aad.Raw(plan);
  aad.U64(number);
  return aad.Take();
}

// A box that does not open with the key of the secret's file.
Status DoesNotOpen(const std::string& path) {
  return DataLoss("wrong_secret_or_damaged",
                  path +
                      " does not open with this secret: it was made with another one, or it is "
                      "damaged; give the secret it was made with, or restore the file");
}

struct Frames {
  std::vector<std::string> frames;
  size_t sound_bytes = 0;
};

StatusOr<Frames> Parse(const std::string& path, std::string_view bytes, const Digest& plan,
                       const SecretKey& key) {
  ByteReader in(bytes);
  if (in.Raw(kRecordMagic.size()) != kRecordMagic) {
    return DataLoss("record_malformed", path + " is no audit record");
  }
  if (in.Array<32>() != plan || !in.ok()) {
    return FailedPrecondition("other_plan",
                              path + " was made with another plan; give the plan it was made with");
  }
  Frames out;
  out.sound_bytes = kHeadBytes;
  while (!in.empty()) {
    const uint32_t length = in.U32();
    if (!in.ok() || length > in.remaining()) break;  // cut off
    if (length > kMaxFrame) {
      return DataLoss("record_malformed", path + ": the frame at byte " +
                                              std::to_string(out.sound_bytes) + " is too long");
    }
    auto frame = OpenBox(key, FrameAad(plan, out.frames.size()), in.Raw(length));
    if (!frame.ok()) {
      // Where an earlier one opened, the secret fits.
      if (out.frames.empty()) return DoesNotOpen(path);
      return DataLoss("record_damaged", path + ": the frame at byte " +
                                            std::to_string(out.sound_bytes) +
                                            " is damaged; restore the file");
    }
    out.frames.push_back(*std::move(frame));
    out.sound_bytes += 4 + length;
  }
  return out;
}

}  // namespace

StatusOr<SecretKey> AuditSecret(const std::string& path, bool make, RandomSource& random) {
  const auto text = ReadWholeFile(path, 4096);
  if (text.ok()) {
    std::string_view hex = *text;
    while (hex.ends_with('\n')) hex.remove_suffix(1);
    const auto bytes = FromHex(hex);
    if (!bytes.ok() || bytes->size() != kKeyBytes) {
      return InvalidArgument("bad_audit_secret", path + " is not a key of 64 hexadecimal digits");
    }
    return SecretKey::FromBytes(*bytes);
  }
  if (!make || ReasonOf(text.status()) != "file_missing") return text.status();
  SecretKey key = SecretKey::Random(random);
  JANGBU_RETURN_IF_ERROR(ReplaceFile(path, ToHex(key.bytes()) + "\n"));
  return key;
}

Status WritePlanFile(const std::string& path, std::string_view plan, const SecretKey& key,
                     RandomSource& random) {
  return ReplaceFile(path, std::string(kPlanMagic) + SealBox(key, kPlanAad, plan, random));
}

StatusOr<std::string> ReadPlanFile(const std::string& path, const SecretKey& key) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path, kMaxFile));
  if (!bytes.starts_with(kPlanMagic)) {
    return DataLoss("plan_malformed", path + " is no audit plan");
  }
  auto plan = OpenBox(key, kPlanAad, std::string_view(bytes).substr(kPlanMagic.size()));
  if (!plan.ok()) return DoesNotOpen(path);
  return plan;
}

Status WriteCanaryFile(const std::string& path, std::span<const audit::Canary> registry,
                       const SecretKey& key, RandomSource& random) {
  return ReplaceFile(path, std::string(kCanaryMagic) +
                               SealBox(key, kCanaryAad, audit::EncodeCanaries(registry), random));
}

StatusOr<std::vector<audit::Canary>> ReadCanaryFile(const std::string& path, const SecretKey& key) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path, kMaxFile));
  if (!bytes.starts_with(kCanaryMagic)) {
    return DataLoss("canaries_malformed", path + " is no registry of canaries");
  }
  const auto registry =
      OpenBox(key, kCanaryAad, std::string_view(bytes).substr(kCanaryMagic.size()));
  if (!registry.ok()) return DoesNotOpen(path);
  return audit::DecodeCanaries(*registry);
}

StatusOr<AuditRecord> AuditRecord::Open(const std::string& path, const Digest& plan, SecretKey key,
                                        RandomSource& random) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return Io("open", path);
  AuditRecord record(fd, plan, std::move(key), random);
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    return FailedPrecondition("record_locked", path + " is being written by another process");
  }
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path, kMaxFile));
  size_t sound = 0;
  if (bytes.size() >= kHeadBytes) {
    JANGBU_ASSIGN_OR_RETURN(Frames parsed, Parse(path, bytes, plan, record.key_));
    record.frames_ = std::move(parsed.frames);
    sound = parsed.sound_bytes;
  }
  record.count_ = record.frames_.size();
  if (::ftruncate(fd, static_cast<off_t>(sound)) != 0 ||
      ::lseek(fd, static_cast<off_t>(sound), SEEK_SET) < 0) {
    return Io("truncate", path);
  }
  if (sound == 0) {
    ByteWriter head;
    head.Raw(kRecordMagic);
    head.Raw(plan);
    if (::write(fd, head.bytes().data(), head.size()) != static_cast<ssize_t>(head.size()) ||
        ::fdatasync(fd) != 0) {
      return Io("write", path);
    }
  }
  return record;
}

AuditRecord::AuditRecord(AuditRecord&& other) noexcept
    : fd_(other.fd_),
      plan_(other.plan_),
      key_(std::move(other.key_)),
      random_(other.random_),
      frames_(std::move(other.frames_)),
      count_(other.count_) {
  other.fd_ = -1;
}

AuditRecord::~AuditRecord() {
  if (fd_ >= 0) ::close(fd_);
}

Status AuditRecord::Append(std::string_view frame) {
  const std::string box = SealBox(key_, FrameAad(plan_, count_), frame, *random_);
  ByteWriter out;
  out.U32(static_cast<uint32_t>(box.size()));
  out.Raw(box);
  size_t at = 0;
  while (at < out.size()) {
    const ssize_t n = ::write(fd_, out.bytes().data() + at, out.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Unavailable("io_error", std::string("write: ") + std::strerror(errno));
    at += static_cast<size_t>(n);
  }
  if (::fdatasync(fd_) != 0) {
    return Unavailable("io_error", std::string("fdatasync: ") + std::strerror(errno));
  }
  ++count_;
  return OkStatus();
}

StatusOr<std::vector<std::string>> ReadAuditRecord(const std::string& path, const Digest& plan,
                                                   const SecretKey& key, Digest* digest) {
  JANGBU_ASSIGN_OR_RETURN(const std::string bytes, ReadWholeFile(path, kMaxFile));
  JANGBU_ASSIGN_OR_RETURN(Frames parsed, Parse(path, bytes, plan, key));
  if (parsed.sound_bytes != bytes.size()) {
    return DataLoss("record_cut_off",
                    path +
                        " ends in the middle of a frame; `jangbu audit run` goes on from "
                        "there");
  }
  if (digest != nullptr) *digest = Sha256(bytes);
  return std::move(parsed.frames);
}

}  // namespace jangbu::services
