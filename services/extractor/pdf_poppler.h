#pragma once

// Text of PDF files by Poppler (GPL-2): linked by the worker's executable and by nothing else.

#include "ingest/extract/readers.h"

namespace jangbu::services {

// Words and their places of all pages, put together by ComposePdf. kNoTextLayer,
// kPasswordProtected, kDamagedDocument, kExtractionLimit (pages). Scripts, links, forms and
// attachments are never looked at.
ingest::Extracted ReadPdf(std::string_view bytes, const ingest::ExtractLimits& limits);

// What Poppler reads from the disk once, before the sandbox closes.
void PreparePdf();

}  // namespace jangbu::services
