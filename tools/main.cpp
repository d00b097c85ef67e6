#include <CLI/CLI.hpp>

#include <algorithm>
#include <exception>
#include <iostream>
#include <tuple>

#include "interpreter/transports/registry.h"
#include "tools/commands.h"

#ifndef SUFLER_VERSION
#define SUFLER_VERSION "0.1.0"
#endif

int main(int argc, char** argv) {
  CLI::App app{"Sufler plays YAML scenarios to people in messengers.", "sufler"};
  app.set_version_flag("--version", std::string("sufler ") + SUFLER_VERSION);
  app.require_subcommand(1);
  int code = sufler::kExitClean;

  sufler::RunOptions run;
  CLI::App* run_command = app.add_subcommand("run", "Serves the bots of a configuration until SIGTERM or Ctrl+C");
  run_command->add_option("config", run.config, "The configuration, sufler.yaml unless given")->capture_default_str();
  run_command->callback([&] { code = sufler::run_bots(run); });

  sufler::CheckOptions check;
  CLI::App* check_command = app.add_subcommand("check", "Tells every problem of a scenario, with its place, reason and fix");
  check_command->add_option("path", check.paths, "Scenarios: .yaml files or folders")->required();
  check_command->add_option("--format", check.format, "The form of the output")
      ->check(CLI::IsMember({"text", "json", "sarif", "github"}));
  check_command->add_option("--lang", check.language, "The language of messages; that of the environment unless given")->check(CLI::IsMember({"ru", "en"}));
  std::vector<std::string> platforms;
  for (const sufler::Platform& platform : sufler::known_platforms()) platforms.push_back(platform.name);
  check_command->add_option("--transport", check.transports, "Platforms to check against; all unless given. May be repeated")
      ->check(CLI::IsMember(platforms))
      ->allow_extra_args(false);
  check_command->add_flag("--fix", check.fix, "Applies the fixes that cannot change the meaning");
  check_command->add_flag("--strict", check.strict, "Warnings count as errors");
  check_command->callback([&] { code = sufler::run_check(check); });

  sufler::TestOptions test;
  CLI::App* test_command = app.add_subcommand("test", "Plays the talks of *.test.yaml");
  test_command->add_option("path", test.paths, "Scenarios, or single talk files")->required();
  test_command->add_option("--format", test.format, "The form of the output")
      ->check(CLI::IsMember({"text", "json", "junit"}));
  test_command->add_option("--lang", test.language, "The language of messages; that of the environment unless given")->check(CLI::IsMember({"ru", "en"}));
  test_command->add_flag("--coverage", test.coverage, "Tells which steps no talk visits");
  test_command->add_option("--coverage-min", test.coverage_min, "Fails when the talks visit fewer steps, in percent")
      ->check(CLI::Range(0.0, 100.0));
  test_command->add_flag("--update", test.update, "Writes what the bot says now into the talks");
  test_command->callback([&] { code = sufler::run_test(test); });

  sufler::ChatOptions chat;
  CLI::App* chat_command = app.add_subcommand("chat", "Talks with you in the terminal, or with a pipe");
  chat_command->add_option("path", chat.path, "A scenario")->required();
  chat_command->add_option("--lang", chat.language, "The language of messages; that of the environment unless given")->check(CLI::IsMember({"ru", "en"}));
  chat_command->add_option("--name", chat.name, "The first name of the person you play; Anna unless given");
  chat_command->add_option("--seed", chat.seed, "The seed of all chance; 0 takes a new one");
  chat_command->callback([&] { code = sufler::run_chat(chat); });

  using Db = sufler::DbOptions::What;
  sufler::DbOptions db;
  CLI::App* db_command = app.add_subcommand("db", "The database: its tables, what is in it, a copy to PostgreSQL");
  db_command->require_subcommand(1);
  CLI::App* migrate = db_command->add_subcommand("migrate", "Makes the tables, or brings older ones up to date");
  migrate->add_option("config", db.config, "The configuration, sufler.yaml unless given");
  migrate->add_option("--grant", db.grant, "A role of PostgreSQL that `sufler run` uses, without the right to change tables");
  migrate->callback([&] { db.what = Db::Migrate, code = sufler::run_db(db); });
  CLI::App* db_status = db_command->add_subcommand("status", "The version of the tables, and how many rows they hold");
  db_status->add_option("config", db.config, "The configuration, sufler.yaml unless given");
  db_status->add_option("--format", db.format, "The form of the output")->check(CLI::IsMember({"text", "json"}));
  db_status->callback([&] { db.what = Db::Status, code = sufler::run_db(db); });
  CLI::App* copy = db_command->add_subcommand("copy", "Copies everything from SQLite to an empty PostgreSQL, live dialogs too");
  copy->add_option("from", db.from, "sqlite:PATH")->required();
  copy->add_option("to", db.to, "postgresql://USER@HOST/NAME; ${NAME} stands for the environment's")->required();
  copy->add_flag("--even-if-running", db.even_if_running, "After a crash, when surely no process serves it");
  copy->callback([&] { db.what = Db::Copy, code = sufler::run_db(db); });

  const auto add_format = [](CLI::App* command, std::string& format) {
    command->add_option("--format", format, "The form of the output")->check(CLI::IsMember({"text", "json"}));
  };
  using What = sufler::DeadLettersOptions::What;
  sufler::DeadLettersOptions letters;
  CLI::App* letters_command =
      app.add_subcommand("dead-letters", "Events and messages that were given up: looks at them, puts them back, drops them");
  letters_command->require_subcommand(1);
  const std::tuple<const char*, What, const char*> letter_commands[] = {
      {"list", What::List, "One line each: id, time, bot, kind, chat, reason"},
      {"show", What::Show, "Everything about the named ones"},
      {"retry", What::Retry, "Puts events back into the inbox, and messages into the outbox behind what waits there"},
      {"drop", What::Drop, "Removes them for good"}};
  for (const auto& [name, what, help] : letter_commands) {
    CLI::App* command = letters_command->add_subcommand(name, help);
    command->add_option("words", letters.words,
                        what == What::List ? "The configuration, sufler.yaml unless given" : "Ids, and the configuration");
    command->add_option("--bot", letters.bot, "Only of this bot");
    add_format(command, letters.format);
    if (what == What::List)
      command->add_option("--limit", letters.limit, "So many at most, the newest")->check(CLI::Range(1, 10'000));
    if (what == What::Retry || what == What::Drop) command->add_flag("--all", letters.all, "All of them");
    command->callback([&letters, &code, what = what] {
      letters.what = what;
      code = sufler::run_dead_letters(letters);
    });
  }

  sufler::StatusOptions status;
  CLI::App* status_command = app.add_subcommand("status", "The bots, their platforms, figures and what waits");
  status_command->add_option("config", status.config, "The configuration, sufler.yaml unless given");
  add_format(status_command, status.format);
  status_command->callback([&] { code = sufler::run_status(status); });

  sufler::DialogsOptions dialogs;
  CLI::App* dialogs_command = app.add_subcommand("dialogs", "The dialogs that changed last");
  dialogs_command->add_option("config", dialogs.config, "The configuration, sufler.yaml unless given");
  dialogs_command->add_option("--bot", dialogs.bot, "Only of this bot");
  dialogs_command->add_option("--limit", dialogs.limit, "So many at most")->check(CLI::Range(1, 10'000));
  add_format(dialogs_command, dialogs.format);
  dialogs_command->callback([&] { code = sufler::run_dialogs(dialogs); });

  sufler::EraseOptions erase;
  CLI::App* erase_command = app.add_subcommand("erase", "Removes all that is kept about a person, and prints an act");
  erase_command->add_option("user", erase.user, "The person: telegram:123 or vk:5")->required();
  erase_command->add_option("config", erase.config, "The configuration, sufler.yaml unless given");
  erase_command->add_option("--bot", erase.bot, "Only what this bot knows");
  erase_command->add_flag("--yes", erase.yes, "Does not ask");
  erase_command->callback([&] { code = sufler::run_erase(erase); });

  // Said here, because the library would only ask for a subcommand.
  const auto is_known = [&](const std::string& word) {
    const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
    return std::any_of(commands.begin(), commands.end(), [&](const CLI::App* one) { return one->get_name() == word; });
  };
  if (argc > 1 && argv[1][0] != '-' && !is_known(argv[1])) {
    std::cerr << "sufler: there is no command `" << argv[1] << "`; `sufler --help` names them\n";
    return sufler::kExitMisuse;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int parsed = app.exit(error);
    return parsed == 0 ? sufler::kExitClean : sufler::kExitMisuse;
  } catch (const std::exception& error) {
    std::cerr << "sufler: " << error.what() << "\n";
    return sufler::kExitErrors;
  }
  return code;
}
