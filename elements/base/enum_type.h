// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>

#include <glib-object.h>

namespace liveedit::elements {

template <typename Enum>
struct EnumText {
  Enum value;
  const char* meaning;
  const char* nick;
};

// Registers an enumeration as a GEnum type, once a process; the type keeps the texts.
template <typename Enum, std::size_t kCount>
GType register_enum(const char* name, const EnumText<Enum> (&texts)[kCount]) {
  GEnumValue* values = g_new0(GEnumValue, kCount + 1);  // the type's from now on; ends with an empty one
  for (std::size_t i = 0; i < kCount; ++i) {
    values[i] = {static_cast<gint>(texts[i].value), texts[i].meaning, texts[i].nick};
  }
  return g_enum_register_static(name, values);
}

}  // namespace liveedit::elements
