#pragma once

// Who reads whole documents (HWP, PDF, DOCX, archives…) for the installations of this process.

#include "ingest/extract/document_stream.h"

namespace jangbu::services {

// Called once, before the first installation is opened; `reader` is borrowed for as long as any is.
// Without it such files are refused as unsupported.
void InstallDocumentReader(ingest::DocumentReader* reader);

// Null when there is none. Thread-safe.
ingest::DocumentReader* InstalledDocumentReader();

}  // namespace jangbu::services
