#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "interpreter/runtime/replay.h"
#include "tools/audience.h"
#include "tools/masking.h"

namespace sufler {

/// The people of a desk in a talk of the journal. The journal of a client has what an agent wrote, who got the ticket
/// and how it ended, and not what the agents did for it to be so: this finds what they have to do on a stage.
class DeskCast {
 public:
  /// Of the rows from `first` on.
  DeskCast(const RecordedDialog& dialog, std::size_t first, const Program& program, Masker& masker);

  /// Under other names than their own.
  std::vector<StagePerson> people() const;
  /// Roles that a desk in a group with topics takes its agents from, with those of the talk.
  std::map<std::string, std::vector<std::string>> roles() const;
  /// Variables of the desks' tokens.
  std::map<std::string, std::string> tokens() const;

  struct Act {
    std::string who;     ///< as the talk calls them
    std::string text;    ///< what they write; with `presses` the first button that they see is pressed
    bool presses = false;
  };
  /// What has to be done so that the desk answers to a client who comes by a handoff what it answered then. `place`:
  /// where the dialog came to. `before`: nobody can make it so any more.
  std::vector<Act> before(const DeskAnswer& answer, const std::string& place);
  /// What brought the news. `now`: the ticket on the stage.
  std::vector<Act> before(const TicketNews& news, const Relay& now);
  /// Who wrote as the staff; nothing when it was nobody of a desk.
  std::optional<std::string> writer(const StaffMessage& said) const;
  /// The talk's own person is one of a desk: they register.
  std::vector<Act> registration_of_person(const std::vector<std::string>& roles);

 private:
  struct Agent {
    std::string name;   ///< in the talk
    std::string real;   ///< in the journal
    std::string shown;  ///< on the stage
    StagePerson person;
    std::map<std::string, bool> on_duty;  ///< by desk, where they have registered
  };

  Agent* find(const std::string& real);
  Agent* find_shown(const std::string& shown);
  void note(const std::string& real, Masker& masker);
  void sit_down(const Desk& desk, std::vector<Act>& acts);
  const HandoffRule* rule_at(const std::string& place) const;
  void come(const Desk& desk, Agent& agent, std::vector<Act>& acts);
  void leave(const Desk& desk, Agent& agent, std::vector<Act>& acts);

  const Program& program_;
  std::vector<Agent> agents_;
};

}  // namespace sufler
