#include "schema/yaml_errors.h"

#include <algorithm>
#include <cstring>
#include <string_view>

namespace sufler {
namespace {

struct Cause {
  std::string_view message;  ///< how yaml-cpp's begins
  std::string_view en, ru;
};

// The pre-scan explains what people do; these are the rest.
constexpr Cause kCauses[] = {
    {"end of map not found", "is this line indented like the lines it belongs to?",
     "такой ли у строки отступ, как у строк, к которым она относится?"},
    {"end of sequence not found", "is this line indented like the list it belongs to?",
     "такой ли у строки отступ, как у списка, к которому она относится?"},
    {"end of map flow not found", "is `}` or a comma missing before it?",
     "может быть, перед этим не хватает `}` или запятой?"},
    {"end of sequence flow not found", "is `]` or a comma missing before it?",
     "может быть, перед этим не хватает `]` или запятой?"},
    {"illegal map value", "a colon that is part of a text wants the text in quotes",
     "если двоеточие — часть текста, возьмите текст в кавычки"},
    {"illegal map key", "a key cannot begin here", "здесь не может начинаться ключ"},
    {"illegal block entry", "a list cannot begin here: put it on a line of its own",
     "здесь не может начинаться список: перенесите его на новую строку"},
    {"illegal flow end", "this bracket closes nothing", "эта скобка ничего не закрывает"},
    {"illegal tab", "indent with spaces", "сделайте отступ пробелами"},
    {"illegal EOF", "a quote or a bracket above is never closed",
     "выше не закрыта кавычка или скобка"},
    {"illegal document indicator", "a line of `---` or `...` inside a text wants other words",
     "строка `---` или `...` не может стоять внутри текста"},
    {"unknown escape", "in double quotes a backslash is written twice",
     "в двойных кавычках обратная черта пишется дважды"},
    {"bad character found while scanning hex", "in double quotes a backslash is written twice",
     "в двойных кавычках обратная черта пишется дважды"},
    {"invalid unicode", "there is no such character", "такого символа нет"},
    {"unexpected character in block", "after `|` or `>` the text begins on the next line",
     "после `|` или `>` текст начинается со следующей строки"},
    {"cannot set zero indentation", "after `|` or `>` the text begins on the next line",
     "после `|` или `>` текст начинается со следующей строки"},
};
constexpr Cause kUnknown = {"", "put the text in quotes", "возьмите текст в кавычки"};

}  // namespace

void explain_yaml_error(const std::string& message, std::uint32_t mended_offset, std::uint32_t file,
                        const SourceMap& sources, const MendedText& mended,
                        Diagnostics& diagnostics) {
  const std::string& text = sources.text(file);
  std::size_t offset = mended.changed ? mended.original_offset(mended_offset) : mended_offset;
  offset = std::min(offset, text.size());
  // The end of the file or of a line says little: the last thing written before it is meant.
  while (offset > 0 && (offset == text.size() || std::strchr(" \r\n", text[offset]))) --offset;
  while (offset > 0 && (text[offset] & 0xC0) == 0x80) --offset;
  std::size_t end = std::min(text.find_first_of("\r\n", offset), text.size());
  while (end > offset + 1 && text[end - 1] == ' ') --end;

  const Cause* cause = &kUnknown;
  for (const Cause& one : kCauses)
    if (message.starts_with(one.message)) cause = &one;
  Diagnostic& problem = diagnostics.report(
      DiagnosticId::YamlSyntax,
      {file, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(end - offset)});
  problem.hint_en = cause->en;
  problem.hint_ru = cause->ru;
}

}  // namespace sufler
