#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "schema/loader.h"
#include "tools/commands.h"
#include "tools/coverage.h"
#include "tools/scoped_environment.h"
#include "tools/talk.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Report {
  std::vector<TalkResult> tests;
  Coverage coverage;
  bool broken = false;  ///< a scenario or a talk file could not be loaded

  std::size_t passed() const {
    return static_cast<std::size_t>(std::count_if(tests.begin(), tests.end(), [](const TalkResult& one) { return one.passed; }));
  }
  std::size_t failed() const { return tests.size() - passed(); }
};

/// What to play: the scenario a path belongs to, and its talk files (one, when the path names a talk).
struct Job {
  std::string scenario;
  std::vector<std::string> talks;
};

Job job_of(const std::string& path) {
  if (!is_talk_path(path)) return {path, find_talks(path)};
  return {scenario_of_talk(path), {path}};
}

/// Writes beside the file and renames, so that a crash leaves the old talks or the new ones.
bool rewrite(const std::string& path, const SourceMap& sources, std::uint32_t source, std::vector<FixEdit> edits) {
  std::sort(edits.begin(), edits.end(), [](const FixEdit& a, const FixEdit& b) { return a.span.offset > b.span.offset; });
  std::string text = sources.text(source);
  for (const FixEdit& edit : edits) text.replace(edit.span.offset, edit.span.length, edit.text);
  const std::string beside = path + ".sufler-update";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return false;
  }
  std::error_code error;
  fs::permissions(beside, fs::status(path, error).permissions(), error);
  fs::rename(beside, path, error);
  return !error;
}

Loaded load_with(const std::string& scenario, const std::map<std::string, std::string>& environment) {
  const ScopedEnvironment set(environment);
  return load_scenario(scenario);
}

TalkResult play_one(const Job& job, const TalkFile& file, const Talk& talk, const SourceMap& sources,
                    const Loaded& loaded, const TestOptions& options, Language language,
                    Visits& visits) {
  if (talk.environment.empty())
    return play_talk(file, talk, sources, loaded.program, language, options.update, visits);
  Loaded own = load_with(job.scenario, talk.environment);
  if (!own.program) {
    TalkResult result;
    result.name = talk.name;
    result.file = file.path;
    result.line = sources.locate(talk.span.file, talk.span.offset).line;
    result.failure = render_text(own.diagnostics.sorted(), own.sources, language);
    return result;
  }
  Visits own_visits;
  TalkResult result = play_talk(file, talk, sources, own.program, language, options.update, own_visits);
  // Steps are numbered alike unless the files changed meanwhile.
  if (own.program->steps.size() == loaded.program->steps.size()) visits.merge(own_visits);
  return result;
}

/// A problem that keeps talks from being played is a failed test as well: whoever reads only the report must see it.
TalkResult not_played(std::string name, const std::string& file, std::uint32_t line, std::string why) {
  TalkResult result;
  result.name = std::move(name);
  result.file = file;
  result.line = line;
  while (!why.empty() && why.back() == '\n') why.pop_back();
  result.failure = std::move(why);
  return result;
}

/// The problems of the file's own, then of each talk that cannot be played.
void report_broken(const TalkFile& file, const SourceMap& sources, Diagnostics& diagnostics, const TestOptions& options,
                   Language language, Report& report) {
  std::vector<Diagnostic> rest = diagnostics.sorted();
  if (options.format != "text") std::cerr << render_text(rest, sources, language);
  std::erase_if(rest, [](const Diagnostic& one) { return one.severity != Severity::Error; });
  std::vector<TalkResult> broken;
  for (const Talk& talk : file.talks) {
    if (!talk.broken) continue;
    std::vector<Diagnostic> own;
    for (const Diagnostic& one : rest)
      if (one.span.offset >= talk.begin && one.span.offset < talk.end) own.push_back(one);
    std::erase_if(rest, [&](const Diagnostic& one) { return one.span.offset >= talk.begin && one.span.offset < talk.end; });
    const std::uint32_t line = sources.locate(talk.span.file, talk.span.offset).line;
    broken.push_back(not_played(talk.name.empty() ? file.path : talk.name, file.path, line, render_text(own, sources, language)));
  }
  if (!rest.empty()) {
    const std::uint32_t line = sources.locate(rest[0].span.file, rest[0].span.offset).line;
    report.tests.push_back(not_played(file.path, file.path, line, render_text(rest, sources, language)));
  }
  for (TalkResult& one : broken) report.tests.push_back(std::move(one));
}

/// Notes of variables that some talk leaves unset: what it plays then has `${NAME}` in it (LANGUAGE 14, Files).
void note_environment(Loaded& loaded, const std::vector<TalkFile>& files, Language language) {
  std::vector<Diagnostic> notes;
  for (const Diagnostic& one : loaded.diagnostics.sorted()) {
    if (one.id != DiagnosticId::EnvironmentUnset || one.arguments.empty()) continue;
    const bool given = std::all_of(files.begin(), files.end(), [&](const TalkFile& file) {
      return std::all_of(file.talks.begin(), file.talks.end(),
                         [&](const Talk& talk) { return talk.environment.contains(one.arguments[0]); });
    });
    if (!given) notes.push_back(one);
  }
  if (notes.empty()) return;
  for (Diagnostic& note : notes) {
    note.hint_en = "a talk says it in `given: {env: {" + note.arguments[0] + ": …}}`";
    note.hint_ru = "разговор задаёт его в `дано: {окружение: {" + note.arguments[0] + ": …}}`";
  }
  std::cerr << render_text(notes, loaded.sources, language);
}

