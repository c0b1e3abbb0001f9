#pragma once

// A dry run over the wire: the files of a stream go into a Trial (services/flow/trial.h) as they
// come; nothing is staged.

#include "base/status.h"
#include "jangbu/v1/contribute.pb.h"
#include "services/rpc/front_door.h"
#include "services/rpc/gathered_stream.h"

namespace jangbu::services::rpc {

using TryStream = GatheredStream<::jangbu::v1::TryFilesRequest, ::jangbu::v1::TryFilesResponse>;

// Serves one stream to its end. Besides the flow's own errors:
// InvalidArgument("corpus_id_missing"),
// ("path_missing"), ("file_cut_short"), ResourceExhausted("message_too_large").
Status ServeTrial(Call& call, TryStream& stream);

}  // namespace jangbu::services::rpc
