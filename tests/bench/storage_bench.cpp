#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "storage/storage.h"

// What a turn costs in the database, by operation and as a whole. `cpu_us_per_turn` is of the whole
// process and of the kernel on its behalf; the clock also counts the waits for the disk.
namespace {

using sufler::DialogKey;
using sufler::DialogRow;
using sufler::Done;
using sufler::Durability;
using sufler::Error;
using sufler::JournalRow;
using sufler::Moment;
using sufler::OutboxRow;
using sufler::Storage;
using sufler::Stored;
using sufler::Transaction;

constexpr int kDialogs = 1000;
constexpr int kBatch = 100;

class Base {
 public:
  explicit Base(Durability durability) {
    const char* const chosen = ::getenv("SUFLER_BENCH_DIR");
    std::string pattern =
        (chosen ? std::filesystem::path(chosen) : std::filesystem::temp_directory_path()) /
        "sufler_bench_XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    auto opened = Storage::open("sqlite:" + folder_ + "/bench.db", durability);
    storage_ = std::make_unique<Storage>(std::move(*opened));
    // Sizes as the order dialog of the comparison has them.
    state_ = "{\"v\":\"0123456789abcdef\",\"w\":{\"for\":\"answer\"},\"vars\":{\"text\":\"" +
             std::string(600, 'x') + "\"}}";
    user_ = "{\"id\":\"100000000\",\"first_name\":\"Olga\",\"created_at\":1700000000000}";
    out_.bot = "shop";
    out_.chat.transport = "telegram";
    out_.call.method = "sendMessage";
    out_.call.body = "{\"chat_id\":100000000,\"text\":\"" + std::string(250, 'y') + "\"}";
    line_.event_id = "123456789";
    line_.event = "{\"at\":1700000000000,\"message\":{\"text\":\"" + std::string(60, 'z') + "\"}}";
    line_.turn = "{\"sent\":[\"" + std::string(250, 'y') + "\"]}";
    line_.version = "0123456789abcdef";
    run([&](Transaction& tx) {
      for (int i = 0; i < kDialogs; ++i) {
        DialogRow row;
        row.state = state_;
        row.user = user_;
        (void)tx.save_dialog(key(i), row, true, Moment{1});
        ids_.push_back(row.id);
      }
    });
  }
  Base(const Base&) = delete;
  Base& operator=(const Base&) = delete;
  ~Base() {
    storage_.reset();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  static DialogKey key(int i) {
    const std::string id = std::to_string(100'000'000 + i);
    return {"shop", {"telegram", id}, id};
  }
  template <class Body>
  void run(Body&& body) {
    (void)storage_->transact([&](Transaction& tx) -> Stored<Done> {
      body(tx);
      return Done{};
    });
  }
  int next_dialog() {
    chance_ = chance_ * 1103515245 + 12345;
    return static_cast<int>((chance_ >> 8) % kDialogs);
  }

  std::string folder_, state_, user_;
  std::unique_ptr<Storage> storage_;
  OutboxRow out_;
  JournalRow line_;
  std::vector<std::int64_t> ids_;
  std::deque<std::int64_t> sent_;
  std::uint32_t chance_ = 1;
};

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// One operation, in batches as the runtime makes them.
template <class Operation>
void measure(benchmark::State& state, Operation operation,
             Durability durability = Durability::Normal) {
  Base base(durability);
  const double before = cpu_seconds();
  std::int64_t done = 0;
  for (auto _ : state) {
    base.run([&](Transaction& tx) {
      for (int i = 0; i < kBatch; ++i) operation(base, tx);
    });
    done += kBatch;
  }
  state.SetItemsProcessed(done);
  state.counters["cpu_us_each"] = (cpu_seconds() - before) * 1e6 / static_cast<double>(done);
}

void load_dialog(benchmark::State& state) {
  measure(state, [](Base& base, Transaction& tx) {
    benchmark::DoNotOptimize(tx.load_dialog(Base::key(base.next_dialog())));
  });
}
void load_and_save_dialog(benchmark::State& state) {
  measure(state, [](Base& base, Transaction& tx) {
    const DialogKey key = Base::key(base.next_dialog());
    auto row = tx.load_dialog(key);
    row->state = base.state_;
    (void)tx.save_dialog(key, *row, false, Moment{2});
  });
}
void enqueue_and_drop(benchmark::State& state) {
  measure(state, [](Base& base, Transaction& tx) {
    base.out_.chat.chat_id = "100000000";
    const auto id = tx.enqueue(base.out_, Moment{2});
    (void)tx.drop_outbox(*id);
  });
}
void append_journal(benchmark::State& state) {
  measure(state, [](Base& base, Transaction& tx) {
    base.line_.dialog_id = base.ids_[static_cast<std::size_t>(base.next_dialog())];
    (void)tx.append_journal(base.line_);
  });
}
void claim_event(benchmark::State& state) {
  std::int64_t event = 1'000'000'000;
  measure(state, [&event](Base&, Transaction& tx) {
    (void)tx.claim_event("shop", "vk", std::to_string(event++), Moment{2});
  });
}
void set_and_cancel_timer(benchmark::State& state) {
  measure(state, [](Base& base, Transaction& tx) {
    const std::int64_t id = base.ids_[static_cast<std::size_t>(base.next_dialog())];
    (void)tx.set_timer(id, {"timeout", Moment{100'000 + base.next_dialog()}, 7});
    (void)tx.cancel_timer(id, "timeout");
  });
}
void inbox_in_and_out(benchmark::State& state) {
  std::int64_t event = 1'000'000'000;
  measure(state, [&event](Base& base, Transaction& tx) {
    sufler::InboxRow row;
    row.bot = "shop";
    row.transport = "telegram";
    row.event_id = std::to_string(event++);
    row.incoming = base.line_.event;
    (void)tx.put_inbox(row);
    (void)tx.drop_inbox(row.id);
  });
}

/// All that a turn of a dialog asks of the database: what was sent by the turns of the batch before
/// is dropped in this one, as the runtime does.
void turn(benchmark::State& state) {
  const auto durability = state.range(0) != 0 ? Durability::Full : Durability::Normal;
  const std::int64_t messages = state.range(1);
  measure(
      state,
      [&](Base& base, Transaction& tx) {
        const DialogKey key = Base::key(base.next_dialog());
        auto row = tx.load_dialog(key);
        row->state = base.state_;
        (void)tx.save_dialog(key, *row, false, Moment{2});
        base.out_.chat = key.chat;
        base.out_.dialog_id = row->id;
        for (std::int64_t i = 0; i < messages; ++i) {
          base.sent_.push_back(*tx.enqueue(base.out_, Moment{2}));
        }
        base.line_.dialog_id = row->id;
        (void)tx.append_journal(base.line_);
        const auto kept = static_cast<std::size_t>(kBatch * messages);
        while (base.sent_.size() > kept) {
          (void)tx.drop_outbox(base.sent_.front());
          base.sent_.pop_front();
        }
      },
      durability);
}

BENCHMARK(load_dialog);
BENCHMARK(load_and_save_dialog);
BENCHMARK(enqueue_and_drop);
BENCHMARK(append_journal);
BENCHMARK(claim_event);
BENCHMARK(set_and_cancel_timer);
BENCHMARK(inbox_in_and_out);
BENCHMARK(turn)
    ->ArgNames({"full", "messages"})
    ->Args({0, 1})
    ->Args({0, 2})
    ->Args({1, 1})
    ->MinTime(2.0);

}  // namespace
