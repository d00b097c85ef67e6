#pragma once
#include <map>
#include <optional>
#include <string>

#include "interpreter/core/program.h"
#include "schema/diagnostic.h"

/// `check --live`: a remark tells how many dialogs wait at the place it is about.
namespace sufler {

class LiveRemarks {
 public:
  /// Nothing after a complaint.
  static std::optional<LiveRemarks> open(const std::string& config);
  /// Adds to the hints of a problem of the scenario at `path`. Places are counted once for each scenario; the bots
  /// are those that the configuration serves with it, or all when it names no such scenario.
  void tell(Diagnostic& problem, const std::string& path, const Program& program);

 private:
  struct Waiting {
    std::string bot;
    std::string scenario;  ///< absolute; may be empty
    std::map<std::string, std::int64_t> places;
  };
  std::vector<Waiting> bots_;
};

}  // namespace sufler
