#include "ingest/extract/zip_archive.h"

#include <zip.h>

#include <algorithm>

#include "ingest/extract/cp949.h"
#include "ingest/text/utf8.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kReadBytes = 64 << 10;

Rejection Broken(std::string_view what, size_t member) {
  return {Reason::kBadContainer, std::string(what) + " of member " + std::to_string(member + 1)};
}

}  // namespace

std::optional<std::string> MemberName(std::string_view raw, bool utf8_flag) {
  if (IsValidUtf8(raw)) return std::string(raw);
  if (utf8_flag) return std::nullopt;
  Cp949Text text = DecodeCp949(raw);
  if (text.bad_at != raw.size()) return std::nullopt;
  return std::move(text.utf8);
}

bool IsSafeName(std::string_view name) {
  if (name.empty() || name[0] == '/' || name[0] == '\\') return false;
  if (name.find('\0') != std::string_view::npos) return false;
  if (name.size() >= 2 && name[1] == ':') return false;
  while (true) {
    const size_t slash = name.find_first_of("/\\");
    if (name.substr(0, slash) == "..") return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

struct ZipArchive::Impl {
  zip_t* zip = nullptr;
  ~Impl() {
    if (zip != nullptr) zip_discard(zip);
  }
};

ZipArchive::ZipArchive(const ExtractLimits& limits, ContainerBudget& budget)
    : limits_(limits), budget_(budget), impl_(std::make_unique<Impl>()) {}
ZipArchive::~ZipArchive() = default;

std::variant<std::unique_ptr<ZipArchive>, Rejection> ZipArchive::Open(std::string_view bytes,
                                                                      const ExtractLimits& limits,
                                                                      ContainerBudget& budget) {
  std::unique_ptr<ZipArchive> archive(new ZipArchive(limits, budget));
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
  if (source == nullptr) return Rejection{Reason::kBadContainer, "the zip can not be opened"};
  archive->impl_->zip = zip_open_from_source(source, ZIP_RDONLY, &error);
  if (archive->impl_->zip == nullptr) {
    Rejection rejection{Reason::kBadContainer,
                        "zip error " + std::to_string(zip_error_code_zip(&error))};
    zip_source_free(source);
    zip_error_fini(&error);
    return rejection;
  }
  zip_t* zip = archive->impl_->zip;
  const auto count = static_cast<uint64_t>(std::max<zip_int64_t>(0, zip_get_num_entries(zip, 0)));
  if (count > budget.members) {
    return Rejection{Reason::kContainerLimit,
                     std::to_string(count) + " members, at most " + std::to_string(budget.members)};
  }
  budget.members -= count;
  archive->members_.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    Member member;
    zip_stat_t stat;
    zip_stat_init(&stat);
    const char* raw = zip_get_name(zip, i, ZIP_FL_ENC_RAW);
    if (raw == nullptr || zip_stat_index(zip, i, 0, &stat) != 0) {
      member.rejection = Broken("the entry", i);
      archive->members_.push_back(std::move(member));
      continue;
    }
    const std::optional<std::string> name = MemberName(raw, false);
    if (!name) {
      member.rejection = Rejection{
          Reason::kUnsafeName, "the name of member " + std::to_string(i + 1) + " has no meaning"};
    } else {
      member.name = *name;
      member.folder = name->ends_with('/');
      if (!IsSafeName(*name)) {
        member.rejection = Rejection{Reason::kUnsafeName,
                                     "the name of member " + std::to_string(i + 1) + " leads out"};
      }
    }
    member.size = (stat.valid & ZIP_STAT_SIZE) != 0 ? stat.size : 0;
    member.encrypted =
        (stat.valid & ZIP_STAT_ENCRYPTION_METHOD) != 0 && stat.encryption_method != ZIP_EM_NONE;
    zip_uint8_t system = 0;
    zip_uint32_t attributes = 0;
    if (zip_file_get_external_attributes(zip, i, 0, &system, &attributes) == 0 &&
        system == ZIP_OPSYS_UNIX) {
      const uint32_t type = (attributes >> 16) & 0170000;
      if (type != 0 && type != 0100000 && type != 0040000 && !member.rejection) {
        member.rejection =
            Rejection{Reason::kUnsafeName, "member " + std::to_string(i + 1) +
                                               (type == 0120000 ? " is a link" : " is a device")};
      }
    }
    archive->members_.push_back(std::move(member));
  }
  return archive;
}

std::optional<size_t> ZipArchive::Find(std::string_view name) const {
  for (size_t i = 0; i < members_.size(); ++i) {
    if (members_[i].name == name) return i;
  }
  return std::nullopt;
}

std::variant<std::string, Rejection> ZipArchive::Read(std::string_view name) {
  const std::optional<size_t> member = Find(name);
  if (!member) return Rejection{Reason::kDamagedDocument, "a part is missing from the container"};
  return Read(*member, limits_.document_bytes_max);
}

std::variant<std::string, Rejection> ZipArchive::Read(size_t member, uint64_t bytes_max) {
  const Member& m = members_[member];
  if (m.rejection) return *m.rejection;
  if (m.encrypted) {
    return Rejection{Reason::kPasswordProtected,
                     "member " + std::to_string(member + 1) + " is encrypted"};
  }
  zip_file_t* file = zip_fopen_index(impl_->zip, member, 0);
  if (file == nullptr) {
    const int code = zip_error_code_zip(zip_get_error(impl_->zip));
    if (code == ZIP_ER_COMPNOTSUPP) {
      return Rejection{Reason::kUnsupportedFeature,
                       "compression method of member " + std::to_string(member + 1)};
    }
    return Broken("the header", member);
  }
  std::string out;
  std::optional<Rejection> rejection;
  while (!rejection) {
    const size_t used = out.size();
    out.resize(used + kReadBytes);
    const zip_int64_t read = zip_fread(file, out.data() + used, kReadBytes);
    out.resize(used + static_cast<size_t>(std::max<zip_int64_t>(0, read)));
    if (read < 0) rejection = Broken("the data", member);
    if (read <= 0) break;
    if (out.size() > bytes_max || static_cast<uint64_t>(read) > budget_.bytes) {
      rejection = Rejection{Reason::kContainerLimit,
                            "member " + std::to_string(member + 1) + " grows past " +
                                (out.size() > bytes_max ? std::to_string(bytes_max) + " bytes"
                                                        : "what the file may give in all")};
      break;
    }
    budget_.bytes -= static_cast<uint64_t>(read);
  }
  // Says whether the checksum was right when the end was reached.
  if (zip_fclose(file) != 0 && !rejection) rejection = Broken("the checksum", member);
  if (rejection) return *std::move(rejection);
  return out;
}

}  // namespace jangbu::ingest
