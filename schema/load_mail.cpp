// Letters: the step `mail`, and the HTML files that it names. Such a file is a file of the scenario like any other: what is
// wrong in it is said with its own lines and columns.
#include <algorithm>
#include <filesystem>

#include "interpreter/core/mail/html_template.h"
#include "interpreter/core/mail/mailbox.h"
#include "interpreter/core/mail/order.h"
#include "schema/loading.h"

namespace sufler {
namespace {

/// Gmail shows no more of a letter; what is filled in comes on top.
constexpr std::size_t kLongLetter = 102 * 1024;

// ---- addresses

void check_address(Loading& loading, const Node& node, const Template& address) {
  if (!address.is_constant() || parse_mailbox(node.scalar)) return;
  Diagnostic& problem = loading.report(DiagnosticId::BadMailAddress, node.span, {std::string(node.scalar)});
  if (node.scalar.find(',') != node.scalar.npos || node.scalar.find(';') != node.scalar.npos) {
    hint(loading, problem, "several are a list: `[anna@example.com, shop@example.com]`",
         "несколько пишут списком: `[anna@example.ru, shop@example.ru]`");
  } else {
    hint(loading, problem, "an address is `shop@example.com`, one out of an answer `\"{{ email }}\"`",
         "адрес пишут так: `shop@example.ru`, а из ответа так: `\"{{ email }}\"`");
  }
}

void read_people(Loading& loading, const Node& value, std::string_view what, Mail& mail) {
  const std::vector<const Node*> all = read_strings(loading, value, what);
  for (const Node* one : all) {
    if (trim(one->scalar).empty()) {
      loading.report(DiagnosticId::EmptyText, one->span, {std::string(what)});
      continue;
    }
    auto address = read_template(loading, *one, what);
    if (!address) continue;
    check_address(loading, *one, *address);
    mail.to.push_back(std::move(*address));
  }
  if (all.empty() && (value.is_list() || value.kind == Node::Kind::Null))
    loading.report(DiagnosticId::EmptyText, value.is_list() ? value.span : loading.last_key->span, {std::string(what)});
}

// ---- HTML

class HtmlReader {
 public:
  /// `folder`: where the file lies, within the scenario's; empty: there.
  HtmlReader(Loading& loading, std::uint32_t file, std::string_view text, std::string folder, bool russian)
      : loading_(loading), file_(file), text_(text), folder_(std::move(folder)), russian_(russian), images_(pictures_of_html(text)) {}

  /// Empty when something is wrong, which is told.
  HtmlTemplate read() {
    const std::size_t before = loading_.diagnostics.errors();
    const HtmlScan scan = scan_html(text_);
    for (const HtmlProblem& problem : scan.problems) tell(problem);
    if (scan.style) warn_of_style(*scan.style);
    std::vector<HtmlTemplate::Part> parts;
    for (const HtmlToken& token : scan.tokens) add(token, parts);
    while (!loops_.empty()) leave_loop();
    if (!scan.problems.empty() || loading_.diagnostics.errors() > before) return {};
    return HtmlTemplate(std::move(parts), std::move(pictures_));
  }

 private:
  SourceSpan span(std::uint32_t begin, std::uint32_t end) const { return {file_, begin, end - begin}; }
  std::string slice(std::uint32_t begin, std::uint32_t end) const { return std::string(text_.substr(begin, end - begin)); }

  void add(const HtmlToken& token, std::vector<HtmlTemplate::Part>& parts) {
    using What = HtmlToken::What;
    HtmlTemplate::Part part;
    part.what = token.what;
    part.context = token.context;
    switch (token.what) {
      case What::Literal: part.text = with_pictures(token.begin, token.end); break;
      case What::Value: {
        const std::string inner = slice(token.begin, token.end);
        part.history = token.context == HtmlContext::Text && (inner == "history" || inner == "история");
        if (!part.history) part.expression = expression(token);
        break;
      }
      case What::If:
        part.expression = expression(token);
        open_.push_back(false);
        break;
      case What::For: {
        part.expression = expression(token);  // the name is not known in its own list
        part.text = slice(token.name_begin, token.name_end);
        Node& name = loading_.kept_nodes.emplace_back();
        name.kind = Node::Kind::Scalar;
        name.span = span(token.name_begin, token.name_end);
        name.scalar = loading_.kept.emplace_back(part.text);
        const std::string_view known = read_name(loading_, name);
        if (find_word(known, in::SystemName) != Word::None && find_word(known, in::SystemName) != Word::Item)
          loading_.report(DiagnosticId::SystemNameTaken, name.span, {std::string(known)});
        part.text = std::string(known);
        loops_.push_back(known);
        loading_.local_names.push_back(known);
        open_.push_back(true);
        break;
      }
      case What::Else: break;
      case What::End:
        if (open_.empty()) break;
        if (open_.back()) leave_loop();
        open_.pop_back();
        break;
    }
    parts.push_back(std::move(part));
  }

