# cmake -DINPUT=openapi.json -DOUTPUT=openapi_document.cpp -P embed.cmake
# Writes a source file that holds the document as a raw string.
file(READ ${INPUT} document)
file(WRITE ${OUTPUT} "#include \"choregos/api/http/openapi.hpp\"\n\nnamespace choregos::api {\nstd::string_view openapi_document() {\n  static constexpr std::string_view document = R\"openapi(")
file(APPEND ${OUTPUT} "${document}")
file(APPEND ${OUTPUT} ")openapi\";\n  return document;\n}\n}  // namespace choregos::api\n")
