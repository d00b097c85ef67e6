#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>

#include "interpreter/runtime/config.h"
#include "interpreter/network/http_client.h"
#include "interpreter/transports/registry.h"
#include "schema/loader.h"
#include "tools/commands.h"
#include "tools/live_remarks.h"
#include "tools/services.h"
#include "tools/talk.h"

namespace sufler {
namespace {

std::string render(const std::string& format, const std::vector<Diagnostic>& all, const SourceMap& sources,
                   Language language) {
  if (format == "json") return render_json(all, sources, language);
  if (format == "sarif") return render_sarif(all, sources, language);
  if (format == "github") return render_github(all, sources, language);
  return render_text(all, sources, language);
}

/// `1 note`, `2 errors, 1 warning`; empty when there is nothing to count.
std::string counted(std::size_t errors, std::size_t warnings, std::size_t notes, Language language) {
  std::string out;
  const auto add = [&](std::size_t count, const char* one, const char* many, const char* russian) {
    if (count == 0) return;
    if (!out.empty()) out += ", ";
    if (language == Language::Russian) {
      out += std::string(russian) + ": " + std::to_string(count);
    } else {
      out += std::to_string(count) + " " + (count == 1 ? one : many);
    }
  };
  add(errors, "error", "errors", "ошибок");
  add(warnings, "warning", "warnings", "предупреждений");
  add(notes, "note", "notes", "замечаний");
  return out;
}

/// Writes beside the file and renames, so that a crash leaves the old text or the new one.
bool write_file(const std::string& path, const std::string& text) {
  const std::string beside = path + ".sufler-fix";
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << text;
    if (!out.flush()) return false;
  }
  std::error_code error;
  std::filesystem::permissions(beside, std::filesystem::status(path, error).permissions(), error);
  std::filesystem::rename(beside, path, error);
  return !error;
}

/// What there is to say of a path. A talk is checked against its scenario; what that lacks is said when it keeps
/// the talk from being read.
Loaded load_any(const std::string& path, const LoadOptions& load) {
  if (!is_talk_path(path) || std::filesystem::is_directory(path)) return load_scenario(path, load);
  const std::string belongs_to = scenario_of_talk(path);
  Loaded scenario = load_scenario(belongs_to, load);
  if (std::error_code error; !std::filesystem::exists(belongs_to, error)) {
    if (Diagnostic* missing = scenario.diagnostics.find(DiagnosticId::CannotRead, 0)) {
      missing->hint_en = "a talk stands beside its scenario and is named after it: `shop.yaml`, `shop.test.yaml`";
      missing->hint_ru = "разговор лежит рядом со своим сценарием и назван по нему: `shop.yaml`, `shop.test.yaml`";
    }
  }
  if (!scenario.program) return scenario;
  Loaded talk;
  read_talk_file(path, talk.sources, talk.diagnostics, *scenario.program);
  return talk;
}

/// Applies safe fixes, at most a few rounds: mending one mistake may bring the next one to light.
std::size_t fix_scenario(const std::string& path, const LoadOptions& load) {
  std::size_t fixed = 0;
  for (int round = 0; round < 8; ++round) {
    Loaded loaded = load_any(path, load);
    const std::vector<Diagnostic>& all = loaded.diagnostics.sorted();
    std::size_t applied = 0;
    for (std::uint32_t file = 0; file < loaded.sources.size(); ++file) {
      // Who asked to mend a talk did not ask for its scenario.
      if (is_talk_path(path) && loaded.sources.path(file) != path) continue;
      std::size_t here = 0;
      const std::string text = apply_fixes(all, loaded.sources, file, &here);
      if (here == 0) continue;
      if (!write_file(loaded.sources.path(file), text)) {
        std::cerr << "sufler: cannot write " << loaded.sources.path(file) << "\n";
        return fixed;
      }
      applied += here;
    }
    fixed += applied;
    if (applied == 0) break;
  }
  return fixed;
}

/// The configuration, and for a bot's scenario the names of its roles.
LoadOptions with_config(LoadOptions load, const std::string& path, const Config* config) {
  if (!config) return load;
  load.programs = program_names(*config);
  load.models = model_names(*config);
  load.hosts = host_places(*config);
  load.mail = config->mail.has_value();
  load.crm = !crm_accounts(*config).empty();
  std::error_code error;
  const std::filesystem::path scenario = std::filesystem::weakly_canonical(path, error);
  std::set<std::string> served;
  for (const BotConfig& bot : config->bots) {
    if (std::filesystem::weakly_canonical(bot.scenario, error) != scenario) continue;
    for (const auto& [role, members] : bot.roles) load.roles.push_back(role);
    load.crm = crm_of(*config, bot) != nullptr;
    for (const TransportConfig& transport : bot.transports) served.insert(transport.name);
  }
  if (served.empty() || load.platforms_are_chosen) return load;
  std::erase_if(load.platforms, [&](const Platform& platform) { return !served.contains(platform.name); });
  load.platforms_are_chosen = true;
  return load;
}

/// Against every platform, or against those the author names.
LoadOptions load_options(const std::vector<std::string>& chosen) {
  LoadOptions load;
  load.platforms_are_chosen = !chosen.empty();
  for (Platform& platform : known_platforms()) {
    if (chosen.empty() || std::ranges::find(chosen, platform.name) != chosen.end())
      load.platforms.push_back(std::move(platform));
  }
  return load;
}

/// What a platform would refuse of its keys. Those that are not set here are taken to be right.
void check_transports(LoadedConfig& loaded) {
  HttpClient client{HttpClient::Settings()};
  for (const BotConfig& bot : loaded.config->bots) {
    for (const TransportConfig& transport : bot.transports) {
      TransportSettings settings;
      settings.bot_name = bot.name;
      for (const auto& [key, value] : transport.options) {
        const bool wanted = key == "token" || key == "group" || key == "secret";
        if (!value.empty() || wanted) settings.options[key] = !value.empty() ? value : key == "token" ? "1:x" : "1";
      }
      if (loaded.config->http) settings.webhook_url = "https://bot.example.com/" + transport.name + "/" + bot.name;
      const TransportKind* kind = find_transport(transport.name);
      if (!kind) continue;
      if (auto made = kind->make(client, std::move(settings)); !made)
        loaded.diagnostics.report(DiagnosticId::ConfigBadValue, bot.span, {transport.name, made.error()});
    }
  }
}

}  // namespace