  // ---- pictures

  /// A piece of the file, in which the scenario's pictures are named as parts of the letter.
  std::string with_pictures(std::uint32_t begin, std::uint32_t end) {
    std::string out;
    for (const HtmlPicture& image : images_) {
      if (image.begin < begin || image.end > end) continue;
      const auto file = picture(image);
      if (!file) continue;
      out += slice(begin, image.begin) + "cid:" + content_id(*file);
      begin = image.end;
      if (std::none_of(pictures_.begin(), pictures_.end(), [&](const Attachment& one) { return one.reference == file->reference; }))
        pictures_.push_back(*file);
    }
    return out + slice(begin, end);
  }

  /// The file that a picture is; none when it lies elsewhere, or is not there, which is told.
  std::optional<Attachment> picture(const HtmlPicture& image) {
    namespace fs = std::filesystem;
    const std::string written = slice(image.begin, image.end);
    const std::string name(trim(written));
    const bool elsewhere = name.empty() || name.starts_with("//") || name.starts_with('#') || name.find(':') < name.find('/');
    if (elsewhere) return std::nullopt;
    // As a browser finds it, beside the file; else as every other file of a scenario is named.
    std::error_code error;
    const std::string beside = (fs::path(folder_) / name).lexically_normal().generic_string();
    const bool in_root = loading_.on_disk && !fs::exists(fs::path(loading_.program.folder) / beside, error) &&
                         fs::exists(fs::path(loading_.program.folder) / name, error);
    Node& node = loading_.kept_nodes.emplace_back();
    node.kind = Node::Kind::Scalar;
    node.span = span(image.begin, image.end);
    node.scalar = loading_.kept.emplace_back(in_root ? name : beside);
    auto file = read_file_name(loading_, node);
    if (!file) return file;
    if (file->mime == "image/png" || file->mime == "image/jpeg" || file->mime == "image/gif") return file;
    say(loading_.report(DiagnosticId::PictureNotShown, node.span, {written}), "save it as PNG, JPEG or GIF", "сохраните её как PNG, JPEG или GIF");
    return std::nullopt;
  }

  void leave_loop() {
    loops_.pop_back();
    loading_.local_names.pop_back();
  }

  Expression expression(const HtmlToken& token) {
    Node& node = loading_.kept_nodes.emplace_back();
    node.kind = Node::Kind::Scalar;
    node.span = span(token.begin, token.end);
    node.scalar = text_.substr(token.begin, token.end - token.begin);
    auto read = read_expression(loading_, node, "{{ }}");
    return read ? std::move(*read) : Expression();
  }

  std::string in_braces(std::string_view en, std::string_view ru) const { return "`{{ " + std::string(russian_ ? ru : en) + " }}`"; }
  std::string end() const { return in_braces("end", "конец"); }
  std::string choice() const { return in_braces("if …", "если …") + "…" + in_braces("else", "иначе") + "…" + end(); }

  void warn_of_style(std::uint32_t at) {
    say(loading_.report(DiagnosticId::StyleSheetInMail, span(at, at + 6)),
        "write colours and sizes into the tags themselves: `<td style=\"color: #333\">`",
        "пишите цвета и размеры прямо в тегах: `<td style=\"color: #333\">`");
  }

  static void say(Diagnostic& problem, std::string en, std::string ru) {
    problem.hint_en = std::move(en);
    problem.hint_ru = std::move(ru);
  }

