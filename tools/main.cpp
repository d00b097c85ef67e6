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
  run_command->add_flag("--watch", run.watch, "Reloads a scenario when one of its files is saved");
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
  check_command->add_option("--config", check.config, "The configuration whose roles and programs the scenarios may name");
  check_command->add_flag("--fix", check.fix, "Applies the fixes that cannot change the meaning");
  check_command->add_flag("--strict", check.strict, "Warnings count as errors");
  check_command->add_option("--live", check.live, "A configuration: remarks tell how many dialogs wait at their place");
  check_command->callback([&] { code = sufler::run_check(check); });

  sufler::DiffOptions diff;
  CLI::App* diff_command = app.add_subcommand("diff", "Tells in words what differs between two versions of a scenario");
  diff_command->add_option("before", diff.before, "The older version: a .yaml file or a folder")->required();
  diff_command->add_option("after", diff.after, "The newer version")->required();
  diff_command->add_option("--format", diff.format, "The form of the output")->check(CLI::IsMember({"text", "json"}));
  diff_command->add_option("--lang", diff.language, "The language of the lines; that of the environment unless given")->check(CLI::IsMember({"ru", "en"}));
  diff_command->callback([&] { code = sufler::run_diff(diff); });

  sufler::PlanOptions plan;
  CLI::App* plan_command = app.add_subcommand("plan", "Tells what a version on disk would do to the dialogs that are live");
  plan_command->add_option("path", plan.path, "The new version: a .yaml file or a folder")->required();
  plan_command->add_option("--config", plan.config, "The configuration, sufler.yaml unless given");
  plan_command->add_option("--bot", plan.bot, "The bot, where the configuration has several");
  plan_command->add_option("--from", plan.from, "The version that serves, on disk; as the database knows it unless given");
  plan_command->add_option("--format", plan.format, "The form of the output")->check(CLI::IsMember({"text", "json"}));
  plan_command->add_option("--lang", plan.language, "The language of the lines; that of the environment unless given")->check(CLI::IsMember({"ru", "en"}));
  plan_command->callback([&] { code = sufler::run_plan(plan); });

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
  chat_command->add_option("--config", chat.config, "The configuration whose programs `run` starts");
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

  const auto add_config = [](CLI::App* command, std::string& config) {
    command->add_option("--config", config, "The configuration, sufler.yaml unless given");
  };
  sufler::FunnelOptions funnel;
  CLI::App* funnel_command = app.add_subcommand("funnel", "How many talks came to each question of a bot, and how many left there");
  funnel_command->add_option("bot", funnel.bot, "The bot")->required();
  funnel_command->add_option("branch", funnel.branch, "The branch; all unless given");
  funnel_command->add_option("--since", funnel.since, "What happened since so long ago, as 7d or 12h")->capture_default_str();
  funnel_command->add_option("--idle", funnel.idle, "Whoever has been silent at a question for so long has left")->capture_default_str();
  add_config(funnel_command, funnel.config);
  add_format(funnel_command, funnel.format);
  funnel_command->callback([&] { code = sufler::run_funnel(funnel); });

  sufler::CrmOptions crm;
  CLI::App* crm_command = app.add_subcommand("crm", "Pipelines, stages, users and fields of amoCRM, as scenarios name them");
  crm_command->add_option("bot", crm.bot, "The bot; all unless given");
  add_config(crm_command, crm.config);
  add_format(crm_command, crm.format);
  crm_command->callback([&] { code = sufler::run_crm(crm); });

  sufler::UsageOptions usage;
  CLI::App* usage_command = app.add_subcommand("usage", "What language models have answered, and the tokens that it took");
  usage_command->add_option("bot", usage.bot, "The bot; all unless given");
  usage_command->add_option("--by", usage.by, "A line for each day (of UTC), person or connection")
      ->check(CLI::IsMember({"day", "person", "model"}));
  usage_command->add_option("--days", usage.days, "Today and the days before it, 30 unless given")->check(CLI::Range(1, 3650));
  usage_command->add_option("--limit", usage.limit, "So many lines of each bot at most")->check(CLI::Range(1, 10'000));
  add_config(usage_command, usage.config);
  add_format(usage_command, usage.format);
  usage_command->callback([&] { code = sufler::run_usage(usage); });

  sufler::ReloadOptions reload;
  CLI::App* reload_command = app.add_subcommand("reload", "Takes the scenarios from their files into the running process");
  reload_command->add_option("bot", reload.bot, "The bot; all unless given");
  reload_command->add_option("--note", reload.note, "What changed: `sufler versions` shows it");
  add_config(reload_command, reload.config);
  add_format(reload_command, reload.format);
  reload_command->callback([&] { code = sufler::run_reload(reload); });

  sufler::VersionsOptions versions;
  CLI::App* versions_command = app.add_subcommand("versions", "The versions of the scenarios that are kept");
  versions_command->add_option("bot", versions.bot, "Only of this bot");
  add_config(versions_command, versions.config);
  add_format(versions_command, versions.format);
  versions_command->callback([&] { code = sufler::run_versions(versions); });

  sufler::RollbackOptions rollback;
  CLI::App* rollback_command = app.add_subcommand("rollback", "Goes back to an older version, until the next reload");
  rollback_command->add_option("bot", rollback.bot, "The bot")->required();
  rollback_command->add_option("version", rollback.version, "As `sufler versions` shows it, or its beginning; the one before unless given");
  add_config(rollback_command, rollback.config);
  add_format(rollback_command, rollback.format);
  rollback_command->callback([&] { code = sufler::run_rollback(rollback); });

  sufler::RehearseOptions rehearse;
  CLI::App* rehearse_command =
      app.add_subcommand("rehearse", "One person's dialogs run another version, everybody else's the live one");
  rehearse_command->add_option("bot", rehearse.bot, "The bot")->required();
  rehearse_command->add_option("path", rehearse.path, "The scenario to rehearse");
  rehearse_command->add_option("--user", rehearse.user, "The person: telegram:123 or vk:5")->required();
  rehearse_command->add_flag("--stop", rehearse.stop, "Ends the person's rehearsal");
  add_config(rehearse_command, rehearse.config);
  add_format(rehearse_command, rehearse.format);
  rehearse_command->callback([&] { code = sufler::run_rehearse(rehearse); });

  using Schedules = sufler::SchedulesOptions::What;
  sufler::SchedulesOptions schedules;
  CLI::App* schedules_command = app.add_subcommand("schedules", "What runs by the clock: when next, when last, for whom");
  schedules_command->add_option("bot", schedules.bot, "Only of this bot");
  add_config(schedules_command, schedules.config);
  add_format(schedules_command, schedules.format);
  const std::tuple<const char*, Schedules, const char*> schedule_commands[] = {
      {"pause", Schedules::Pause, "It does not run until it is resumed"},
      {"resume", Schedules::Resume, "It runs again; what came due meanwhile is not made up for"},
      {"run", Schedules::Run, "It runs once now, and then by its times"}};
  for (const auto& [name, what, help] : schedule_commands) {
    CLI::App* command = schedules_command->add_subcommand(name, help);
    command->add_option("name", schedules.name, "The schedule")->required();
    command->add_option("--bot", schedules.bot, "The bot, where several have such a schedule");
    add_config(command, schedules.config);
    add_format(command, schedules.format);
    command->callback([&schedules, &code, what = what] {
      schedules.what = what;
      code = sufler::run_schedules(schedules);
    });
  }
  schedules_command->callback([&] {
    if (schedules_command->get_subcommands().empty()) code = sufler::run_schedules(schedules);
  });

  using Broadcasts = sufler::BroadcastsOptions::What;
  sufler::BroadcastsOptions broadcasts;
  CLI::App* broadcasts_command = app.add_subcommand("broadcasts", "What goes to many people: how far it is");
  broadcasts_command->add_option("bot", broadcasts.bot, "Only of this bot");
  broadcasts_command->add_flag("--follow", broadcasts.follow, "Stays until all that are under way are over");
  add_config(broadcasts_command, broadcasts.config);
  add_format(broadcasts_command, broadcasts.format);
  const std::tuple<const char*, Broadcasts, const char*> broadcast_commands[] = {
      {"show", Broadcasts::Show, "One of them, with what it says and who was left out"},
      {"pause", Broadcasts::Pause, "Nobody more gets it until it is resumed"},
      {"resume", Broadcasts::Resume, "It goes on where it was"},
      {"stop", Broadcasts::Stop, "Nobody more gets it"}};
  for (const auto& [name, what, help] : broadcast_commands) {
    CLI::App* command = broadcasts_command->add_subcommand(name, help);
    command->add_option("id", broadcasts.id, "Its number in the list")->required();
    command->add_flag("--follow", broadcasts.follow, "Stays until it is over");
    add_config(command, broadcasts.config);
    add_format(command, broadcasts.format);
    command->callback([&broadcasts, &code, what = what] {
      broadcasts.what = what;
      code = sufler::run_broadcasts(broadcasts);
    });
  }
  broadcasts_command->callback([&] {
    if (broadcasts_command->get_subcommands().empty()) code = sufler::run_broadcasts(broadcasts);
  });

  CLI::App* broadcast_command = app.add_subcommand("broadcast", "Sends a text to everybody who has written to a bot");
  broadcast_command->add_option("bot", broadcasts.bot, "The bot")->required();
  broadcast_command->add_option("text", broadcasts.text, "What to say, with {{ user.first_name }} and the like")->required();
  broadcast_command->add_option("--where", broadcasts.where, "Only to those for whom it holds: user.vip");
  broadcast_command->add_option("--as", broadcasts.name, "A name: two of one name do not go at once");
  broadcast_command->add_option("--rate", broadcasts.rate, "People a second; unless given, as many as the platform takes")
      ->check(CLI::Range(1, 1000));
  auto* to_me = broadcast_command->add_option("--to-me", broadcasts.to_me, "Only to this person, to look at it: telegram:42");
  auto* dry_run = broadcast_command->add_flag("--dry-run", broadcasts.dry_run, "Sends nothing, counts who would get it");
  to_me->excludes(dry_run);
  broadcast_command->add_flag("--follow", broadcasts.follow, "Stays until it is over");
  add_config(broadcast_command, broadcasts.config);
  add_format(broadcast_command, broadcasts.format);
  broadcast_command->callback([&] {
    broadcasts.what = Broadcasts::Begin;
    code = sufler::run_broadcasts(broadcasts);
  });

  sufler::DialogsOptions dialogs;
  CLI::App* dialogs_command = app.add_subcommand("dialogs", "The dialogs that changed last");
  dialogs_command->add_option("config", dialogs.config, "The configuration, sufler.yaml unless given");
  dialogs_command->add_option("--bot", dialogs.bot, "Only of this bot");
  dialogs_command->add_option("--limit", dialogs.limit, "So many at most")->check(CLI::Range(1, 10'000));
  add_format(dialogs_command, dialogs.format);
  dialogs_command->callback([&] { code = sufler::run_dialogs(dialogs); });

  using Agents = sufler::AgentsOptions::What;
  sufler::AgentsOptions agents;
  CLI::App* agents_command = app.add_subcommand("agents", "Who answers at the desks");
  agents_command->add_option("bot", agents.bot, "Only of this bot");
  add_config(agents_command, agents.config);
  add_format(agents_command, agents.format);
  const std::tuple<const char*, Agents, const char*> agent_commands[] = {
      {"remove", Agents::Remove, "They answer no more; their tickets go to others, or back to the queue"},
      {"restore", Agents::Restore, "Takes back somebody who was removed"}};
  for (const auto& [name, what, help] : agent_commands) {
    CLI::App* command = agents_command->add_subcommand(name, help);
    command->add_option("bot", agents.bot, "The bot")->required();
    command->add_option("desk", agents.desk, "The desk")->required();
    command->add_option("person", agents.person, "The person: telegram:123 or vk:5")->required();
    add_config(command, agents.config);
    command->callback([&agents, &code, what = what] {
      agents.what = what;
      code = sufler::run_agents(agents);
    });
  }
  agents_command->callback([&] {
    if (agents_command->get_subcommands().empty()) code = sufler::run_agents(agents);
  });

  sufler::InviteOptions invite;
  CLI::App* invite_command = app.add_subcommand("invite", "Lets one person become an agent of a desk, within 15 minutes");
  invite_command->add_option("desk", invite.desk, "The desk")->required();
  invite_command->add_option("--bot", invite.bot, "The bot, where several have such a desk");
  add_config(invite_command, invite.config);
  add_format(invite_command, invite.format);
  invite_command->callback([&] { code = sufler::run_invite(invite); });

  using Tickets = sufler::TicketsOptions::What;
  sufler::TicketsOptions tickets;
  CLI::App* tickets_command = app.add_subcommand("tickets", "The tickets that wait or are open");
  tickets_command->add_option("bot", tickets.bot, "Only of this bot");
  tickets_command->add_flag("--closed", tickets.closed, "The closed ones, too; the newest first");
  tickets_command->add_option("--limit", tickets.limit, "So many of a desk at most")->check(CLI::Range(1, 10'000));
  add_config(tickets_command, tickets.config);
  add_format(tickets_command, tickets.format);
  CLI::App* ticket_export = tickets_command->add_subcommand("export", "Prints all that was said in a ticket");
  ticket_export->add_option("bot", tickets.bot, "The bot")->required();
  ticket_export->add_option("desk", tickets.desk, "The desk")->required();
  ticket_export->add_option("number", tickets.number, "The ticket's number")->required()->check(CLI::PositiveNumber);
  ticket_export->add_option("--format", tickets.file_format, "The form of the file")
      ->check(CLI::IsMember({"txt", "html", "csv"}));
  add_config(ticket_export, tickets.config);
  ticket_export->callback([&] { tickets.what = Tickets::Export, code = sufler::run_tickets(tickets); });
  tickets_command->callback([&] {
    if (tickets_command->get_subcommands().empty()) code = sufler::run_tickets(tickets);
  });

  sufler::EraseOptions erase;
  CLI::App* erase_command = app.add_subcommand("erase", "Removes all that is kept about a person, and prints an act");
  erase_command->add_option("user", erase.user, "The person: telegram:123 or vk:5")->required();
  erase_command->add_option("config", erase.config, "The configuration, sufler.yaml unless given");
  erase_command->add_option("--bot", erase.bot, "Only what this bot knows");
  erase_command->add_flag("--yes", erase.yes, "Does not ask");
  erase_command->callback([&] { code = sufler::run_erase(erase); });

  const auto add_language = [](CLI::App* command, std::string& language) {
    command->add_option("--lang", language, "The language of what is printed; that of the environment unless given")
        ->check(CLI::IsMember({"ru", "en"}));
  };
  sufler::ReplayToolOptions replay;
  CLI::App* replay_command =
      app.add_subcommand("replay", "Plays talks of the journal against a version, and tells where they differ");
  replay_command->add_option("path", replay.path, "The version: a scenario on disk")->required();
  add_config(replay_command, replay.config);
  replay_command->add_option("--since", replay.since, "What was said so long ago, as 7d or 12h")->capture_default_str();
  replay_command->add_option("--dialog", replay.dialog, "Only this dialog: its number, or its person as telegram:123");
  replay_command->add_option("--bot", replay.bot, "Whose talks, where the configuration has several bots");
  replay_command->add_option("--limit", replay.limit, "So many dialogs at most, those that changed last")->check(CLI::Range(1, 10'000));
  add_format(replay_command, replay.format);
  add_language(replay_command, replay.language);
  replay_command->callback([&] { code = sufler::run_replay(replay); });

  sufler::RecordOptions record;
  CLI::App* record_command = app.add_subcommand("record", "Prints a talk of the journal as a test, personal data masked");
  record_command->add_option("dialog", record.dialog, "The dialog: its number, or its person as telegram:123")->required();
  add_config(record_command, record.config);
  record_command->add_option("--bot", record.bot, "Whose talk, where a person talks with several bots");
  record_command->add_flag("--versions", record.versions,
                           "The test begins with the scenario as it was then, and changes it where it was changed");
  add_language(record_command, record.language);
  record_command->callback([&] { code = sufler::run_record(record); });

  sufler::ExplainOptions explain;
  CLI::App* explain_command = app.add_subcommand("explain", "Tells the way that one person took, and why");
  explain_command->add_option("dialog", explain.dialog, "The dialog: its number, or its person as telegram:123")->required();
  add_config(explain_command, explain.config);
  explain_command->add_option("--bot", explain.bot, "Whose talk, where a person talks with several bots");
  explain_command->add_option("--scenario", explain.path, "Another version of the scenario than the configuration's");
  explain_command->add_option("--turns", explain.turns, "Only the last so many turns");
  add_format(explain_command, explain.format);
  add_language(explain_command, explain.language);
  explain_command->callback([&] { code = sufler::run_explain(explain); });

  sufler::AskOptions ask;
  CLI::App* ask_command = app.add_subcommand("ask", "Shows what an assistant's knowledge has on a question, and what a model would be sent");
  ask_command->add_option("scenario", ask.scenario, "A scenario, or a bot of the configuration")->required();
  ask_command->add_option("assistant", ask.assistant, "The assistant")->required();
  ask_command->add_option("question", ask.question, "The question, in quotes")->required();
  add_config(ask_command, ask.config);
  ask_command->add_flag("--send", ask.send, "Asks the model of the configuration, and shows what it answers");
  ask_command->add_option("--pieces", ask.pieces, "So many pieces at most")->check(CLI::Range(1, 100))->capture_default_str();
  add_format(ask_command, ask.format);
  add_language(ask_command, ask.language);
  ask_command->callback([&] { code = sufler::run_ask(ask); });

  sufler::GraphOptions graph;
  CLI::App* graph_command = app.add_subcommand("graph", "Draws what leads where: a map of the branches");
  graph_command->add_option("path", graph.path, "A scenario")->required();
  graph_command->add_option("--format", graph.format, "The form of the map")
      ->check(CLI::IsMember({"mermaid", "dot", "svg"}))
      ->capture_default_str();
  graph_command->add_option("--live", graph.live, "A configuration: the map shows how many people wait where");
  graph_command->add_option("--bot", graph.bot, "Whose people, where the configuration has several bots");
  graph_command->add_option("--branch", graph.branch, "Only this branch and those next to it");
  add_language(graph_command, graph.language);
  graph_command->callback([&] { code = sufler::run_graph(graph); });

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
