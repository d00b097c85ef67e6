#include "interpreter/runtime/deploying.h"

#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>

#include "interpreter/core/sha256.h"
#include "interpreter/core/tables/table_data.h"
#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/knowledge.h"
#include "interpreter/runtime/log.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;

/// A file that was changed so short a while ago may be half of what it is to be.
constexpr std::chrono::seconds kFresh{2};

StorageError other(std::string message) { return {StorageError::Kind::Other, std::move(message)}; }

/// The last change of any file that the scenario was read from.
std::chrono::system_clock::time_point changed_last(const SourceMap& sources, const std::vector<ScenarioFile>& files,
                                                   const std::string& folder) {
  using std::chrono::system_clock;
  system_clock::time_point last;
  const auto look_at = [&](const std::string& path) {
    struct stat status {};
    // A file that is gone is one that an editor is about to put back.
    if (::stat(path.c_str(), &status) != 0) return void(last = system_clock::now());
    const auto since = std::chrono::seconds(status.st_mtim.tv_sec) + std::chrono::nanoseconds(status.st_mtim.tv_nsec);
    last = std::max(last, system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(since)));
  };
  for (std::uint32_t i = 0; i < sources.size(); ++i) look_at(sources.path(i));
  for (const ScenarioFile& file : files) look_at((fs::path(folder) / file.reference).string());
  return last;
}

/// Runs one transaction as a job.
template <class Body>
Stored<Done> transact(const OnStorage& on_storage, Body body) {
  return on_storage([&](Storage& storage) { return storage.transact(body); });
}

std::string part_of(const std::string& bytes, std::int64_t part) {
  const auto from = static_cast<std::size_t>(part * VersionStore::kPartBytes);
  return from >= bytes.size() ? std::string() : bytes.substr(from, static_cast<std::size_t>(VersionStore::kPartBytes));
}

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

Stored<Done> store_content(const OnStorage& on_storage, const VersionFile& file, const std::string& bytes) {
  bool there = false;
  auto asked = transact(on_storage, [&](Transaction& tx) -> Stored<Done> {
    auto found = tx.versions().has_content(file);
    if (!found) return Error{found.error()};
    there = *found;
    return Done{};
  });
  if (!asked || there) return asked;
  for (std::int64_t part = 0; part == 0 || part * VersionStore::kPartBytes < file.size; ++part) {
    failpoint("store_part");
    auto put = transact(on_storage, [&](Transaction& tx) {
      return tx.versions().put_content(file.hash, part, part_of(bytes, part));
    });
    if (!put) return put;
  }
  return Done{};
}

/// One part a transaction, so that nobody waits long. `whole` is false when some is missing.
Stored<Done> read_content(const OnStorage& on_storage, const VersionFile& file, std::string& bytes, bool& whole) {
  for (std::int64_t part = 0; whole && (part == 0 || part * VersionStore::kPartBytes < file.size); ++part) {
    auto read = transact(on_storage, [&](Transaction& tx) -> Stored<Done> {
      auto some = tx.versions().content(file.hash, part);
      if (!some) return Error{some.error()};
      whole = some->has_value();
      if (whole) bytes += **some;
      return Done{};
    });
    if (!read) return read;
  }
  whole = whole && static_cast<std::int64_t>(bytes.size()) == file.size;
  return Done{};
}

/// Whose tables are ready.
Stored<Deployment> deploy(Storage& storage, const std::string& bot, const std::function<void(Deployment&, VersionRow*)>& change,
                          const std::string& version) {
  Deployment deployment;
  auto done = storage.transact([&](Transaction& tx) -> Stored<Done> {
    auto locked = tx.versions().lock_deployment(bot);
    if (!locked) return Error{locked.error()};
    deployment = std::move(*locked);
    auto row = version.empty() ? Stored<std::optional<VersionRow>>(std::nullopt) : tx.versions().version(bot, version);
    if (!row) return Error{row.error()};
    const bool was_swept = deployment.swept >= deployment.generation;
    const std::string before = deployment.version;
    change(deployment, *row ? &**row : nullptr);
    if (*row) {
      if (auto saved = tx.versions().save(**row); !saved) return saved;
    }
    if (auto deployed = tx.versions().deploy(deployment); !deployed) return deployed;
    failpoint("deploy");
    // Where everybody else's version stays, there is nothing to take over.
    if (before == deployment.version && was_swept) {
      deployment.swept = deployment.generation;
      if (auto swept = tx.versions().set_swept(bot, deployment.swept); !swept) return swept;
    }
    auto forgotten = tx.versions().forget_old(bot, kVersionsKept);
    if (!forgotten) return Error{forgotten.error()};
    return Done{};
  });
  if (!done) return Error{done.error()};
  failpoint("deployed");
  return deployment;
}

