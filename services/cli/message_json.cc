#include "services/cli/message_json.h"

#include <vector>

#include "services/cli/display.h"
#include "services/cli/json_writer.h"

namespace jangbu::services::cli {

namespace pb = google::protobuf;

bool IsTimeField(const pb::FieldDescriptor& field) {
  const std::string& name = field.name();
  return name.size() > 7 && name.compare(name.size() - 7, 7, "_micros") == 0;
}

namespace {

std::string JsonValue(const pb::Message& message, const pb::FieldDescriptor& field, int index) {
  const pb::Reflection& r = *message.GetReflection();
  const bool many = index >= 0;
  JsonObject one;
  switch (field.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT64: {
      const int64_t v =
          many ? r.GetRepeatedInt64(message, &field, index) : r.GetInt64(message, &field);
      if (IsTimeField(field)) {
        one.Add("", v == 0 || v == INT64_MIN ? "" : UtcTime(v));
      } else {
        return std::to_string(v);
      }
      break;
    }
    case pb::FieldDescriptor::CPPTYPE_UINT64:
      return std::to_string(many ? r.GetRepeatedUInt64(message, &field, index)
                                 : r.GetUInt64(message, &field));
    case pb::FieldDescriptor::CPPTYPE_UINT32:
      return std::to_string(many ? r.GetRepeatedUInt32(message, &field, index)
                                 : r.GetUInt32(message, &field));
    case pb::FieldDescriptor::CPPTYPE_BOOL:
      return (many ? r.GetRepeatedBool(message, &field, index) : r.GetBool(message, &field))
                 ? "true"
                 : "false";
    case pb::FieldDescriptor::CPPTYPE_MESSAGE:
      return MessageJson(many ? r.GetRepeatedMessage(message, &field, index)
                              : r.GetMessage(message, &field));
    case pb::FieldDescriptor::CPPTYPE_STRING:
      one.Add("",
              many ? r.GetRepeatedString(message, &field, index) : r.GetString(message, &field));
      break;
    default:  // an enumeration: roles alone are shown
      return std::to_string(r.GetEnumValue(message, &field));
  }
  const std::string object = one.Take();  // {"":VALUE}
  return object.substr(4, object.size() - 5);
}

}  // namespace

std::string MessageJson(const pb::Message& message) {
  JsonObject json;
  const pb::Descriptor& type = *message.GetDescriptor();
  for (int i = 0; i < type.field_count(); ++i) {
    const pb::FieldDescriptor& field = *type.field(i);
    std::string name = field.name();
    if (IsTimeField(field)) name.resize(name.size() - 7);
    if (!field.is_repeated()) {
      json.AddRaw(name, JsonValue(message, field, -1));
      continue;
    }
    std::vector<std::string> items;
    for (int k = 0; k < message.GetReflection()->FieldSize(message, &field); ++k)
      items.push_back(JsonValue(message, field, k));
    json.AddRaw(name, JsonArray(items));
  }
  return json.Take();
}

}  // namespace jangbu::services::cli
