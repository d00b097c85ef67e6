#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/job.h"
#include "interpreter/runtime/player.h"
#include "storage/storage.h"

namespace sufler {

/// Someone on the stage.
struct StagePerson {
  std::string name;  ///< what a talk calls them by
  std::string id;    ///< the platform's id; empty: the name
  std::string first_name, last_name, username, language;
};

struct StageOptions {
  Moment now;
  std::uint64_t seed = 1;
  StagePerson user{"user", {}, {}, {}, {}, {}};
  std::vector<StagePerson> others;
  std::map<std::string, std::vector<std::string>> roles;  ///< role → people's names
  std::map<std::string, std::string> secrets = {};        ///< variable → token of a desk
  /// Does jobs, at once. What it gives instead of a result ends the talk. Empty: every job is an error.
  std::function<Result<JobResult, std::string>(const Job&)> jobs = {};
};

/// A message that arrived, or the notice that answers a press of a button.
struct Arrival {
  std::string to;       ///< a person's name, or a role's when nobody has the role
  Message message;
  bool is_notice = false;
  bool to_role = false; ///< a notice to a role, not said in the person's own dialog
};

/// Updates as a platform hands them over, with the position to store with them.
struct UpdateBatch {
  std::vector<Incoming> updates;
  std::string transport;
  std::string position = {};
  bool may_repeat = false;  ///< `Transport::repeats_events`
};

/// The people of a stage: how what they do comes to the bot, and where they read what it says. All of its
/// functions are called on the stage's thread.
class Audience {
 public:
  /// Plays the batch before it returns.
  using Play = std::function<Stored<Done>(const UpdateBatch&)>;
  virtual ~Audience() = default;

  /// Takes its seats: adds its platforms and the people of the program's roles to `setup`. Called once, before
  /// everything else.
  virtual Stored<Done> enter(const StageOptions& options, BotSetup& setup) = 0;
  virtual void set_clock(Moment now) = 0;
  /// The person's own dialog with the bot.
  virtual ChatAddress address(const std::string& person) const = 0;

  // People act, and everything that comes of it has been played when these return.
  virtual Stored<Done> say(const std::string& person, UserMessage message, const Play& play) = 0;
  /// A person of the community writes to the talk's own person.
  virtual Stored<Done> staff(const std::string& text, const Play& play) = 0;
  virtual Stored<Done> reach(const std::string& person, bool reachable, const Play& play) = 0;
  /// False when no message shows a button with this label.
  virtual Stored<bool> press(const std::string& person, std::string_view label, const Play& play) = 0;
  virtual std::vector<std::string> visible_labels(const std::string& person) const = 0;

  /// Carries out what the bot wants sent. Appends what people got by it, and returns what became of each row.
  virtual Stored<std::vector<Settled>> deliver(const std::vector<OutboxRow>& rows, std::vector<Arrival>& arrivals) = 0;
  /// A step has made a file, which may be sent from now on.
  virtual void keep(const Attachment& file, const std::string& bytes) { (void)file, (void)bytes; }
  /// A file that the bot keeps, under the name that a talk gave it.
  virtual Attachment named(Attachment file) { return file; }
};

using AudienceFactory = std::function<std::unique_ptr<Audience>()>;

/// Without any platform: messages arrive whole, as the scenario means them.
std::unique_ptr<Audience> make_plain_audience();

/// Names of the roles that a scenario writes to or asks for.
std::set<std::string> roles_of(const Program& program);
/// What a file's name tells about it: `photo.jpg` is a photo.
Attachment stage_file(const std::string& name);

}  // namespace sufler
