#include <fcntl.h>
#include <signal.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <vector>

#include "storage_fixture.h"

// Real failures: the code that the database gives for each must reach the caller as the right kind,
// with one line that says where.
namespace sufler {
namespace {

using Kind = StorageError::Kind;
using std::chrono::milliseconds;

StorageError refusal(const std::string& url, milliseconds busy_timeout = milliseconds(50)) {
  auto opened = Storage::open(url, Durability::Full, busy_timeout);
  if (opened) {
    ADD_FAILURE() << url << " was opened";
    return {};
  }
  EXPECT_EQ(opened.error().message.find('\n'), std::string::npos);
  return opened.error();
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// A child process that does `work` and tells when it is ready; killed with this object.
class Child {
 public:
  template <class Work>
  explicit Child(Work work) {
    int pipe_ends[2];
    if (::pipe(pipe_ends) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      ::close(pipe_ends[0]);
      work([&] { (void)!::write(pipe_ends[1], "x", 1); });
      ::_exit(0);
    }
    ::close(pipe_ends[1]);
    read_end_ = pipe_ends[0];
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    kill();
    ::close(read_end_);
  }
  void wait_until_ready(int times = 1) {
    char byte = 0;
    for (int i = 0; i < times; ++i) ASSERT_EQ(::read(read_end_, &byte, 1), 1);
  }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  int read_end_ = -1;
};

TEST(StorageFailuresTest, APlaceThatCannotHoldAFileIsNamed) {
  const Folder folder;
  const StorageError missing = refusal("sqlite:" + folder.file("no/such/shop.db"));
  EXPECT_EQ(missing.kind, Kind::CannotOpen);
  EXPECT_EQ(missing.message, "database " + folder.file("no/such/shop.db") +
                                 ": there is no such folder: create it, or name another file");
  EXPECT_EQ(refusal("sqlite:" + folder.file(".")).kind, Kind::CannotOpen);
  write_bytes(folder.file("file"), "x");
  EXPECT_EQ(refusal("sqlite:" + folder.file("file/shop.db")).kind, Kind::CannotOpen);
  EXPECT_EQ(refusal("sqlite:/dev/null").kind, Kind::CannotOpen);
}

/// Whether another process could take the lock that stands for "somebody has the database open".
bool is_taken_for_closed(const std::string& path) {
  const pid_t other = ::fork();
  if (other == 0) {  // a process does not see its own locks
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    lock.l_start = 0x40000002;  // as SQLite's file format has it
    lock.l_len = 510;
    const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
    ::_exit(file >= 0 && ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? 0 : 1);
  }
  int status = 0;
  ::waitpid(other, &status, 0);
  return status != 0;
}

TEST(StorageFailuresTest, ASecondConnectionLeavesTheLocksOfTheFirst) {
  const Folder folder;
  Storage first = open_or_die(folder.file());
  must(first, [](Transaction& tx) { add_dialog(tx, "42"); });
  ASSERT_FALSE(is_taken_for_closed(folder.file()));
  {
    Storage second = open_or_die(folder.file());
    EXPECT_FALSE(is_taken_for_closed(folder.file()));
  }
  EXPECT_FALSE(is_taken_for_closed(folder.file())) << "another process would remove the log that is written";
}

TEST(StorageFailuresTest, AnUnknownKindOfDatabaseIsNamed) {
  EXPECT_EQ(refusal("mysql:shop").kind, Kind::CannotOpen);
  EXPECT_EQ(refusal("").kind, Kind::CannotOpen);
  EXPECT_EQ(refusal("sqlite:").kind, Kind::CannotOpen);
  EXPECT_EQ(refusal("shop.db").message,
            "a database is named `sqlite:PATH`, for example `sqlite:sufler.db`, or "
            "`postgresql://USER@HOST/NAME`");
}

TEST(StorageFailuresTest, AFolderWithoutTheRightToWriteIsNamed) {
  const Folder folder;
  const std::string closed = folder.file("closed");
  std::filesystem::create_directory(closed);
  { const Storage made = open_or_die(folder.file("closed/there.db")); }
  ::chmod((closed + "/there.db").c_str(), 0400);
  ::chmod(closed.c_str(), 0500);
  // The superuser may write everywhere, so the child gives its rights up.
  const pid_t pid = ::fork();
  ASSERT_GE(pid, 0);
  if (pid == 0) {
    // The parent's own folder belongs to whoever runs the tests.
    if (::geteuid() == 0) {
      (void)::chmod(std::filesystem::path(closed).parent_path().c_str(), 0777);
      (void)::chmod(closed.c_str(), 0555);
      (void)::chmod((closed + "/there.db").c_str(), 0444);
      if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(3);
    }
    const bool fresh = refusal("sqlite:" + closed + "/new.db").kind == Kind::CannotOpen;
    const bool old = refusal("sqlite:" + closed + "/there.db").kind == Kind::CannotOpen;
    ::_exit(fresh && old ? 0 : 1);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ::chmod(closed.c_str(), 0700);
}

TEST(StorageFailuresTest, AFileThatIsNoDatabaseIsLeftAsItWas) {
  const Folder folder;
  const std::string text = "scenario: shop\n" + std::string(5000, 'x');
  write_bytes(folder.file(), text);
  EXPECT_EQ(refusal("sqlite:" + folder.file()).kind, Kind::CannotOpen);
  EXPECT_EQ(bytes_of(folder.file()), text);
}

TEST(StorageFailuresTest, ADatabaseOfAnotherProgramIsLeftAsItWas) {
  const Folder folder;
  {
    soci::session sql(soci::sqlite3, folder.file());
    sql << "CREATE TABLE clients (name TEXT)";
  }
  const std::string before = bytes_of(folder.file());
  const StorageError error = refusal("sqlite:" + folder.file());
  EXPECT_EQ(error.kind, Kind::CannotOpen);
  EXPECT_NE(error.message.find("another program"), std::string::npos) << error.message;
  EXPECT_EQ(bytes_of(folder.file()), before);
}

TEST(StorageFailuresTest, ADatabaseOfANewerSuflerIsLeftAsItWas) {
  const Folder folder;
  { const Storage made = open_or_die(folder.file()); }
  {
    soci::session sql(soci::sqlite3, folder.file());
    sql << "INSERT INTO schema_version (version) VALUES (1000)";
  }
  const std::string before = bytes_of(folder.file());
  const StorageError error = refusal("sqlite:" + folder.file());
  EXPECT_EQ(error.kind, Kind::NewerSchema);
  EXPECT_NE(error.message.find(folder.file()), std::string::npos) << error.message;
  EXPECT_EQ(bytes_of(folder.file()), before);
}

TEST(StorageFailuresTest, ADatabaseOfAnOlderSuflerKeepsWhatItHolds) {
  const Folder folder;
  {
    Storage made = open_or_die(folder.file());
    OutboxRow row;
    row.bot = "shop";
    row.chat = {"vk", "7"};
    row.call.method = "messages.send";
    ASSERT_TRUE(made.transact([&](Transaction& tx) -> Stored<Done> {
      EXPECT_TRUE(tx.enqueue(row, Moment{1}));
      return Done{};
    }));
  }
  {
    soci::session sql(soci::sqlite3, folder.file());  // as the first version left it
    sql << "DROP TABLE seen_events";
    sql << "CREATE TABLE seen_events (id INTEGER PRIMARY KEY AUTOINCREMENT, bot TEXT NOT NULL, transport TEXT NOT "
           "NULL, event_id TEXT NOT NULL, at_unix_ms BIGINT NOT NULL)";
    sql << "INSERT INTO seen_events (bot, transport, event_id, at_unix_ms) VALUES ('shop', 'vk', 'e7', 5)";
    sql << "DROP INDEX inbox_person";
    sql << "ALTER TABLE inbox DROP COLUMN person";
    for (const char* column : {"repeat_key", "notice", "sender", "ticket_message"})
      sql << "ALTER TABLE outbox DROP COLUMN " << column;
    for (const char* table : {"messages_map", "agents", "tickets", "ticket_messages", "token_failures", "agent_invitations"})
      sql << std::string("DROP TABLE ") + table;
    for (const std::string& undone : undoing_steps_behind_desks()) sql << undone;
    sql << "DELETE FROM schema_version WHERE version > 1";
  }
  Storage reopened = open_or_die(folder.file());
  ASSERT_TRUE(reopened.transact([&](Transaction& tx) -> Stored<Done> {
    auto rows = tx.outbox("shop", 0, 10);
    EXPECT_TRUE(rows);
    if (!rows) return Error{rows.error()};
    EXPECT_EQ(rows->size(), 1U);
    EXPECT_EQ(rows->front().call.method, "messages.send");
    EXPECT_EQ(rows->front().call.repeat_key, 0);
    EXPECT_FALSE(unwrap(tx.claim_event("shop", "vk", "e7", Moment{6})));
    return Done{};
  }));
}

TEST(StorageFailuresTest, ANewerDatabaseWithAnUnfinishedLogIsLeftAsItWas) {
  const Folder folder;
  const std::string copy = folder.file("copy.db");
  {
    const Storage made = open_or_die(folder.file());
    soci::session sql(soci::sqlite3, folder.file());
    sql << "INSERT INTO schema_version (version) VALUES (1000)";
    // As a crash would leave it: the change is in the log only.
    for (const char* suffix : {"", "-wal"})
      write_bytes(copy + suffix, bytes_of(folder.file() + suffix));
  }
  ASSERT_GT(bytes_of(copy + "-wal").size(), 0U);
  const std::string before = bytes_of(copy);
  const std::string log_before = bytes_of(copy + "-wal");
  EXPECT_EQ(refusal("sqlite:" + copy).kind, Kind::NewerSchema);
  EXPECT_EQ(bytes_of(copy), before);
  EXPECT_EQ(bytes_of(copy + "-wal"), log_before);
}

TEST(StorageFailuresTest, ADamagedDatabaseIsRefusedAndLeftAsItWas) {
  const Folder folder;
  {
    Storage made = open_or_die(folder.file());
    must(made, [](Transaction& tx) {
      for (int i = 0; i < 200; ++i) add_dialog(tx, std::to_string(i), std::string(500, 's'));
    });
  }
  const std::string sound = bytes_of(folder.file());
  ASSERT_GT(sound.size(), 20U * 4096U);
  int refused = 0;
  int tried = 0;
  const std::string copy = folder.file("copy.db");
  for (std::size_t page = 0; page < sound.size() / 4096; ++page) {
    std::string damaged = sound;
    for (std::size_t i = 0; i < 12; ++i)
      damaged[page * 4096 + i] = static_cast<char>(~damaged[page * 4096 + i]);
    write_bytes(copy, damaged);
    ++tried;
    auto opened = Storage::open("sqlite:" + copy, Durability::Full);
    if (!opened) {
      ++refused;
      EXPECT_TRUE(opened.error().kind == Kind::Corrupt || opened.error().kind == Kind::CannotOpen)
          << opened.error().message;
      EXPECT_EQ(bytes_of(copy), damaged) << "page " << page;
    }
  }
  EXPECT_EQ(refused, tried);
}

TEST(StorageFailuresTest, ATruncatedDatabaseIsRefused) {
  const Folder folder;
  {
    Storage made = open_or_die(folder.file());
    must(made, [](Transaction& tx) {
      for (int i = 0; i < 200; ++i) add_dialog(tx, std::to_string(i), std::string(500, 's'));
    });
  }
  const std::string half = bytes_of(folder.file()).substr(0, 10 * 4096);
  write_bytes(folder.file(), half);
  EXPECT_EQ(refusal("sqlite:" + folder.file()).kind, Kind::Corrupt);
  EXPECT_EQ(bytes_of(folder.file()), half);
}

TEST(StorageFailuresTest, ALockOfAnotherProcessIsBusyAndTheStorageGoesOn) {
  const Folder folder;
  auto opened = Storage::open("sqlite:" + folder.file(), Durability::Full, milliseconds(50));
  ASSERT_TRUE(opened);
  Child holder([&](auto ready) {
    soci::session sql(soci::sqlite3, folder.file());
    sql << "BEGIN IMMEDIATE";
    ready();
    ::pause();
  });
  holder.wait_until_ready();
  bool played = false;
  const Stored<Done> refused = opened->transact([&](Transaction&) -> Stored<Done> {
    played = true;
    return Done{};
  });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::Busy);
  EXPECT_FALSE(played);
  holder.kill();
  must(*opened, [](Transaction& tx) { add_dialog(tx, "7"); });
}

TEST(StorageFailuresTest, AShortLockOfAnotherProcessIsWaitedFor) {
  const Folder folder;
  Storage storage = open_or_die(folder.file());
  Child holder([&](auto ready) {
    soci::session sql(soci::sqlite3, folder.file());
    sql << "BEGIN IMMEDIATE";
    ready();
    ::usleep(200'000);  // well below the time that operations wait
    sql << "COMMIT";
  });
  holder.wait_until_ready();
  must(storage, [](Transaction& tx) { add_dialog(tx, "7"); });
}

TEST(StorageFailuresTest, AFullDiskIsToldAndTheStorageGoesOnWhenThereIsRoom) {
  const Folder folder;
  const std::string disk = folder.file("disk");
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=2m") != 0) {
    GTEST_SKIP() << "only the superuser may mount a small disk";
  }
  {
    Storage storage = open_or_die(disk + "/shop.db", Durability::Full);
    must(storage, [](Transaction& tx) { add_dialog(tx, "7", "before"); });
    write_bytes(disk + "/ballast", std::string(400'000, 'b'));
    std::optional<StorageError> error;
    int committed = 0;
    for (int i = 0; i < 100 && !error; ++i) {
      const Stored<Done> done = storage.transact([&](Transaction& tx) -> Stored<Done> {
        const auto id = tx.enqueue(message_to("7", std::string(100'000, 'x')), Moment{1});
        if (!id) return Error{id.error()};
        return Done{};
      });
      if (done)
        ++committed;
      else
        error = done.error();
    }
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, Kind::Full) << error->message;
    std::filesystem::remove(disk + "/ballast");
    must(storage, [&](Transaction& tx) {
      EXPECT_EQ(unwrap(tx.outbox("shop", 0, 1000)).size(), static_cast<std::size_t>(committed));
      EXPECT_EQ(unwrap(tx.load_dialog(key_of("7"))).state, "before");
      add_dialog(tx, "8", "after");
    });
  }
  {
    soci::session sql(soci::sqlite3, disk + "/shop.db");
    std::string check;
    sql << "PRAGMA integrity_check", soci::into(check);
    EXPECT_EQ(check, "ok");
  }
  ::umount(disk.c_str());
}

TEST(StorageFailuresTest, ADiskFullFromTheStartIsTold) {
  const Folder folder;
  const std::string disk = folder.file("disk");
  std::filesystem::create_directory(disk);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    GTEST_SKIP() << "only the superuser may mount a small disk";
  }
  write_bytes(disk + "/ballast", std::string(60'000, 'b'));
  EXPECT_EQ(refusal("sqlite:" + disk + "/shop.db").kind, Kind::Full);
  EXPECT_FALSE(std::filesystem::exists(disk + "/shop.db"));
  ::umount(disk.c_str());
}

TEST(StorageFailuresTest, AConstraintIsToldWithoutTheValues) {
  const Folder folder;
  Storage storage = open_or_die(folder.file());
  Table table;
  table.name = "estates";
  table.key = "id";
  table.columns.resize(2);
  table.columns[0].name = "id";
  table.columns[0].type = ColumnType::Integer;
  table.columns[1].name = "owner";
  Program program;
  program.id = "shop";
  program.tables.push_back(table);
  ASSERT_TRUE(storage.prepare_tables(program));
  ValueMap values;
  values.set("id", 7);
  values.set("owner", "Иван Тайный");
  const Stored<Done> lost = storage.transact([&](Transaction& tx) -> Stored<Done> {
    EXPECT_TRUE(tx.insert_row(table, values, {"7", 3}, Moment{1}));
    const auto again = tx.insert_row(table, values, {"7", 3}, Moment{1});
    if (!again) return Error{again.error()};
    return Done{};
  });
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().kind, Kind::Constraint);
  EXPECT_EQ(lost.error().message.find("Тайный"), std::string::npos) << lost.error().message;
  must(storage, [&](Transaction& tx) { EXPECT_EQ(unwrap(tx.count_rows(table, {})), 0); });
}

TEST(StorageFailuresTest, AWriterKilledAmidCommitsLeavesWholeTransactions) {
  const Folder folder;
  for (int round = 0; round < 12; ++round) {
    Child writer([&](auto ready) {
      auto storage = Storage::open("sqlite:" + folder.file(), Durability::Normal);
      if (!storage) ::_exit(1);
      for (;;) {
        const Stored<Done> done = storage->transact([&](Transaction& tx) -> Stored<Done> {
          // One number, written to four tables.
          DialogRow row = *tx.load_dialog(key_of("7"));
          const std::string next =
              std::to_string((row.state.empty() ? 0 : std::stoi(row.state)) + 1);
          row.state = next;
          (void)tx.save_dialog(key_of("7"), row, row.user_row == 0, Moment{1});
          (void)tx.enqueue(message_to("7", next), Moment{1});
          (void)tx.set_position("shop", "telegram", next, Moment{1});
          JournalRow line;
          line.dialog_id = row.id;
          line.event = next;
          (void)tx.append_journal(line);
          return Done{};
        });
        if (!done) ::_exit(2);
        ready();
      }
    });
    writer.wait_until_ready(1 + round * 5);
    writer.kill();
    Storage storage = open_or_die(folder.file());
    must(storage, [&](Transaction& tx) {
      const DialogRow row = unwrap(tx.load_dialog(key_of("7")));
      const std::size_t count = static_cast<std::size_t>(std::stoi(row.state));
      EXPECT_EQ(unwrap(tx.position("shop", "telegram")), row.state);
      const std::vector<OutboxRow> rows = unwrap(tx.outbox("shop", 0, 100'000));
      ASSERT_EQ(rows.size(), count);
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(rows[i].call.body, std::to_string(i + 1));
      const std::vector<JournalRow> lines = unwrap(tx.journal(row.id, 100'000));
      ASSERT_EQ(lines.size(), count);
      for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(lines[i].event, std::to_string(i + 1));
    });
  }
}

}  // namespace
}  // namespace sufler
