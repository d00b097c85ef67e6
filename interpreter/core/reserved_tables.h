#pragma once
#include <array>
#include <string_view>

namespace sufler {

/// Names of the tables that Sufler keeps beside the scenario's own, now or by its plan: a
/// scenario's table may not have one of them.
inline constexpr auto kReservedTables = std::to_array<std::string_view>({
    "agent_invitations",
    "agents",
    "broadcast_people",
    "broadcasts",
    "counters",
    "crm_accounts",
    "crm_links",
    "crm_made",
    "dead_letters",
    "dialogs",
    "inbox",
    "jobs",
    "journal",
    "knowledge_files",
    "knowledge_pieces",
    "knowledge_sets",
    "knowledge_stems",
    "knowledge_stems_config",
    "knowledge_stems_content",
    "knowledge_stems_data",
    "knowledge_stems_docsize",
    "knowledge_stems_idx",
    "knowledge_vectors",
    "knowledge_words",
    "leaders",
    "messages_map",
    "model_usage",
    "outbox",
    "positions",
    "processes",
    "report_files",
    "run_state",
    "scenario_deployments",
    "scenario_files",
    "scenario_table_data",
    "scenario_table_users",
    "scenario_tables",
    "scenario_versions",
    "schedule_times",
    "schema_version",
    "seen_events",
    "shared_values",
    "ticket_messages",
    "tickets",
    "timers",
    "token_failures",
    "track_events",
    "users",
});

/// SQL compares names without regard to the case of Latin letters; `sqlite_` and `pg_` begin names
/// of the databases themselves.
constexpr bool is_reserved_table_name(std::string_view name) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const auto begins = [&](std::string_view prefix) {
    if (name.size() < prefix.size()) return false;
    for (std::size_t i = 0; i < prefix.size(); ++i) {
      if (lower(name[i]) != prefix[i]) return false;
    }
    return true;
  };
  for (const std::string_view reserved : kReservedTables) {
    if (name.size() == reserved.size() && begins(reserved)) return true;
  }
  return begins("sqlite_") || begins("pg_");
}

}  // namespace sufler
