#pragma once

// Names of encodings as documents declare them.

#include <string_view>

#include "ingest/extract/encoding.h"

namespace jangbu::ingest {

// "euc-kr", "ks_c_5601-1987", "cp949", "utf-8", "johab"…, in any case; kUnknown for other names.
// The names of EUC-KR mean windows-949, as in the WHATWG Encoding standard: files labelled so hold
// its other 8,822 syllables too.
Encoding EncodingNamed(std::string_view label);

// Of an XML file: byte order mark, UTF-16 by its first bytes, declaration, else UTF-8.
Encoding XmlEncoding(std::string_view bytes);

// Of an HTML file: byte order mark, then <meta charset> or http-equiv in the first 4 KiB; kUnknown
// when neither is there.
Encoding HtmlEncoding(std::string_view bytes);

}  // namespace jangbu::ingest
