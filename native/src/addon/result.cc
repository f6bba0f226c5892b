#include "addon/methods.h"

namespace alfamix::addon {

napi_value ValueOf(napi_env env, napi_ref handle) {
  napi_value value = nullptr;
  return napi_get_reference_value(env, handle, &value) == napi_ok ? value : nullptr;
}

napi_value NewResult(napi_env env, std::initializer_list<ResultField> fields) {
  constexpr std::size_t kMostFields = 8;
  napi_property_descriptor properties[kMostFields] = {};
  std::size_t count = 0;
  for (const ResultField& field : fields) {
    if (count == kMostFields) return nullptr;
    napi_property_descriptor& property = properties[count++];
    property.utf8name = field.name;
    property.value = field.handle == nullptr ? field.value : ValueOf(env, field.handle);
    property.attributes = napi_default_jsproperty;
    if (property.value == nullptr) return nullptr;
  }
  napi_value result = nullptr;
  // Defined, not assigned: no setter on Object.prototype sees them.
  if (napi_create_object(env, &result) != napi_ok) return nullptr;
  return napi_define_properties(env, result, count, properties) == napi_ok ? result : nullptr;
}

}  // namespace alfamix::addon
