#include "services/flow/document_reading.h"

#include <atomic>

namespace jangbu::services {
namespace {

std::atomic<ingest::DocumentReader*> installed_reader = nullptr;

}  // namespace

void InstallDocumentReader(ingest::DocumentReader* reader) { installed_reader = reader; }

ingest::DocumentReader* InstalledDocumentReader() { return installed_reader; }

}  // namespace jangbu::services
