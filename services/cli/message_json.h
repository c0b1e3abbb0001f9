#pragma once

// A message of the server as one JSON object: its fields by their names, in their order. Times
// (fields that end in _micros) are ISO 8601 under the name without that ending.

#include <google/protobuf/message.h>

#include <string>

namespace jangbu::services::cli {

bool IsTimeField(const google::protobuf::FieldDescriptor& field);
std::string MessageJson(const google::protobuf::Message& message);

}  // namespace jangbu::services::cli
