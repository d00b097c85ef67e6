#pragma once
#include <memory>

#include "storage/postgres_connection.h"
#include "storage/presence.h"

namespace sufler::storage {

/// Joins the processes that share the database. Two connections beside the one that plays: one holds the locks that
/// make a leader and hears what others tell, one writes what must not wait for a transaction.
Stored<std::unique_ptr<Presence>> join_postgres(const PostgresSettings& settings, std::vector<std::string> bots,
                                                Storage::PresenceHandlers handlers);

}  // namespace sufler::storage
