#include <CLI/CLI.hpp>

#include <exception>
#include <iostream>

#include "tools/commands.h"

#ifndef SUFLER_VERSION
#define SUFLER_VERSION "0.1.0"
#endif

int main(int argc, char** argv) {
  CLI::App app{"sufler plays YAML scenarios to people on VK and Telegram"};
  app.set_version_flag("--version", std::string("sufler ") + SUFLER_VERSION);
  app.require_subcommand(1);
  int code = sufler::kExitClean;

  sufler::RunOptions run;
  CLI::App* run_command = app.add_subcommand("run", "serves the bots of sufler.yaml until SIGTERM");
  run_command->add_option("config", run.config, "the configuration")->capture_default_str();
  run_command->callback([&] { code = sufler::run_bots(run); });

  sufler::CheckOptions check;
  CLI::App* check_command = app.add_subcommand("check", "every problem of a scenario, with place, reason and fix");
  check_command->add_option("path", check.paths, "a scenario: a .yaml file or a folder")->required();
  check_command->add_option("--format", check.format, "text, json, sarif or github")
      ->check(CLI::IsMember({"text", "json", "sarif", "github"}));
  check_command->add_option("--lang", check.language, "ru or en")->check(CLI::IsMember({"ru", "en"}));
  check_command->add_flag("--fix", check.fix, "applies the fixes that cannot change the meaning");
  check_command->add_flag("--strict", check.strict, "warnings count as errors");
  check_command->callback([&] { code = sufler::run_check(check); });

  sufler::TestOptions test;
  CLI::App* test_command = app.add_subcommand("test", "plays the talks of *.test.yaml");
  test_command->add_option("path", test.paths, "scenarios, or single talk files")->required();
  test_command->add_option("--format", test.format, "text, json or junit")
      ->check(CLI::IsMember({"text", "json", "junit"}));
  test_command->add_option("--lang", test.language, "ru or en")->check(CLI::IsMember({"ru", "en"}));
  test_command->add_flag("--coverage", test.coverage, "tells which steps no talk visits");
  test_command->add_option("--coverage-min", test.coverage_min, "fails when the talks visit fewer steps, in percent")
      ->check(CLI::Range(0.0, 100.0));
  test_command->add_flag("--update", test.update, "writes what the bot says now into the talks");
  test_command->callback([&] { code = sufler::run_test(test); });

  sufler::ChatOptions chat;
  CLI::App* chat_command = app.add_subcommand("chat", "a talk in the terminal; reads a pipe too");
  chat_command->add_option("path", chat.path, "a scenario")->required();
  chat_command->add_option("--lang", chat.language, "ru or en")->check(CLI::IsMember({"ru", "en"}));
  chat_command->add_option("--seed", chat.seed, "the seed of all chance; 0 takes a new one");
  chat_command->callback([&] { code = sufler::run_chat(chat); });

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
