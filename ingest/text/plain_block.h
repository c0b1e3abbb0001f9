#pragma once

// Sixty-four bytes at a time over what nearly all Korean text consists of: ASCII and Hangul
// syllables. Private to this folder; the loops that use it have a path by single code points for
// all else, and for machines without SSE2.

#include <cstddef>
#include <cstdint>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace jangbu::ingest::internal {

#ifdef __SSE2__
inline constexpr bool kHasBlocks = true;
#else
inline constexpr bool kHasBlocks = false;
#endif

// One bit a byte, the first byte lowest.
using ByteMask = uint64_t;

inline constexpr std::ptrdiff_t kBlockBytes = 64;
// How far loops may read and write past a block's end.
inline constexpr std::ptrdiff_t kBlockSlack = 64;

inline ByteMask FirstBytes(size_t n) { return n >= 64 ? ~ByteMask{0} : (ByteMask{1} << n) - 1; }

inline uint32_t CountBits(ByteMask m) {
#ifdef __POPCNT__
  return static_cast<uint32_t>(__builtin_popcountll(m));
#else
  m -= (m >> 1) & 0x5555555555555555u;
  m = (m & 0x3333333333333333u) + ((m >> 2) & 0x3333333333333333u);
  m = (m + (m >> 4)) & 0x0F0F0F0F0F0F0F0Fu;
  return static_cast<uint32_t>((m * 0x0101010101010101u) >> 56);
#endif
}

#ifdef __SSE2__

template <typename F>
inline ByteMask MaskOf(const char* p, F f) {
  ByteMask mask = 0;
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    mask |= static_cast<ByteMask>(static_cast<uint32_t>(_mm_movemask_epi8(f(bytes)))) << (16 * i);
  }
  return mask;
}

inline ByteMask BytesEqual(const char* p, char c) {
  const __m128i wanted = _mm_set1_epi8(c);
  return MaskOf(p, [&](__m128i bytes) { return _mm_cmpeq_epi8(bytes, wanted); });
}

inline ByteMask AsciiLetters(const char* p) {
  const __m128i fold = _mm_set1_epi8(0x20), below = _mm_set1_epi8('a' - 1),
                above = _mm_set1_epi8('z' + 1);
  return MaskOf(p, [&](__m128i bytes) {
    const __m128i lower = _mm_or_si128(bytes, fold);  // bytes past 0x7F stay negative, so below 'a'
    return _mm_and_si128(_mm_cmpgt_epi8(lower, below), _mm_cmplt_epi8(lower, above));
  });
}

// U+0000-001F and U+007F.
inline ByteMask Controls(const char* p) {
  const __m128i last = _mm_set1_epi8(0x1F), del = _mm_set1_epi8(0x7F);
  return MaskOf(p, [&](__m128i bytes) {
    return _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(bytes, last), bytes),
                        _mm_cmpeq_epi8(bytes, del));
  });
}

struct PlainBlock {
  ByteMask ascii = 0;
  ByteMask lead = 0;  // first bytes of syllables
  // Bytes of whole code points: 62 to 64.
  size_t size = 0;
};

// True when the block at `p` is ASCII and Hangul syllables alone, save perhaps a code point cut off
// by its end.
//
// REQUIRES: valid UTF-8; a code point begins at `p`; p[-2, kBlockBytes) may be read.
inline bool LoadPlainBlock(const char* p, PlainBlock& block) {
  const auto load = [](const char* at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  };
  const __m128i continuation_max = _mm_set1_epi8(static_cast<char>(0xBF));
  const __m128i ea = _mm_set1_epi8(static_cast<char>(0xEA)),
                ed = _mm_set1_epi8(static_cast<char>(0xED));
  const __m128i before_ea = _mm_set1_epi8(static_cast<char>(0xE9)),
                after_ed = _mm_set1_epi8(static_cast<char>(0xEE));
  const __m128i b0 = _mm_set1_epi8(static_cast<char>(0xB0)),
                x9e = _mm_set1_epi8(static_cast<char>(0x9E));
  const __m128i a3 = _mm_set1_epi8(static_cast<char>(0xA3));
  const __m128i zero = _mm_setzero_si128();
  __m128i bad = zero;
  ByteMask not_ascii = 0, lead = 0;
  for (int i = 0; i < 4; ++i) {
    // Compared as signed bytes: 0x80 is least, 0xFF is -1, ASCII is above them all.
    const __m128i bytes = load(p + 16 * i), one_before = load(p + 16 * i - 1),
                  two_before = load(p + 16 * i - 2);
    const __m128i high = _mm_cmplt_epi8(bytes, zero);
    const __m128i leads = _mm_and_si128(high, _mm_cmpgt_epi8(bytes, continuation_max));
    const __m128i hangul =
        _mm_and_si128(_mm_cmpgt_epi8(bytes, before_ea), _mm_cmplt_epi8(bytes, after_ed));
    bad = _mm_or_si128(bad, _mm_andnot_si128(hangul, leads));
    // U+AC00 is EA B0 80, U+D7A3 is ED 9E A3.
    bad =
        _mm_or_si128(bad, _mm_and_si128(_mm_cmpeq_epi8(one_before, ea), _mm_cmplt_epi8(bytes, b0)));
    bad = _mm_or_si128(bad,
                       _mm_and_si128(_mm_cmpeq_epi8(one_before, ed), _mm_cmpgt_epi8(bytes, x9e)));
    const __m128i last_row =
        _mm_and_si128(_mm_cmpeq_epi8(two_before, ed), _mm_cmpeq_epi8(one_before, x9e));
    bad = _mm_or_si128(bad, _mm_and_si128(last_row, _mm_cmpgt_epi8(bytes, a3)));
    not_ascii |= static_cast<ByteMask>(static_cast<uint32_t>(_mm_movemask_epi8(bytes))) << (16 * i);
    lead |= static_cast<ByteMask>(static_cast<uint32_t>(_mm_movemask_epi8(leads))) << (16 * i);
  }
  if (_mm_movemask_epi8(bad) != 0) return false;
  block.ascii = ~not_ascii;
  block.lead = lead;
  block.size = (lead >> 63) != 0 ? 63 : (lead >> 62) != 0 ? 62 : 64;
  return true;
}

#else

struct PlainBlock {
  ByteMask ascii = 0;
  ByteMask lead = 0;
  size_t size = 0;
};
inline ByteMask BytesEqual(const char*, char) { return 0; }
inline ByteMask AsciiLetters(const char*) { return 0; }
inline ByteMask Controls(const char*) { return 0; }
inline bool LoadPlainBlock(const char*, PlainBlock&) { return false; }

#endif

}  // namespace jangbu::ingest::internal