void end_rehearsals_of(Deployment& deployment, const std::string& version) {
  std::erase_if(deployment.rehearsals, [&](const Rehearsal& one) { return one.version == version; });
}

void name_stored(Attachment& file, const std::map<std::string, const VersionFile*>& known) {
  const auto found = known.find(file.reference);
  if (file.origin != "scenario" || found == known.end()) return;
  file.origin = "stored";
  file.reference = found->second->hash;
  file.size = found->second->size;
}

/// What the version sends is known by its content from here on, and goes out so whatever lies in the folder later.
std::shared_ptr<const Program> with_stored_files(std::shared_ptr<const Program> read, const std::vector<VersionFile>& files) {
  std::map<std::string, const VersionFile*> known;
  for (const VersionFile& file : files)
    if (!file.yaml) known.emplace(file.path, &file);
  if (!read || known.empty()) return read;
  auto program = std::make_shared<Program>(*read);
  const auto name = [&](Attach& attach) {
    for (Attachment& file : attach.files) name_stored(file, known);
  };
  for (Question& question : program->questions) name(question.attach);
  for (Step& step : program->steps) {
    if (Say* say = std::get_if<Say>(&step.verb)) name(say->attach);
    if (Choose* choose = std::get_if<Choose>(&step.verb)) name(choose->attach);
    if (Notify* notify = std::get_if<Notify>(&step.verb)) name(notify->attach);
    if (Mail* mail = std::get_if<Mail>(&step.verb)) name(mail->attach);
    if (BroadcastStep* broadcast = std::get_if<BroadcastStep>(&step.verb)) name(broadcast->attach);
  }
  for (Table& table : program->tables) {
    if (!table.data || table.data->files.empty()) continue;
    auto data = std::make_shared<TableData>(*table.data);
    for (auto& [path, file] : data->files) name_stored(file, known);
    table.data = std::move(data);
  }
  return program;
}

/// A program whose tables take over what their files have only where the database has nothing of them yet: everybody else
/// is served by the rows that are there.
Program for_rehearsal(const Program& program) {
  Program copy = program;
  for (Table& table : copy.tables) {
    if (!table.data) continue;
    auto data = std::make_shared<TableData>(*table.data);
    data->rehearsed = true;
    table.data = std::move(data);
  }
  return copy;
}

/// Of tables that are read from files: what was done to their rows.
void tell_loads(const std::string& bot, const Program& program) {
  for (const Table& table : program.tables) {
    const auto load = table.data ? table.data->loads->take() : std::nullopt;
    if (!load) continue;
    write_log(LogLevel::Info,
              "table " + table.name + " has the rows of " + table.data_file + ": " + std::to_string(load->added) + " new, " +
                  std::to_string(load->changed) + " changed, " + std::to_string(load->removed) + " removed",
              {{"bot", bot}});
  }
}

std::shared_ptr<const Program> parse_stored(const VersionRow& row,
                                            const std::vector<std::pair<std::string, std::string>>& texts,
                                            std::function<std::optional<std::string>(const std::string&)> read, std::string& why) {
  LoadOptions options;
  options.version = row.version;
  options.read = std::move(read);
  for (const VersionFile& file : row.files)
    if (!file.yaml) options.other_files.push_back(file.path);
  Loaded loaded = load_scenario_text(texts, options);
  if (!loaded.program)
    why = "version " + row.version + " cannot be read by this Sufler: " +
          (loaded.diagnostics.sorted().empty() ? std::string("no scenario")
                                               : message_of(loaded.diagnostics.sorted().front(), Language::English));
  return with_stored_files(std::move(loaded.program), row.files);
}

}  // namespace

ReadVersion read_version(const std::string& path, LoadOptions options, Language language) {
  options.count_files = true;
  ReadVersion version;
  version.row.path = path;
  const auto began = std::chrono::system_clock::now();
  Loaded loaded = load_scenario(path, options);
  const std::string folder = loaded.program ? loaded.program->folder : std::string();
  version.problems = render_text(loaded.diagnostics.sorted(), loaded.sources, language);
  for (const Diagnostic& problem : loaded.diagnostics.sorted()) {
    if (problem.severity != Severity::Error) continue;
    const auto place = loaded.sources.locate(problem.span.file, problem.span.offset);
    version.errors.push_back(loaded.sources.path(problem.span.file) + ":" + std::to_string(place.line) + ": " +
                             message_of(problem, language));
  }
  version.program = loaded.program;
  version.folder = folder;
  // Other files are sources, too, where there is something to be shown in them.
  std::set<std::string> others;
  for (const ScenarioFile& file : loaded.files) others.insert(fs::absolute(fs::path(folder) / file.reference).lexically_normal().string());
  for (std::uint32_t i = 0; i < loaded.sources.size(); ++i) {
    if (others.contains(fs::absolute(loaded.sources.path(i)).lexically_normal().string())) continue;
    const std::string& text = loaded.sources.text(i);
    version.row.files.push_back({loaded.sources.path(i), sha256_hex(text), static_cast<std::int64_t>(text.size()), true});
    version.yaml.push_back(text);
  }
  for (const ScenarioFile& file : loaded.files) version.row.files.push_back({file.reference, file.hash, file.size, false});
  version.program = with_stored_files(std::move(version.program), version.row.files);
  if (version.program) version.row.version = version.program->version;
  const auto changed = changed_last(loaded.sources, loaded.files, folder);
  version.settled = changed < began && (version.program || changed < began - kFresh || changed > began + kFresh);
  return version;
}

