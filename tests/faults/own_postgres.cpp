#include "faults/own_postgres.h"

#include <cstdlib>
#include <stdexcept>

namespace sufler::tests {

OwnPostgres::OwnPostgres(const std::vector<std::string>& options) {
  std::vector<std::string> all = {"fsync=on"};
  all.insert(all.end(), options.begin(), options.end());
  run("start", all);
  const std::string file = read_file(folder_.path() + "/server");
  port_ = std::atoi(file.c_str() + file.find("port: ") + 6);
}

OwnPostgres::~OwnPostgres() {
  try {
    run("stop");
  } catch (const std::exception&) {
  }
}

void OwnPostgres::crash() { run("crash"); }
void OwnPostgres::resume() { run("resume"); }
void OwnPostgres::restart() { run("restart"); }

void OwnPostgres::run(const std::string& command, const std::vector<std::string>& options) const {
  std::string line = std::string(SUFLER_SOURCE_DIR) + "/tests/databases/postgres " + command + " " + folder_.path() + "/server";
  for (const std::string& option : options) line += " " + option;
  if (std::system(line.c_str()) != 0) throw std::runtime_error(line + " failed");
}

}  // namespace sufler::tests
