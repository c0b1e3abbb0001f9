#include "ingest/extract/compression.h"

#include <zlib.h>
// The error codes of zstd are stable; only their header is called experimental.
#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <string>

#include "base/check.h"

namespace jangbu::ingest {
namespace {

constexpr size_t kReadBytes = 64 << 10;

}  // namespace

std::string_view NameOf(Compression compression) {
  switch (compression) {
    case Compression::kNone:
      return "none";
    case Compression::kGzip:
      return "gz";
    case Compression::kZstd:
      return "zst";
  }
  return "none";
}

Compression DetectCompression(std::string_view head) {
  if (head.substr(0, 3) == std::string_view("\x1F\x8B\x08", 3)) return Compression::kGzip;
  if (head.substr(0, 4) == std::string_view("\x28\xB5\x2F\xFD", 4)) return Compression::kZstd;
  const bool skippable = head.size() >= 4 && (static_cast<unsigned char>(head[0]) & 0xF0) == 0x50 &&
                         head.substr(1, 3) == std::string_view("\x2A\x4D\x18", 3);
  return skippable ? Compression::kZstd : Compression::kNone;
}

struct Peeler::Gzip {
  Gzip() { JANGBU_CHECK(inflateInit2(&stream, 15 + 16) == Z_OK); }
  ~Gzip() { inflateEnd(&stream); }
  Gzip(const Gzip&) = delete;
  Gzip& operator=(const Gzip&) = delete;

  z_stream stream{};
  bool inside = true;  // a member has begun and not ended
};

struct Peeler::Zstd {
  explicit Zstd(int window_log_max) : stream(ZSTD_createDStream()) {
    JANGBU_CHECK(stream != nullptr);
    JANGBU_CHECK(
        !ZSTD_isError(ZSTD_DCtx_setParameter(stream, ZSTD_d_windowLogMax, window_log_max)));
  }
  ~Zstd() { ZSTD_freeDStream(stream); }
  Zstd(const Zstd&) = delete;
  Zstd& operator=(const Zstd&) = delete;

  ZSTD_DStream* stream;
  bool inside = false;  // a frame has begun and not ended
};

Peeler::Peeler(ByteSource& source, const ExtractLimits& limits)
    : source_(source), limits_(limits) {}
Peeler::~Peeler() = default;

size_t Peeler::Fault(Reason reason, std::string_view what) {
  fault_ =
      Rejection{reason, std::string(what) + " at compressed byte " + std::to_string(consumed_)};
  return 0;
}

// Makes unread bytes, unless the source has ended. Always as many as fit, so that what comes out of
// damaged data does not depend on the chunks the source gives.
Status Peeler::Refill() {
  if (in_pos_ < in_.size()) return OkStatus();
  in_.resize(kReadBytes);
  in_pos_ = 0;
  size_t size = 0;
  while (size < in_.size() && !source_ended_) {
    auto read = source_.Read(in_.data() + size, in_.size() - size);
    if (!read.ok()) {
      in_.clear();
      return read.status();
    }
    size += *read;
    source_ended_ = *read == 0;
  }
  in_.resize(size);
  return OkStatus();
}

StatusOr<size_t> Peeler::Read(char* out, size_t n) {
  if (fault_) return size_t{0};
  if (!begun_) {
    JANGBU_RETURN_IF_ERROR(Refill());
    begun_ = true;
    compression_ = DetectCompression(in_);
    if (compression_ == Compression::kGzip) gzip_ = std::make_unique<Gzip>();
    if (compression_ == Compression::kZstd)
      zstd_ = std::make_unique<Zstd>(limits_.zstd_window_log_max);
  }

  if (compression_ == Compression::kNone) {
    JANGBU_RETURN_IF_ERROR(Refill());
    const size_t size = std::min(n, in_.size() - in_pos_);
    std::copy_n(in_.data() + in_pos_, size, out);
    in_pos_ += size;
    return size;
  }

  // Output is asked for in pieces, so that a bomb is noticed after one of them, whatever the caller
  // asks for.
  n = std::min(n, kReadBytes);
  JANGBU_ASSIGN_OR_RETURN(const size_t size, gzip_ ? ReadGzip(out, n) : ReadZstd(out, n));
  produced_ += size;
  if (produced_ > limits_.file_bytes_max) {
    return Fault(Reason::kCompressionLimit, "file_bytes_max exceeded");
  }
  if (produced_ > limits_.ratio_free_bytes && produced_ / limits_.ratio_max > consumed_) {
    return Fault(Reason::kCompressionLimit, "ratio_max exceeded");
  }
  return size;
}

StatusOr<size_t> Peeler::ReadGzip(char* out, size_t n) {
  z_stream& z = gzip_->stream;
  while (true) {
    JANGBU_RETURN_IF_ERROR(Refill());
    if (!gzip_->inside) {
      // Between members: zero padding, another member, or the end.
      while (in_pos_ < in_.size() && in_[in_pos_] == 0) {
        ++in_pos_;
        ++consumed_;
      }
      if (in_.empty()) return size_t{0};
      if (in_pos_ == in_.size()) continue;
      JANGBU_CHECK(inflateReset(&z) == Z_OK);
      gzip_->inside = true;
    }
    const bool starved = in_pos_ == in_.size();
    z.next_in = reinterpret_cast<Bytef*>(in_.data() + in_pos_);
    z.avail_in = static_cast<uInt>(in_.size() - in_pos_);
    z.next_out = reinterpret_cast<Bytef*>(out);
    z.avail_out = static_cast<uInt>(n);
    const int result = inflate(&z, Z_NO_FLUSH);
    const size_t taken = in_.size() - in_pos_ - z.avail_in;
    in_pos_ += taken;
    consumed_ += taken;
    const size_t size = n - z.avail_out;
    if (result == Z_STREAM_END) {
      gzip_->inside = false;
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      Fault(Reason::kBadCompression, "gzip data is damaged");
      return size;  // what came out before the damage
    }
    if (size > 0) return size;
    if (starved && gzip_->inside) return Fault(Reason::kBadCompression, "gzip data ends too early");
  }
}

StatusOr<size_t> Peeler::ReadZstd(char* out, size_t n) {
  while (true) {
    JANGBU_RETURN_IF_ERROR(Refill());
    const bool starved = in_pos_ == in_.size();
    if (starved && !zstd_->inside) return size_t{0};
    ZSTD_inBuffer input{in_.data(), in_.size(), in_pos_};
    ZSTD_outBuffer output{out, n, 0};
    const size_t result = ZSTD_decompressStream(zstd_->stream, &output, &input);
    consumed_ += input.pos - in_pos_;
    in_pos_ = input.pos;
    if (ZSTD_isError(result)) {
      const bool window = ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge;
      Fault(window ? Reason::kCompressionLimit : Reason::kBadCompression,
            window ? "zstd window is too large" : "zstd data is damaged");
      return output.pos;
    }
    zstd_->inside = result != 0;
    if (output.pos > 0) return output.pos;
    if (starved && zstd_->inside) return Fault(Reason::kBadCompression, "zstd data ends too early");
  }
}

}  // namespace jangbu::ingest
