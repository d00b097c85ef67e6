#include <algorithm>

#include "interpreter/core/knowledge/packing.h"
#include "interpreter/core/knowledge/words.h"
#include "interpreter/core/sha256.h"

namespace sufler {
namespace {

using Problem = KnowledgeProblem;
using What = KnowledgeProblem::What;

std::uint32_t line_at(std::string_view text, std::size_t offset) {
  return static_cast<std::uint32_t>(1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
}

/// Whether most high bytes are letters of Windows-1251, as Russian text has them.
bool looks_like_windows_1251(std::string_view text) {
  std::size_t high = 0, letters = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) continue;
    ++high;
    if (byte >= 0xC0 || byte == 0xA8 || byte == 0xB8) ++letters;
  }
  return high > 0 && letters * 10 >= high * 8;
}

/// A byte-order mark and `\r` taken away.
Result<std::string, Problem> text_of(std::string_view bytes) {
  if (bytes.size() > kMostKnowledgeBytes) return Error{Problem{What::TooBig, 0}};
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return Error{Problem{What::Utf16, 0}};
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  std::size_t bad = 0;
  if (!is_utf8(bytes, &bad)) {
    const bool old = looks_like_windows_1251(bytes.substr(bad));
    return Error{Problem{old ? What::Windows1251 : What::NotUtf8, line_at(bytes, bad)}};
  }
  std::string text;
  text.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char c = bytes[i];
    if (c == '\r') {
      // Alone it ends a line, as it did on old machines.
      if (i + 1 == bytes.size() || bytes[i + 1] != '\n') text += '\n';
    } else if (c == '\f' || c == '\v') {
      text += '\n';
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') {
      return Error{Problem{What::Binary, line_at(bytes, i)}};
    } else {
      text += c;
    }
  }
  return text;
}

}  // namespace

std::optional<KnowledgeFormat> knowledge_format_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == path.npos) return std::nullopt;
  const std::string ending = to_lower(path.substr(dot + 1));
  if (ending == "md" || ending == "markdown") return KnowledgeFormat::Markdown;
  if (ending == "txt") return KnowledgeFormat::Text;
  if (ending == "csv") return KnowledgeFormat::Csv;
  if (ending == "html" || ending == "htm") return KnowledgeFormat::Html;
  return std::nullopt;
}

std::string explain(const Problem& problem, Language language) {
  const bool russian = language == Language::Russian;
  const auto words = [&]() -> std::string {
    switch (problem.what) {
      case What::NotKnowledge:
        return russian ? "знания берутся из файлов .md, .txt, .csv и .html" : "knowledge is read from .md, .txt, .csv and .html files";
      case What::NotUtf8:
        return russian ? "это не текст в UTF-8: сохраните файл в кодировке UTF-8" : "this is no UTF-8 text: save the file as UTF-8";
      case What::Windows1251:
        return russian ? "текст в кодировке Windows-1251: откройте файл в Блокноте, «Сохранить как», кодировка UTF-8"
                       : "the text is in Windows-1251: open it in an editor and save it as UTF-8";
      case What::Utf16:
        return russian ? "текст в кодировке UTF-16 («Юникод» Блокнота): сохраните его в UTF-8"
                       : "the text is in UTF-16 (Notepad's \"Unicode\"): save it as UTF-8";
      case What::Binary:
        return russian ? "это не текст, здесь двоичные данные: выгрузите документ в .txt или .html"
                       : "this is no text, there are binary data here: export the document as .txt or .html";
      case What::Empty:
        return russian ? "в файле нет ни слова: допишите его или уберите из `знания`"
                       : "there are no words in the file: write some, or take it out of `knowledge`";
      case What::UnclosedQuote:
        return russian ? "кавычка здесь открыта и нигде не закрыта: закройте её, а кавычку внутри ячейки удвойте"
                       : "a quote is opened here and never closed: close it, and double a quote inside a cell";
      case What::TooBig:
        return russian ? "файл слишком большой: разделите его на файлы до 32 МБ" : "the file is too big: part it into files of up to 32 MB";
    }
    return {};
  }();
  if (problem.line == 0) return words;
  return (russian ? "строка " : "line ") + std::to_string(problem.line) + ": " + words;
}

Result<std::vector<KnowledgeCut>, KnowledgeProblem> cut_knowledge(std::string_view path, std::string_view bytes,
                                                                  const CutSizes& sizes) {
  const auto format = knowledge_format_of(path);
  if (!format) return Error{Problem{What::NotKnowledge, 0}};
  const auto text = text_of(bytes);
  if (!text) return Error{text.error()};
  std::vector<knowledge::Section> sections;
  switch (*format) {
    case KnowledgeFormat::Markdown: sections = knowledge::read_markdown(path, *text); break;
    case KnowledgeFormat::Text: sections = knowledge::read_plain_text(path, *text); break;
    case KnowledgeFormat::Html: sections = knowledge::read_html(path, *text); break;
    case KnowledgeFormat::Csv: {
      auto rows = knowledge::read_csv(path, *text);
      if (!rows) return Error{rows.error()};
      sections = std::move(*rows);
      break;
    }
  }
  std::vector<KnowledgeCut> pieces = knowledge::pack(sections, sizes);
  if (pieces.empty()) return Error{Problem{What::Empty, 0}};
  if (pieces.size() > kMostKnowledgePieces) return Error{Problem{What::TooBig, 0}};
  for (KnowledgeCut& piece : pieces) piece.id = sha256_hex(piece.title + '\n' + piece.text).substr(0, 32);
  return pieces;
}

}  // namespace sufler
