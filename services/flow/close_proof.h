#pragma once

// What a close publishes of its split (docs/close-proof.md), and the check of it by who has the
// seed. Pure; thread-safe.

#include "base/digest.h"
#include "base/status.h"
#include "ledger/close.h"
#include "services/close_proof/commitment.h"

namespace jangbu::services {

// What is published of a close. About 0.2 ms a partner.
ledger::PublishedClose Publish(const ledger::CloseFigures& figures, const Digest& seed);

// Checks a close as an auditor does: every commitment opens to its partner's weight, none is
// negative, they add up. DataLoss("close_forged") names what is wrong.
Status CheckPublished(const ledger::PublishedClose& published, const ledger::CloseFigures& figures,
                      const Digest& seed);

}  // namespace jangbu::services