  void unsafe(const HtmlProblem& one, std::string where_en, std::string where_ru, std::string en, std::string ru) {
    Diagnostic& problem = loading_.report(DiagnosticId::UnsafeInHtml, span(one.begin, one.end),
                                          {slice(one.begin, one.end), std::move(where_en), std::move(where_ru)});
    say(problem, std::move(en), std::move(ru));
  }

  void tell(const HtmlProblem& one) {
    using What = HtmlProblem::What;
    const SourceSpan place = span(one.begin, one.end);
    const std::string written = slice(one.begin, one.end);
    switch (one.what) {
      case What::Unclosed: {
        Node& node = loading_.kept_nodes.emplace_back();
        node.kind = Node::Kind::Scalar;
        node.span = place;
        node.scalar = text_.substr(one.begin, one.end - one.begin);
        return report_expression_error(loading_, {ExpressionProblem::UnclosedBracket, 0, 2, "{{", "}}"}, node);
      }
      case What::BadFor:
        return say(loading_.report(DiagnosticId::BadHtmlLoop, place, {written}), "write " + in_braces("for item in items", "для товар в товары") + " … " + end(),
                   "напишите " + in_braces("for item in items", "для товар в товары") + " … " + end());
      case What::Unpaired:
        return say(loading_.report(DiagnosticId::UnpairedInHtml, place, {written}),
                   in_braces("for …", "для …") + " and " + in_braces("if …", "если …") + " end with " + end() + "; " +
                       in_braces("else", "иначе") + " stands once between " + in_braces("if …", "если …") + " and " + end(),
                   in_braces("for …", "для …") + " и " + in_braces("if …", "если …") + " кончаются на " + end() + "; " +
                       in_braces("else", "иначе") + " стоит один раз между " + in_braces("if …", "если …") + " и " + end());
      case What::InTag:
        return unsafe(one, "the name of a tag or of its field", "имени тега или его поля",
                      "fill in texts between tags and values in quotes; around whole tags " + in_braces("if …", "если …") + " … " + end(),
                      "подставляйте тексты между тегами и значения в кавычках; целые теги берите в " + in_braces("if …", "если …") + " … " + end());
      case What::Unquoted:
        return unsafe(one, "a value without quotes", "значении без кавычек", "put the value in quotes: `" + one.found + "=\"" + written + "\"`",
                      "возьмите значение в кавычки: `" + one.found + "=\"" + written + "\"`");
      case What::InScript:
        return unsafe(one, one.found.empty() ? "a script" : "`" + one.found + "`", one.found.empty() ? "скрипте" : "`" + one.found + "`",
                      "mail programs run no scripts: take it out", "почтовые программы не запускают скриптов: уберите его");
      case What::InStyle:
        return unsafe(one, "a style", "стиле", "choose between two tags with ready styles: " + choice(), "выберите из двух тегов с готовым стилем: " + choice());
      case What::InComment:
        return unsafe(one, "what only Outlook reads", "том, что читает один Outlook", "write the text there yourself", "напишите там готовый текст");
      case What::ForbiddenTag:
        return say(loading_.report(DiagnosticId::ForbiddenInMail, place, {one.found}), "take it out of the file", "уберите его из файла");
    }
  }

