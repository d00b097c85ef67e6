// A portion is one short transaction, so that a report of a long time holds nothing up: neither turns nor what clears old
// rows away. Talks may go on while it is made; what is said after `to`, which has passed, is not in it.
#include "interpreter/runtime/reports.h"

#include <algorithm>
#include <set>
#include <utility>

#include "interpreter/core/report/order.h"
#include "interpreter/core/report/writer.h"
#include "interpreter/core/sha256.h"
#include "interpreter/runtime/failpoint.h"
#include "interpreter/runtime/incoming_json.h"
#include "storage/report_store.h"
#include "storage/version_store.h"

namespace sufler {
namespace {

constexpr std::int64_t kDialogsAtFirst = 10, kDialogsAtOnce = 200, kRowsAtOnce = 500;
/// Of the journal, in memory: of one portion, and of one talk, of which the file shows less (ReportWriter::kMostOfTalk).
constexpr std::size_t kMostAtOnce = std::size_t{8} << 20, kMostOfTalk = std::size_t{32} << 20;
constexpr const char* kStopped = "the process is stopping";

JobResult failed(std::string error) { return {JobResult::Kind::Failed, {}, std::move(error), {}, {}, {}}; }
JobResult again(std::string error) { return {JobResult::Kind::Again, {}, std::move(error), {}, {}, {}}; }

class Maker {
 public:
  Maker(const ReportTools& tools, const Job& job, const ReportOrder& order) : tools_(tools), job_(job), order_(order), writer_(order) {}

  JobResult make() {
    // Before anything is read: whoever is erased from now on takes it away, and then it is made again.
    if (auto marked = write([&](Transaction& tx) { return tx.reports().put(job_.bot, mark_, {}, order_.at); }); !marked)
      return trouble(marked.error());
    if (auto read = order_.talks ? read_talks() : read_rows(); !read) return trouble(read.error());
    if (!why_.empty()) {
      (void)write([&](Transaction& tx) { return tx.reports().drop(mark_); });  // else it goes with old files
      return failed(why_);
    }
    if (order_.talks) {
      if (auto counted = count(); !counted) return trouble(counted.error());
    }
    const ReportFile file = writer_.finish(counts_);
    Attachment made;
    made.origin = "stored";
    made.reference = std::string(kReportKey) + sha256_hex(job_.bot + "\n" + order_.name + "\n" + sha256_hex(file.bytes));
    made.name = order_.name;
    made.mime = order_.format == ReportStep::Format::Html ? "text/html" : order_.format == ReportStep::Format::Csv ? "text/csv" : "text/plain";
    made.size = static_cast<std::int64_t>(file.bytes.size());
    if (auto kept = store(file, made.reference); !kept) return trouble(kept.error());
    ValueMap result;
    result.set("file", made);
    JobResult done{JobResult::Kind::Done, Value(std::move(result)), {}, {}, {}, {}};
    if (file.left_out > 0) done.log = "the report has no room for the last " + std::to_string(file.left_out) + " talks or rows";
    return done;
  }

 private:
  JobResult trouble(const StorageError& error) const {
    if (stopped()) return again(kStopped);
    return may_pass(error.kind) ? again(error.message) : failed(error.message);
  }
  bool stopped() const { return tools_.stop && tools_.stop(); }

  Stored<Done> look(const std::function<Stored<Done>(Transaction&)>& body) {
    if (stopped()) return Error{StorageError{StorageError::Kind::Busy, kStopped}};
    return tools_.look([&](Storage& storage) { return storage.look(body); });
  }

  // ---- talks

  Stored<Done> read_talks() {
    ReportStore::Span span{job_.bot, order_.from, order_.to, 0};
    if (order_.all_time) span.to = Moment{INT64_MAX};
    if (!order_.chat.chat_id.empty()) {
      auto found = look([&](Transaction& tx) -> Stored<Done> {
        auto row = tx.load_dialog({job_.bot, order_.chat, order_.user_id});
        if (!row) return Error{row.error()};
        span.dialog_id = row->id;
        return Done{};
      });
      if (!found) return found;
      if (span.dialog_id == 0) return Done{};
    }
    std::int64_t after = 0, dialogs = kDialogsAtFirst;
    do {
      ReportTalk talk;
      std::set<std::int64_t> cut;
      const auto give = [&] {
        talk.cut = cut.contains(talk.dialog_id);
        if (talk.dialog_id != 0) writer_.add(talk);
        talk.lines.clear();
      };
      // A portion may be read again when the database had trouble: the writer hears of it once.
      std::vector<ReportStore::Line> lines;
      std::size_t bytes = 0;
      auto read = look([&](Transaction& tx) -> Stored<Done> {
        lines.clear();
        cut.clear();
        bytes = 0;
        std::size_t of_one = 0;
        std::int64_t full = 0;  // the dialog behind which nothing more is taken
        auto last = tx.reports().lines(span, after, dialogs, [&](const ReportStore::Line& line) {
          if (full != 0) return;
          if (!lines.empty() && lines.back().dialog_id != line.dialog_id) {
            of_one = 0;
            if (bytes > kMostAtOnce) {
              full = lines.back().dialog_id;
              return;
            }
          }
          of_one += line.event.size() + line.turn.size();
          if (of_one > kMostOfTalk) {
            cut.insert(line.dialog_id);
            return;
          }
          bytes += line.event.size() + line.turn.size();
          lines.push_back(line);
        });
        if (!last) return Error{last.error()};
        after = full != 0 ? full : *last;
        return Done{};
      });
      if (!read) return read;
      // As many at once as are small.
      dialogs = bytes > kMostAtOnce / 4 ? std::max(dialogs / 2, kDialogsAtFirst) : std::min(dialogs * 2, kDialogsAtOnce);
      for (ReportStore::Line& line : lines) {
        if (line.dialog_id != talk.dialog_id) {
          give();
          talk.dialog_id = line.dialog_id;
          talk.chat = line.chat;
          talk.user = UserRecord();
          if (!line.user.empty()) (void)from_json(line.user, talk.user);
        }
        talk.lines.push_back({line.at, std::move(line.event), std::move(line.turn)});
      }
      give();
    } while (after != 0 && span.dialog_id == 0);
    return Done{};
  }

