// A dialog of the rich scenario with whatever may happen to it: messages, presses, files, timers,
// staff, failures, other versions. The shell of the tests writes and reads the state as JSON before
// each turn.
#include "fuzz/rich_scenario.h"
#include "fuzz/targets.h"
#include "step/dialog.h"

namespace sufler::fuzz {
namespace {

using testing::Dialog;

class Bytes {
 public:
  explicit Bytes(std::string_view bytes) : rest_(bytes) {}
  bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto one = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return one;
  }
  /// Up to 255 bytes, their number first.
  std::string text() {
    const std::string out(rest_.substr(0, byte()));
    rest_.remove_prefix(std::min(out.size(), rest_.size()));
    return out;
  }

 private:
  std::string_view rest_;
};

constexpr const char* kPhrases[] = {"/start",
                                    "Анна",
                                    "+7 912 345-67-89",
                                    "anna@mail.ru",
                                    "30",
                                    "1500 руб",
                                    "да",
                                    "нет",
                                    "завтра",
                                    "15:30",
                                    "завтра в три",
                                    "Латте",
                                    "1, 2",
                                    "Сахар",
                                    "Готово",
                                    "Пропустить",
                                    "5",
                                    "назад",
                                    "/help",
                                    "меню",
                                    "/add",
                                    "/add 1 2",
                                    "/token abc",
                                    "цена",
                                    "бот",
                                    "/wake",
                                    "заново",
                                    "стоп",
                                    "1234",
                                    "Анкету",
                                    "Списки",
                                    "Счёт",
                                    "Таблицы",
                                    "Ждать",
                                    "Тайное",
                                    "Позвать",
                                    "",
                                    "https://example.org",
                                    "/start deep-link",
                                    "😀"};

class Game {
 public:
  Game() : dialog_(share(0)) {}

  std::string play(std::string_view bytes) {
    Bytes input(bytes);
    for (int events = 0; !input.empty() && events < 100; ++events) {
      const auto said = happen(input);
      for (const std::string& one : said) {
        require(!one.starts_with("the state "), "a state reads back as it was");
        transcript_ += one + '\n';
      }
      require(said.size() <= 3 * (rich_program(0).limits.messages_per_turn + 10),
              "the bot says so much and no more");
      check();
    }
    for (const std::string& line : dialog_.journal) transcript_ += line + '\n';
    for (const std::string& fault : dialog_.faults) transcript_ += fault + '\n';
    return transcript_ + to_json(dialog_.state, rich_program(version_));
  }

 private:
  static std::shared_ptr<const Program> share(int version) {
    return {std::shared_ptr<const Program>(), &rich_program(version)};
  }

  std::vector<std::string> happen(Bytes& input) {
    const std::uint8_t what = input.byte();
    switch (what % 20) {
      case 0:
      case 1:
      case 2:
      case 3:
        return dialog_.says(kPhrases[input.byte() % std::size(kPhrases)]);
      case 4:
        return dialog_.says(input.text());
      case 5:
      case 6:
      case 7:
        return press(input.byte());
      case 8:
        return press_payload(input.text());
      case 9:
        return press_payload(spoilt_payload(input.byte(), input.byte()));
      case 10:
        return next_timer();
      case 11:
        return dialog_.after(kPauses[input.byte() % std::size(kPauses)]);
      case 12:
        return dialog_.happens(TimerDue{input.text(), input.byte()});
      case 13:
        return dialog_.sends(files(input.byte()), {}, what & 32 ? "album" : "");
      case 14:
        return dialog_.sends(files(input.byte()), input.text());
      case 15:
        return dialog_.hears(strange_message(input.byte()));
      case 16:
        return dialog_.staff(what & 32 ? "/bot_on" : input.text());
      case 17:
        return dialog_.happens(Reachability{(what & 32) != 0});
      case 18:
        if (what & 32) return dialog_.happens(TurnFailed{"no reason"});
        dialog_.table_error = "the disk is full";
        return {};
      default:
        version_ ^= 1;
        require(dialog_.reload(share(version_)), "a state is read by another version");
        return {};
    }
  }

  std::vector<std::string> press(std::uint8_t which) {
    std::vector<const Button*> buttons;
    for (const Message& message : dialog_.sent)
      for (const auto& row : message.keyboard.rows)
        for (const Button& button : row) buttons.push_back(&button);
    if (buttons.empty()) return {};
    const Button button = *buttons[buttons.size() - 1 - which % buttons.size()];
    return button.action == ButtonAction::Payload ? press_payload(button.payload)
                                                  : dialog_.says(button.label);
  }
  std::vector<std::string> press_payload(std::string payload) {
    const std::size_t before = dialog_.press_answers.size();
    auto said = dialog_.press_payload(std::move(payload));
    require(dialog_.press_answers.size() == before + 1, "every press is answered, once");
    return said;
  }
  std::string spoilt_payload(std::uint8_t at, std::uint8_t with) {
    for (auto message = dialog_.sent.rbegin(); message != dialog_.sent.rend(); ++message)
      for (const auto& row : message->keyboard.rows)
        for (const Button& button : row) {
          if (button.payload.empty()) continue;
          std::string payload = button.payload;
          payload[at % payload.size()] = static_cast<char>(with);
          return payload;
        }
    return "1:1";
  }
  std::vector<std::string> next_timer() {
    auto next = dialog_.timers.begin();
    for (auto timer = dialog_.timers.begin(); timer != dialog_.timers.end(); ++timer)
      if (timer->second.due < next->second.due) next = timer;
    if (next == dialog_.timers.end()) return {};
    const TimerDue due{next->first, next->second.serial};
    dialog_.now = std::max(dialog_.now, next->second.due);
    dialog_.timers.erase(next);
    return dialog_.happens(due);
  }
  static std::vector<Attachment> files(std::uint8_t bits) {
    std::vector<Attachment> out;
    if (bits & 1) out.push_back(testing::photo("a.jpg"));
    if (bits & 2) out.push_back(testing::document("b.pdf"));
    if (bits & 4) out.push_back(testing::document("c.exe", -1));
    if (bits & 8) out.push_back(testing::document("d.pdf", INT64_MAX));
    if (bits & 16) out.push_back({AttachmentKind::Sticker, "vk", "", "", "", 0, ""});
    return out;
  }
  static UserMessage strange_message(std::uint8_t bits) {
    UserMessage message;
    if (bits & 1) message.contact = Contact{"79123456789", "Анна", "", true};
    if (bits & 2) message.contact = Contact{"not a phone", "", "", false};
    if (bits & 4) message.location = Location{*Decimal::parse("59.93"), 30};
    if (bits & 8) message.edited = true;
    if (bits & 16) message.album = "album";
    if (bits & 32) message.text = "да";
    return message;
  }

  void check() {
    require(to_json(dialog_.state, rich_program(version_)).size() <=
                2 * rich_program(0).limits.state_bytes,
            "a state stays small");
    for (const auto& [name, timer] : dialog_.state.timers) {
      const auto set = dialog_.timers.find(name);
      require(set != dialog_.timers.end() && set->second.due == timer.due &&
                  set->second.serial == timer.serial,
              "a timer that the dialog counts on is set");
    }
  }

  static constexpr const char* kPauses[] = {"1s", "3s",  "5m", "10m", "31m",
                                            "1h", "12h", "1d", "30d"};

  Dialog dialog_;
  int version_ = 0;
  std::string transcript_;
};

}  // namespace

void play_step(std::string_view bytes) {
  require(Game().play(bytes) == Game().play(bytes), "equal dialogs are equal");
}

}  // namespace sufler::fuzz