  Loading& loading_;
  const std::uint32_t file_;
  const std::string_view text_;
  const std::string folder_;
  const bool russian_;  ///< the author's words
  const std::vector<HtmlPicture> images_;
  std::vector<Attachment> pictures_;
  std::vector<std::string_view> loops_;
  std::vector<bool> open_;  ///< `for` or `if` that waits for its `end`: whether it is a loop
};

bool is_html_name(std::string_view path) {
  const std::string folded = to_lower(path);
  return folded.ends_with(".html") || folded.ends_with(".htm");
}

void read_html(Loading& loading, const Node& node, Mail& mail) {
  if (!is_html_name(trim(node.scalar))) {
    hint(loading, loading.report(DiagnosticId::NotHtmlFile, node.span, {std::string(node.scalar)}),
         "name a file of the scenario's folder: `%template%: mail/order.html`; a text of your own goes into `%text%`",
         "назовите файл из папки сценария: `%template%: mail/order.html`; свой текст пишут в `%text%`");
    return;
  }
  const auto file = read_file_name(loading, node);
  if (!file) return;
  mail.html_file = file->reference;
  if (const auto known = loading.html_files.find(file->reference); known != loading.html_files.end()) {
    mail.html = known->second;
    return;
  }
  auto bytes = bytes_of(loading, file->reference);
  if (!bytes) return;
  if (bytes->starts_with("\xEF\xBB\xBF")) bytes->erase(0, 3);
  const std::string& text = loading.kept.emplace_back(std::move(*bytes));
  if (trim(text).empty()) {
    loading.report(DiagnosticId::EmptyText, node.span, {file->reference});
    return;
  }
  if (!is_utf8(text)) {
    hint(loading, loading.report(DiagnosticId::NotHtmlFile, node.span, {file->reference}), "save it in UTF-8", "сохраните его в кодировке UTF-8");
    return;
  }
  if (text.size() > kLongLetter)
    hint(loading, loading.report(DiagnosticId::LongMail, node.span, {file->reference, std::to_string((text.size() + 1023) / 1024)}),
         "put what is long into a file beside it, with `%attach%`", "длинное приложите файлом: `%attach%`");
  const std::filesystem::path beside = std::filesystem::path(loading.sources.path(0)).parent_path();
  const std::uint32_t index = loading.sources.add((beside / file->reference).generic_string(), text);
  const bool russian = node.span.file < loading.words_of_file.size() && loading.words_of_file[node.span.file] == Language::Russian;
  loading.program.files.resize(index);
  loading.program.files.push_back(loading.sources.path(index));
  loading.words_of_file.resize(index, Language::English);
  loading.words_of_file.push_back(russian ? Language::Russian : Language::English);
  const std::string folder = std::filesystem::path(file->reference).parent_path().generic_string();
  HtmlTemplate read = HtmlReader(loading, index, text, folder, russian).read();
  if (!read.empty()) mail.html = std::make_shared<const HtmlTemplate>(std::move(read));
  loading.html_files.emplace(file->reference, mail.html);
}

}  // namespace

Mail read_mail(Loading& loading, Fields& fields, const Node& value) {
  Mail mail;
  read_people(loading, value, fields.where(), mail);
  if (loading.options.mail && !*loading.options.mail) {
    hint(loading, loading.report(DiagnosticId::NoMailServer, loading.last_key ? loading.last_key->span : value.span),
         "add it to sufler.yaml: `mail: {server: \"smtps://smtp.example.com:465\", user: …, password: \"${MAIL_PASSWORD}\", from: …}`",
         "добавьте в sufler.yaml: `mail: {server: \"smtps://smtp.example.ru:465\", user: …, password: \"${MAIL_PASSWORD}\", from: …}`");
  }
  if (const Node* subject = fields.require(Word::Subject)) mail.subject = read_text(loading, *subject, fields.spelled(Word::Subject));
  const Node* text = fields.take(Word::TextWord);
  if (text) mail.text = read_text(loading, *text, fields.spelled(Word::TextWord));
  const Node* html = fields.take(Word::TemplateWord);
  if (html && read_scalar(loading, *html, fields.spelled(Word::TemplateWord))) read_html(loading, *html, mail);
  if (const Node* report = fields.take(Word::Html)) {
    mail.report = read_expression(loading, *report, fields.spelled(Word::Html));
    if (html)
      loading.report(DiagnosticId::NotTogether, fields.key_span(Word::Html), {fields.spelled(Word::Html), fields.spelled(Word::TemplateWord)});
  }
  if (const Node* attach = fields.take(Word::Attach)) mail.attach = read_attach(loading, *attach, fields.spelled(Word::Attach));
  if (const Node* history = fields.take(Word::History))
    mail.history = read_boolean(loading, *history, fields.spelled(Word::History)).value_or(false);
  if (const Node* target = fields.take(Word::OnError)) mail.on_error = read_target(loading, *target, fields.spelled(Word::OnError));
  if (!text && !html && !mail.report && mail.attach.empty() && !mail.history) fields.require(Word::TextWord);
  bool shows_talk = false;
  if (mail.html)
    for (const HtmlTemplate::Part& part : mail.html->parts()) shows_talk = shows_talk || part.history;
  if (shows_talk && !mail.history) {
    hint(loading, loading.report(DiagnosticId::HistoryNotAsked, html->span, {mail.html_file}), "add `%history%: true` to the step",
         "добавьте в шаг `%history%: да`");
  }
  return mail;
}

}  // namespace sufler