void play_job(const Job& job, const TestOptions& options, Language language, Report& report) {
  Loaded loaded = load_scenario(job.scenario);
  if (!loaded.program) {
    report.broken = true;
    const std::vector<Diagnostic>& all = loaded.diagnostics.sorted();
    const std::string why = render_text(all, loaded.sources, language);
    if (options.format != "text") std::cerr << why;
    report.tests.push_back(not_played(job.scenario, job.scenario, 1, why));
    return;
  }
  Visits visits;
  SourceMap sources;
  std::vector<TalkFile> files;
  for (const std::string& path : job.talks) {
    Diagnostics diagnostics;
    files.push_back(read_talk_file(path, sources, diagnostics, *loaded.program));
    if (!diagnostics.has_errors()) continue;
    report.broken = true;
    report_broken(files.back(), sources, diagnostics, options, language, report);
  }
  note_environment(loaded, files, language);
  for (const TalkFile& file : files) {
    std::vector<FixEdit> updates;
    for (const Talk& talk : file.talks) {
      if (talk.broken) continue;
      report.tests.push_back(play_one(job, file, talk, sources, loaded, options, language, visits));
      const std::vector<FixEdit>& more = report.tests.back().updates;
      updates.insert(updates.end(), more.begin(), more.end());
    }
    if (updates.empty()) continue;
    const std::size_t count = updates.size();
    if (rewrite(file.path, sources, file.source, std::move(updates))) {
      std::cerr << file.path << (language == Language::Russian ? ": обновлено строк: " : ": lines updated: ") << count << "\n";
    } else {
      report.broken = true;
      std::cerr << "sufler: " << (language == Language::Russian ? "не записывается " : "cannot write ") << file.path << "\n";
    }
  }
  measure(*loaded.program, loaded.sources, visits, language, report.coverage);
}

void print_text(const Report& report, const TestOptions& options, Language language) {
  const bool russian = language == Language::Russian;
  for (const TalkResult& test : report.tests) {
    if (test.passed) continue;
    std::cout << (russian ? "не прошёл: " : "failed: ") << test.name << "\n" << test.failure << "\n\n";
  }
  if (options.coverage) std::cout << shown(report.coverage, language);
  std::cout << report.passed() << " passed, " << report.failed() << " failed\n";
}

void print_json(const Report& report) {
  Json tests = Json::array();
  for (const TalkResult& test : report.tests) {
    Json one;
    one["name"] = test.name;
    one["file"] = test.file;
    one["line"] = test.line;
    one["passed"] = test.passed;
    one["failure"] = test.passed ? Json(nullptr) : Json(test.failure);
    tests.push_back(std::move(one));
  }
  Json out;
  out["tests"] = std::move(tests);
  out["passed"] = report.passed();
  out["failed"] = report.failed();
  out["coverage"] = Json::parse(json_of(report.coverage));
  std::cout << out.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

std::string xml(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
    }
  }
  return out;
}

void print_junit(const Report& report) {
  std::cout << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"sufler\" tests=\"" << report.tests.size()
            << "\" failures=\"" << report.failed() << "\">\n";
  for (const TalkResult& test : report.tests) {
    std::cout << "  <testcase name=\"" << xml(test.name) << "\" file=\"" << xml(test.file) << "\" line=\"" << test.line << "\"";
    if (test.passed) {
      std::cout << "/>\n";
    } else {
      std::cout << "><failure>" << xml(test.failure) << "</failure></testcase>\n";
    }
  }
  std::cout << "</testsuite>\n";
}

}  // namespace

int run_test(const TestOptions& options) {
  const Language language = tool_language(options.language);
  const bool russian = language == Language::Russian;
  for (const std::string& path : options.paths) {
    std::error_code error;
    if (fs::exists(path, error)) continue;
    std::cerr << "sufler: " << (russian ? "нет такого файла или папки: " : "no such file or folder: ") << path << "\n";
    return kExitMisuse;
  }
  Report report;
  for (const std::string& path : options.paths) play_job(job_of(path), options, language, report);
  if (options.format == "json") {
    print_json(report);
  } else if (options.format == "junit") {
    print_junit(report);
  } else {
    print_text(report, options, language);
  }
  bool good = !report.broken && report.failed() == 0 && !report.tests.empty();
  if (report.tests.empty() && !report.broken)
    std::cerr << (russian ? "не нашлось ни одного *.test.yaml" : "no *.test.yaml was found") << "\n";
  const Coverage::Share& steps = report.coverage.steps;
  if (static_cast<double>(steps.hit) * 100 < options.coverage_min * static_cast<double>(steps.total)) {
    good = false;
    std::cerr << (russian ? "разговоры проходят шагов: " : "the talks visit steps: ") << steps.hit << "/"
              << steps.total << (russian ? ", а нужно " : ", and the minimum is ") << options.coverage_min
              << " %\n";
  }
  return good ? kExitClean : kExitErrors;
}

}  // namespace sufler