int run_check(const CheckOptions& options) {
  const Language language = tool_language(options.language);
  const bool russian = language == Language::Russian;
  for (const std::string& path : options.paths) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) continue;
    std::cerr << "sufler: " << (russian ? "нет такого файла или папки: " : "no such file or folder: ") << path
              << "\n";
    return kExitMisuse;
  }
  std::optional<LiveRemarks> live;
  if (!options.live.empty() && !(live = LiveRemarks::open(options.live))) return kExitMisuse;
  const LoadOptions every = load_options(options.transports);
  std::size_t errors = 0, warnings = 0, notes = 0, fixed = 0;
  // Machines read one document, however many scenarios there are: all files go into one map.
  SourceMap sources;
  std::vector<Diagnostic> all;
  const auto take = [&](auto& loaded, auto each) {
    const auto before = static_cast<std::uint32_t>(sources.size());
    for (std::uint32_t file = 0; file < loaded.sources.size(); ++file) {
      sources.add(loaded.sources.path(file), loaded.sources.text(file));
    }
    for (Diagnostic one : loaded.diagnostics.sorted()) {
      each(one);
      one.span.file += before;
      for (Located<std::string>& place : one.related) place.span.file += before;
      for (Fix& fix : one.fixes) {
        for (FixEdit& edit : fix.edits) edit.span.file += before;
      }
      notes += one.severity == Severity::Note;
      all.push_back(std::move(one));
    }
    // `has_errors` also knows of those beyond the limit.
    errors += loaded.diagnostics.has_errors() ? std::max<std::size_t>(loaded.diagnostics.errors(), 1) : 0;
    warnings += loaded.diagnostics.warnings();
  };
  std::optional<Config> config;
  if (!options.config.empty()) {
    KnownTransports transports;
    for (const TransportKind& kind : transport_kinds())
      transports[std::string(kind.name)].assign(kind.options.begin(), kind.options.end());
    LoadedConfig loaded = load_to_check(options.config, transports);
    if (!loaded.config) {
      std::cerr << redact(render_text(loaded.diagnostics.sorted(), loaded.sources, language));
      return kExitErrors;
    }
    if (!loaded.diagnostics.has_errors()) check_transports(loaded);
    config = std::move(loaded.config);
    // What is wrong with a program, a model, the mail or the CRM does not make it unknown to the scenario.
    if (auto place = load_place(options.config); place.config) {
      config->programs = std::move(place.config->programs);
      config->models = std::move(place.config->models);
      config->hosts = std::move(place.config->hosts);
      config->mail = std::move(place.config->mail);
      config->crm = std::move(place.config->crm);
      for (BotConfig& bot : config->bots)
        for (BotConfig& same : place.config->bots)
          if (same.name == bot.name) bot.crm = std::move(same.crm);
    }
    take(loaded, [](const Diagnostic&) {});
  }
  for (const std::string& path : options.paths) {
    const LoadOptions load = with_config(every, path, config ? &*config : nullptr);
    if (options.fix) fixed += fix_scenario(path, load);
    Loaded loaded = load_any(path, load);
    take(loaded, [&](Diagnostic& one) {
      if (live && loaded.program) live->tell(one, path, *loaded.program);
    });
  }
  const std::string text = redact(render(options.format, all, sources, language));
  std::cout << text;
  if (!text.empty() && text.back() != '\n') std::cout << "\n";
  if (fixed > 0) std::cerr << (russian ? "исправлено: " : "fixed: ") << fixed << "\n";
  if (options.format == "text") {
    const std::string count = counted(errors, warnings, notes, language);
    std::cerr << (!count.empty() ? count : russian ? "всё в порядке" : "no problems") << "\n";
  }
  return errors > 0 || (options.strict && warnings > 0) ? kExitErrors : kExitClean;
}

}  // namespace sufler