namespace {

/// What the version's assistants know, before anybody is played with it.
Stored<Done> index_version(const OnStorage& on_storage, const std::string& bot, const ReadVersion& version, Moment now) {
  if (!version.program) return Done{};
  const std::vector<AssistantKnowledge> assistants = knowledge_of(*version.program);
  if (assistants.empty()) return Done{};
  auto report = index_knowledge(on_storage, bot, version.row.version, assistants,
                                [&](const std::string& path) -> std::optional<std::string> {
                                  const fs::path file = fs::path(version.folder) / path;
                                  if (std::error_code error; !fs::is_regular_file(file, error)) return std::nullopt;
                                  return bytes_of(file);
                                },
                                now);
  if (!report) return Error{report.error()};
  for (const KnowledgeReport::Unread& file : report->unread)
    write_log(LogLevel::Warning, "the knowledge of " + bot + " lacks " + file.path + ": " +
                                     (file.problem ? explain(*file.problem, Language::English) : "the file is not there"));
  return Done{};
}

}  // namespace

Stored<Done> store_version(const OnStorage& on_storage, const std::string& bot, const ReadVersion& version,
                           const std::string& note, Moment now, const FileCache& cache) {
  VersionRow row = version.row;
  row.bot = bot;
  row.note = note;
  row.at = now;
  // The row first: files that no row names may be cleared away.
  auto saved = transact(on_storage, [&](Transaction& tx) -> Stored<Done> {
    auto known = tx.versions().version(bot, row.version);
    if (!known) return Error{known.error()};
    if (*known) {
      row.live_at = (*known)->live_at;
      if (row.note.empty()) row.note = (*known)->note;
    }
    return tx.versions().save(row);
  });
  if (!saved) return saved;
  for (std::size_t i = 0; i < row.files.size(); ++i) {
    const VersionFile& file = row.files[i];
    const std::string bytes = file.yaml ? version.yaml[i] : bytes_of(fs::path(version.folder) / file.path);
    if (!file.yaml && sha256_hex(bytes) != file.hash)
      return Error{other("the file " + file.path + " has changed while it was read; try again")};
    if (auto stored = store_content(on_storage, file, bytes); !stored) return stored;
    // Where it cannot be written it comes from the database each time.
    if (!file.yaml) (void)cache.put(file.hash, bytes);
  }
  return index_version(on_storage, bot, version, now);
}

Stored<Deployment> make_live(Storage& storage, const std::string& bot, const Program& program, Moment now) {
  if (auto prepared = storage.prepare_tables(program); !prepared) return Error{prepared.error()};
  failpoint("tables_ready");
  tell_loads(bot, program);
  return deploy(
      storage, bot,
      [&](Deployment& deployment, VersionRow* row) {
        deployment.version = program.version;
        deployment.rolled_back = false;
        deployment.at = now;
        end_rehearsals_of(deployment, program.version);
        if (row) row->live_at = now;
      },
      program.version);
}

Stored<Deployment> roll_back(Storage& storage, const std::string& bot, const Program& program, Moment now) {
  if (auto prepared = storage.prepare_tables(program); !prepared) return Error{prepared.error()};
  tell_loads(bot, program);
  return deploy(
      storage, bot,
      [&](Deployment& deployment, VersionRow*) {
        deployment.version = program.version;
        deployment.rolled_back = true;
        deployment.at = now;
        end_rehearsals_of(deployment, program.version);
      },
      {});
}

Stored<Deployment> rehearse(Storage& storage, const std::string& bot, const Program* program, const std::string& transport,
                            const std::string& user_id, Moment now) {
  if (program) {
    if (auto prepared = storage.prepare_tables(for_rehearsal(*program)); !prepared) return Error{prepared.error()};
    tell_loads(bot, *program);
  }
  return deploy(
      storage, bot,
      [&](Deployment& deployment, VersionRow*) {
        std::erase_if(deployment.rehearsals,
                      [&](const Rehearsal& one) { return one.transport == transport && one.user_id == user_id; });
        if (program) deployment.rehearsals.push_back({transport, user_id, program->version, now});
      },
      {});
}