  Stored<Done> count() {
    if (!order_.chat.chat_id.empty()) return Done{};
    return look([&](Transaction& tx) -> Stored<Done> {
      counts_ = ReportCounts{};
      const Moment to = order_.all_time ? Moment{INT64_MAX} : order_.to;
      auto tickets = tx.reports().tickets(job_.bot, order_.from, to);
      if (!tickets) return Error{tickets.error()};
      counts_.tickets = *tickets;
      for (const std::string& name : order_.counted) {
        Table table;
        table.name = name;
        std::vector<Condition> conditions;
        if (!order_.all_time)
          conditions = {{"created_at", ">=", Value(order_.from)}, {"created_at", "<", Value(order_.to)}};
        auto rows = tx.count_rows(table, conditions);
        if (!rows) return Error{rows.error()};
        counts_.tables.emplace_back(name, *rows);
      }
      return Done{};
    });
  }

  // ---- rows

  /// By their ids, so that none comes twice and none is passed over; the writer puts them in order.
  Stored<Done> read_rows() {
    std::int64_t after = 0;
    bool first = true;
    for (;;) {
      FindRows find;
      find.conditions = order_.conditions;
      if (!first) find.conditions.push_back({"id", ">", Value(after)});
      find.sort = {{"id", false}};
      find.limit = kRowsAtOnce;
      List rows;
      auto read = look([&](Transaction& tx) -> Stored<Done> {
        auto found = tx.find_rows(order_.table, find);
        if (!found) return Error{found.error()};
        rows = std::move(*found);
        return Done{};
      });
      if (!read) return read;
      for (const Value& row : rows) {
        const ValueMap* map = row.map();
        if (!map) continue;
        if (why_ = writer_.add(*map); !why_.empty()) return Done{};
        const Value* id = map->find("id");
        if (id && id->number()) after = id->number()->to_int64().value_or(after);
      }
      first = false;
      if (static_cast<std::int64_t>(rows.size()) < kRowsAtOnce) return Done{};
    }
  }

  // ---- the file

  Stored<Done> write(const std::function<Stored<Done>(Transaction&)>& body) {
    if (stopped()) return Error{StorageError{StorageError::Kind::Busy, kStopped}};
    return tools_.write([&](Storage& storage) { return storage.transact(body); });
  }

  Stored<Done> store(const ReportFile& file, const std::string& key) {
    const std::string letter_key = file.letter.empty() ? std::string() : key + std::string(kReportLetter);
    auto put = write([&](Transaction& tx) -> Stored<Done> {
      auto marked = tx.reports().has(mark_);
      if (!marked) return Error{marked.error()};
      if (!*marked) return Error{StorageError{StorageError::Kind::Busy, "somebody was erased while the report was made"}};
      if (auto done = tx.reports().put(job_.bot, key, letter_key, order_.at); !done) return done;
      return tx.reports().drop(mark_);
    });
    if (!put) return put;
    if (auto kept = store_parts(key, key, file.bytes); !kept) return kept;
    return letter_key.empty() ? Stored<Done>(Done{}) : store_parts(key, letter_key, file.letter);
  }

  Stored<Done> store_parts(const std::string& file_key, const std::string& key, const std::string& bytes) {
    constexpr auto kPart = static_cast<std::size_t>(VersionStore::kPartBytes);
    for (std::size_t at = 0, part = 0; at == 0 || at < bytes.size(); at += kPart, ++part) {
      auto kept = write([&](Transaction& tx) -> Stored<Done> {
        // A person was erased meanwhile, and what was read may hold their words: it is made again.
        auto wanted = tx.reports().has(file_key);
        if (!wanted) return Error{wanted.error()};
        if (!*wanted) return Error{StorageError{StorageError::Kind::Busy, "the report was erased while it was stored"}};
        return tx.versions().put_content(key, static_cast<std::int64_t>(part), std::string_view(bytes).substr(at, kPart));
      });
      if (!kept) return kept;
      failpoint("report_part");
    }
    return Done{};
  }

  const ReportTools& tools_;
  const Job& job_;
  const ReportOrder& order_;
  /// The report while it is made: goes as its file would.
  const std::string mark_ = std::string(kReportKey) + "made-by-" + std::to_string(job_.id);
  ReportWriter writer_;
  ReportCounts counts_;
  std::string why_;
};

}  // namespace

JobResult make_report(const ReportTools& tools, const Job& job) {
  ReportOrder order;
  if (!from_json(job.request, order)) return failed("a report that cannot be read");
  return Maker(tools, job, order).make();
}

Stored<std::optional<std::string>> read_stored_file(Transaction& tx, const std::string& key) {
  std::string bytes;
  for (std::int64_t part = 0;; ++part) {
    auto some = tx.versions().content(key, part);
    if (!some) return Error{some.error()};
    if (!*some) return part == 0 ? std::optional<std::string>() : std::optional(std::move(bytes));
    bytes += **some;
    if (static_cast<std::int64_t>((*some)->size()) < VersionStore::kPartBytes) return std::optional(std::move(bytes));
  }
}

}  // namespace sufler
