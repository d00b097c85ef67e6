#include <algorithm>

#include "interpreter/core/questions/kinds.h"

namespace sufler {
namespace {

constexpr std::size_t kMaxFiles = 100;
/// Parts of an album come one by one; so long nothing more must come before the bot says what it has.
constexpr Duration kPause{2000};

/// `jpg` of `photo.JPG`, or what the type says.
std::string format_of(const Attachment& file) {
  const std::size_t dot = file.name.rfind('.');
  if (dot != std::string::npos && dot + 1 < file.name.size()) return to_lower(file.name.substr(dot + 1));
  const std::size_t slash = file.mime.find('/');
  if (slash != std::string::npos) return to_lower(file.mime.substr(slash + 1));
  // Photos are recoded by the platforms, and come without a name.
  return file.kind == AttachmentKind::Photo ? "jpg" : "";
}

std::string_view same_format(std::string_view format) {
  return format == "jpeg" ? "jpg" : format == "tiff" ? "tif" : format == "htm" ? "html" : format;
}

bool is_picture(const Attachment& file) {
  if (file.kind == AttachmentKind::Photo || file.mime.starts_with("image/")) return true;
  if (file.kind != AttachmentKind::Document || !file.mime.empty()) return false;
  return has_format(file, {"jpg", "png", "gif", "webp", "heic", "bmp", "tif"});
}

/// A text that came with a file and not as its caption is its caption.
std::vector<Attachment> with_captions(const Heard& heard) {
  std::vector<Attachment> files = heard.attachments;
  if (!files.empty() && files.front().caption.empty()) files.front().caption = std::string(trim(heard.text));
  return files;
}

}  // namespace

bool has_format(const Attachment& file, const std::vector<std::string>& formats) {
  const std::string format = format_of(file);
  return std::any_of(formats.begin(), formats.end(), [&](const std::string& wanted) {
    return same_format(wanted) == same_format(format);
  });
}

std::optional<Reading> refuse_file(const Question& question, const Attachment& file) {
  if (file.kind == AttachmentKind::Sticker) return Reading::refuse(Phrase::InvalidFile);
  if (!question.formats.empty() && !has_format(file, question.formats)) {
    std::string formats;
    for (const std::string& format : question.formats) formats += (formats.empty() ? "" : ", ") + format;
    ValueMap details;
    details.set("formats", std::move(formats));
    return Reading::refuse(Phrase::InvalidFormat, std::move(details));
  }
  if (question.max_bytes && file.size > *question.max_bytes) return Reading::refuse(Phrase::InvalidSize);
  return std::nullopt;
}

Reading read_photo(Play& play, const Question& question) {
  const std::vector<Attachment> files = with_captions(play.heard);
  for (const Attachment& file : files) {
    if (!is_picture(file)) continue;
    if (auto refusal = refuse_file(question, file)) return *refusal;
    return Reading::of(file);
  }
  return Reading::refuse(Phrase::InvalidPhoto);
}

Reading read_file(Play& play, const Question& question) {
  const std::vector<Attachment> files = with_captions(play.heard);
  if (files.empty()) return Reading::refuse(Phrase::InvalidFile);
  if (auto refusal = refuse_file(question, files.front())) return *refusal;
  return Reading::of(files.front());
}

Flow collect_files(Play& play, const Question& question, const Input& input) {
  Waiting& waiting = play.state.waiting;
  const auto count = [&] { return Decimal(static_cast<std::int64_t>(waiting.collected.size())); };
  const auto take = [&] {
    List files = waiting.collected;
    return take_value(play, question, std::move(files));
  };
  if (play.heard.attachments.empty()) {
    const std::string_view text = trim(play.heard.text);
    const bool done = input.code == 'd' ||
                      (!input.pressed() && !text.empty() && fold(text) == fold(play.phrase_text(Phrase::Done)));
    if (!done) return refuse(play, question, Reading::refuse(Phrase::InvalidFile));
    const Decimal least = question.min.value_or(Decimal(question.optional ? 0 : 1));
    if (count() < least) {
      ValueMap details;
      details.set("min", least);
      return refuse(play, question, Reading::refuse(Phrase::InvalidCount, std::move(details)));
    }
    return take();
  }
  std::optional<Reading> refusal;
  bool taken = false;
  for (Attachment& file : with_captions(play.heard)) {
    if (auto no = refuse_file(question, file)) {
      refusal = std::move(no);
      continue;
    }
    if (waiting.collected.size() >= kMaxFiles || (question.max && count() >= *question.max)) break;
    waiting.collected.emplace_back(std::move(file));
    taken = true;
  }
  if (question.max && count() >= *question.max) return take();
  const bool full = waiting.collected.size() >= kMaxFiles;  // told, too: more are not taken
  if (taken || full) play.set_timer("files", later(play.event.at, kPause));
  if (refusal) return refuse(play, question, *refusal);
  return Flow::Rest;
}

}  // namespace sufler