std::optional<std::string> version_before(const std::vector<VersionRow>& newest_first, const std::string& live) {
  const auto is_live = [&](const VersionRow& row) { return row.version == live; };
  const auto now = std::find_if(newest_first.begin(), newest_first.end(), is_live);
  const Moment until = now == newest_first.end() ? Moment{INT64_MAX} : now->live_at;
  const VersionRow* best = nullptr;
  for (const VersionRow& row : newest_first) {
    if (is_live(row) || row.live_at.unix_ms == 0 || !(row.live_at < until)) continue;
    if (!best || best->live_at < row.live_at) best = &row;
  }
  return best ? std::optional(best->version) : std::nullopt;
}

const VersionRow* find_version(const std::vector<VersionRow>& versions, std::string_view beginning) {
  const VersionRow* found = nullptr;
  for (const VersionRow& row : versions) {
    if (beginning.empty() || !row.version.starts_with(beginning)) continue;
    if (found) return nullptr;
    found = &row;
  }
  return found;
}

Stored<std::shared_ptr<const Program>> load_stored(const OnStorage& on_storage, const std::string& bot,
                                                   const std::string& version, std::string& why) {
  using Given = std::shared_ptr<const Program>;
  std::optional<VersionRow> row;
  auto found = transact(on_storage, [&](Transaction& tx) -> Stored<Done> {
    auto read = tx.versions().version(bot, version);
    if (!read) return Error{read.error()};
    row = std::move(*read);
    return Done{};
  });
  if (!found) return Error{found.error()};
  if (!row) {
    why = "the bot `" + bot + "` has no version " + version;
    return Given();
  }
  std::vector<std::pair<std::string, std::string>> texts;
  for (const VersionFile& file : row->files) {
    bool whole = true;
    auto read = file.yaml ? read_content(on_storage, file, texts.emplace_back(file.path, std::string()).second, whole)
                          : transact(on_storage, [&](Transaction& tx) -> Stored<Done> {
                              auto there = tx.versions().has_content(file);
                              if (!there) return Error{there.error()};
                              whole = *there;
                              return Done{};
                            });
    if (!read) return Error{read.error()};
    if (whole) continue;
    why = "version " + version + " of the bot `" + bot + "` was not stored whole: " + file.path + " is missing";
    return Given();
  }
  // Texts for language models stand in files of their own.
  std::optional<StorageError> failed;
  const auto read = [&](const std::string& reference) -> std::optional<std::string> {
    for (const VersionFile& file : row->files) {
      if (file.yaml || file.path != reference) continue;
      std::string bytes;
      bool whole = true;
      if (auto done = read_content(on_storage, file, bytes, whole); !done) failed = done.error();
      if (failed || !whole) return std::nullopt;
      return bytes;
    }
    return std::nullopt;
  };
  auto program = parse_stored(*row, texts, read, why);
  if (failed) return Error{*failed};
  return program;
}

Stored<Serving> serving_by(const OnStorage& on_storage, const Deployment& deployment, std::shared_ptr<const Program> live) {
  Serving serving;
  serving.program = std::move(live);
  serving.generation = deployment.generation;
  serving.swept = deployment.swept;
  const auto loaded = [&](const std::string& version) -> Stored<std::shared_ptr<const Program>> {
    if (version == serving.program->version) return serving.program;
    for (const auto& one : serving.rehearsals)
      if (one.program->version == version) return one.program;
    std::string why;
    return load_stored(on_storage, deployment.bot, version, why);
  };
  for (const Rehearsal& one : deployment.rehearsals) {
    auto program = loaded(one.version);
    if (!program) return Error{program.error()};
    if (*program) serving.rehearsals.push_back({one.transport, one.user_id, std::move(*program)});
  }
  std::vector<std::string> pinned;
  auto asked = transact(on_storage, [&](Transaction& tx) -> Stored<Done> {
    auto all = tx.versions().pinned();
    if (!all) return Error{all.error()};
    for (const auto& one : *all)
      if (one.bot == deployment.bot && one.version != deployment.version) pinned.push_back(one.version);
    return Done{};
  });
  if (!asked) return Error{asked.error()};
  for (const std::string& version : pinned) {
    if (serving.older.size() >= Versions::kKept) break;
    auto program = loaded(version);
    if (!program) return Error{program.error()};
    if (*program) serving.older.push_back(std::move(*program));
  }
  return serving;
}

}  // namespace sufler
