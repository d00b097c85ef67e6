#pragma once
#include "storage/transaction.h"
#include "storage/version_store.h"

namespace sufler::storage {

// How rows have them, for whoever reads them on a connection of another kind.
std::vector<VersionFile> files_of(const std::string& text);


class SqlVersions final : public VersionStore {
 public:
  explicit SqlVersions(SqlTransaction& transaction) : tx_(transaction) {}

  Stored<Done> save(const VersionRow& row) override;
  Stored<std::vector<VersionRow>> versions(std::string_view bot) override;
  Stored<std::optional<VersionRow>> version(std::string_view bot, std::string_view version) override;
  Stored<bool> has_content(const VersionFile& file) override;
  Stored<Done> put_content(std::string_view hash, std::int64_t part, std::string_view bytes) override;
  Stored<std::optional<std::string>> content(std::string_view hash, std::int64_t part) override;
  Stored<std::vector<Deployment>> deployments() override;
  Stored<Deployment> deployment(std::string_view bot) override;
  Stored<std::int64_t> forget_person(std::string_view bot, std::string_view transport,
                                     std::string_view user_id) override;
  Stored<Deployment> lock_deployment(std::string_view bot) override;
  Stored<Done> deploy(Deployment& deployment) override;
  Stored<Done> set_swept(std::string_view bot, std::int64_t generation) override;
  Stored<std::int64_t> newest_generation() override;
  Stored<std::vector<Generation>> generations() override;
  Stored<Look> behind(std::string_view bot, std::int64_t generation, std::int64_t after_id, std::int64_t rows) override;
  Stored<std::vector<bool>> hold_if_free(const std::vector<DialogKey>& people) override;
  Stored<std::vector<Pinned>> pinned() override;
  Stored<std::int64_t> forget_old(std::string_view bot, std::size_t keep) override;
  Stored<bool> others_serve() override;

 private:
  template <class... Args>
  std::vector<VersionRow> read_versions(const char* sql, const Args&... args);
  template <class... Args>
  std::vector<Deployment> read_deployments(const char* sql, const Args&... args);

  SqlTransaction& tx_;
};

}  // namespace sufler::storage
