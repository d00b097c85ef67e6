// Files to send: of the scenario's folder, or what an expression gives.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include "schema/loading.h"

namespace sufler {
namespace {

AttachmentKind kind_of(std::string_view extension) {
  if (extension == "jpg" || extension == "jpeg" || extension == "png" || extension == "webp") {
    return AttachmentKind::Photo;
  }
  if (extension == "mp3" || extension == "m4a" || extension == "wav") return AttachmentKind::Audio;
  if (extension == "ogg" || extension == "opus") return AttachmentKind::Voice;
  if (extension == "mp4" || extension == "mov" || extension == "webm") return AttachmentKind::Video;
  return AttachmentKind::Document;
}

std::string mime_of(std::string_view extension) {
  static const std::unordered_map<std::string_view, const char*> known = {
      {"jpg", "image/jpeg"},      {"jpeg", "image/jpeg"},     {"png", "image/png"},
      {"webp", "image/webp"},     {"gif", "image/gif"},       {"pdf", "application/pdf"},
      {"txt", "text/plain"},      {"csv", "text/csv"},        {"html", "text/html"},
      {"mp3", "audio/mpeg"},      {"m4a", "audio/mp4"},       {"wav", "audio/wav"},
      {"ogg", "audio/ogg"},       {"opus", "audio/ogg"},      {"mp4", "video/mp4"},
      {"mov", "video/quicktime"}, {"webm", "video/webm"},     {"zip", "application/zip"},
      {"json", "application/json"}, {"doc", "application/msword"},
      {"docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"xls", "application/vnd.ms-excel"},
      {"xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
  };
  const auto found = known.find(extension);
  return found == known.end() ? "application/octet-stream" : found->second;
}

std::string extension_of(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos) return {};
  return to_lower(path.substr(dot + 1));
}

}  // namespace

std::optional<std::string> bytes_of(const Loading& loading, const std::string& reference) {
  if (!loading.on_disk) return loading.options.read ? loading.options.read(reference) : std::nullopt;
  std::ifstream in(std::filesystem::path(loading.program.folder) / reference, std::ios::binary);
  if (!in) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

std::optional<Attachment> read_file_name(Loading& loading, const Node& node) {
  const std::string path(node.scalar);
  namespace fs = std::filesystem;
  const fs::path relative = fs::path(path).lexically_normal();
  const std::string normal = relative.generic_string();
  if (relative.is_absolute() || normal == ".." || normal.rfind("../", 0) == 0) {
    hint(loading, loading.report(DiagnosticId::FileOutside, node.span, {path}),
         "put the file into the folder and name it relative to that",
         "положите файл в эту папку и назовите его относительно неё");
    return std::nullopt;
  }
  Attachment file;
  file.origin = "scenario";
  file.reference = normal;
  file.name = relative.filename().string();
  const std::string extension = extension_of(normal);
  file.kind = kind_of(extension);
  file.mime = mime_of(extension);
  if (loading.on_disk) {
    std::error_code error;
    const fs::path root = fs::weakly_canonical(loading.program.folder, error);
    // A link could point anywhere and change after the check.
    fs::path step = root;
    for (const fs::path& part : relative) {
      step /= part;
      if (fs::is_symlink(fs::symlink_status(step, error))) {
        hint(loading, loading.report(DiagnosticId::FileOutside, node.span, {path}),
             "a link is not followed: copy the file itself",
             "это ссылка, по ней не ходят: скопируйте сам файл");
        return std::nullopt;
      }
    }
    if (!fs::is_regular_file(step, error)) {
      Diagnostic& problem = loading.report(DiagnosticId::MissingFile, node.span, {path});
      std::vector<std::string> beside;
      for (auto it = fs::directory_iterator(step.parent_path(), error);
           !error && it != fs::directory_iterator() && beside.size() < 200; it.increment(error)) {
        beside.push_back((relative.parent_path() / it->path().filename()).generic_string());
      }
      std::sort(beside.begin(), beside.end());
      offer(loading, problem, path, beside, false);
      return std::nullopt;
    }
    const auto size = fs::file_size(step, error);
    if (!error) file.size = static_cast<std::int64_t>(size);
    loading.files.insert(normal);
  }
  return file;
}

Attach read_attach(Loading& loading, const Node& node, std::string_view what) {
  Attach attach;
  auto add = [&](const Node& item, bool alone) {
    if (!item.is_scalar()) {
      loading.report(DiagnosticId::WantsText, item.span, {std::string(what)});
      return;
    }
    const std::string_view text = trim(item.scalar);
    const bool braces = text.substr(0, 2) == "{{";
    if (braces) {
      // Typed by habit of texts; inside stands the expression.
      if (auto inner = read_inserted(loading, item, what)) attach.expressions.push_back(*inner);
      return;
    }
    const bool path_like = text.find_first_of("./") != text.npos;
    bool is_file = path_like;
    if (path_like && alone) {
      // Bare, it may be an expression: `order.files`, `photos + documents`.
      const std::string_view root = text.substr(0, text.find_first_of("./"));
      is_file = text.find_first_of("|+[( ") == text.npos &&
                (text.find('/') != text.npos || !is_identifier(root) ||
                 (find_word(root, in::SystemName) == Word::None &&
                  mime_of(extension_of(text)) != "application/octet-stream"));
    }
    if (is_file) {
      if (auto file = read_file_name(loading, item)) attach.files.push_back(std::move(*file));
    } else if (auto expression = read_expression(loading, item, what)) {
      attach.expressions.push_back(*expression);
    }
  };
  if (node.is_list()) {
    for (const Node& item : node.items) add(item, false);
  } else {
    add(node, true);
  }
  return attach;
}

}  // namespace sufler
