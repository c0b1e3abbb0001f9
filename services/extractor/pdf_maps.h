#pragma once

// Character maps for PDF, within reach of a process that can open no file.
//
// A PDF may name a character map and leave it out (KSCms-UHC-H, UniKS-UCS2-H: what Korean word
// processors and distillers wrote for twenty years); Poppler then opens it from poppler-data. This
// program defines `fopen` itself: what KeepPdfMaps found is read from memory, everything else is
// opened as ever, which in the sandbox fails.

namespace jangbu::services {

// Maps every file under `directory` (poppler-data's) into memory, read-only, for as long as the
// process lives; some 10 MB of address space, of memory what is looked at. What is missing stays
// missing: such PDFs are refused as no_text_layer. Call once, before threads and the sandbox.
void KeepPdfMaps(const char* directory);

}  // namespace jangbu::services
