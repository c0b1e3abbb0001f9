#pragma once

// How much a caller may ask for at once. Beyond them: RESOURCE_EXHAUSTED with a reason code.

#include <cstddef>
#include <cstdint>

namespace jangbu::services::rpc {

// A message of any method but Contribute, and one of Contribute: a text of 64 MiB with what stands
// around it. gRPC knows one limit for a server, so the larger is given to it and the smaller is
// checked by the front door.
inline constexpr size_t kMaxMessageBytes = size_t{16} << 20;
inline constexpr size_t kMaxContributeBytes = size_t{72} << 20;

// Of UploadFiles: bytes of a piece, and what is stored by one call of the flow. (Paths of more than
// 4096 bytes are refused by the flow, each alone.)
inline constexpr size_t kMaxPieceBytes = size_t{1} << 20;
inline constexpr size_t kStageGroupBytes = size_t{4} << 20;
inline constexpr size_t kStageGroupMessages = 4096;
// Of Contribute: what is appraised by one call of the flow.
inline constexpr size_t kFeedGroupBytes = size_t{1} << 20;
inline constexpr size_t kFeedGroupMessages = 256;
inline constexpr size_t kMaxTitleBytes = 4096;
inline constexpr size_t kMaxPublishedAtBytes = 64;
// Read ahead of the flow by one stream; then the client waits.
inline constexpr size_t kReadAheadBytes = size_t{8} << 20;

inline constexpr size_t kMaxRequestIdBytes = 64;
inline constexpr size_t kMaxTitleChars = 200;
inline constexpr size_t kMaxRightsChars = 2000;
inline constexpr size_t kMaxNameChars = 200;
inline constexpr size_t kMaxPersonChars = 100;
inline constexpr size_t kMaxReasonChars = 1000;

// Calls in progress of one partner, or of one key that belongs to no partner; bidirectional streams
// of all.
inline constexpr int kMaxCallsPerCaller = 64;
inline constexpr int kMaxStreams = 256;

// Threads of unary calls and server streams, memory of all connections, streams of one connection.
inline constexpr int kMaxThreads = 256;
inline constexpr size_t kMaxConnectionMemory = size_t{2} << 30;
inline constexpr int kMaxStreamsPerConnection = 128;

}  // namespace jangbu::services::rpc
