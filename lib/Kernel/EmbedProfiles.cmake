# Writes OUTPUT, a C++ file that holds the JSON files PROFILES (separated by
# commas) as string literals. Run by the build: cmake -D... -P EmbedProfiles.cmake
string(REPLACE "," ";" files "${PROFILES}")
set(text "// Generated from lib/Kernel/profiles; do not edit.\n\n#include \"Kernel/BuiltinProfiles.h\"\n\n")
string(APPEND text "static const prepatch::BuiltinProfile Profiles[] = {\n")
foreach(file IN LISTS files)
  get_filename_component(name "${file}" NAME)
  string(REGEX REPLACE "\\.json$" "" name "${name}")
  file(READ "${file}" json)
  string(APPEND text "    {\"${name}\", R\"json(${json})json\"},\n")
endforeach()
string(APPEND text "};\n\nllvm::ArrayRef<prepatch::BuiltinProfile> prepatch::builtinProfiles() {\n  return Profiles;\n}\n")
file(WRITE "${OUTPUT}" "${text}")
