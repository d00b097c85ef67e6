#include "faults/customers.h"

#include <algorithm>
#include <array>

#include "serve/sufler_process.h"

namespace sufler::tests {

const char* const kShopScenario = R"yaml(scenario: shop
language: ru
start: menu
branches:
  menu:
    - set: {number: "number + 1 if number else 1"}
    - choose: "Чем помочь? ({{ number }})"
      options: {Заказать: order}
  order:
    - ask: [name, phone, service, comment]
    - choose: "Проверьте ({{ number }}): {{ name }}, {{ phone }}, {{ service }}, {{ comment }}"
      inline: true
      options: {Верно: accept}
  accept:
    - save: orders
      into: order
    - say: "Заказ принят ({{ number }}), его номер {{ order.id }}"
    - notify: admins
      text: "Новый заказ №{{ order.id }}: {{ name }}"
    - wait: 1s
    - go: menu
questions:
  name: {text: "Как вас зовут? ({{ number }})"}
  phone: {text: "Телефон? ({{ number }})", type: phone}
  service: {text: "Услуга? ({{ number }})", type: choice, inline: true, options: [Стрижка, Маникюр]}
  comment: {text: "Комментарий? ({{ number }})"}
tables:
  orders: {name: text, phone: phone, service: text, comment: text, number: integer}
)yaml";

Answers answers_of(std::int64_t customer, int round) {
  const std::string mark = std::to_string(customer) + "-" + std::to_string(round);
  std::string phone = std::to_string(customer * 1000 + round);
  phone.insert(0, 7 - phone.size(), '0');
  return {"Иван " + mark, "+7912" + phone, round % 2 == 0 ? "Маникюр" : "Стрижка",
          "«как в прошлый раз» " + mark + " 👍"};
}

bool read_message(const std::string& text, std::int64_t customer, int& round, Stage& stage) {
  static const std::array<std::string, kStages> kBegins = {
      "Чем помочь? (",  "Как вас зовут? (", "Телефон? (",    "Услуга? (",
      "Комментарий? (", "Проверьте (",      "Заказ принят ("};
  for (int i = 0; i < kStages; ++i) {
    const std::string& begin = kBegins[static_cast<std::size_t>(i)];
    if (!text.starts_with(begin)) continue;
    round = std::atoi(text.c_str() + begin.size());
    stage = static_cast<Stage>(i);
    const std::size_t close = text.find(')');
    if (round < 1 || close == std::string::npos) return false;
    const std::string rest = text.substr(close + 1);
    if (stage == Stage::Accepted) return rest.starts_with(", его номер ");
    if (stage != Stage::Check) return rest.empty();
    const Answers said = answers_of(customer, round);
    return rest == ": " + said.name + ", " + said.phone + ", " + said.service + ", " + said.comment;
  }
  return false;
}

std::int64_t percentile(std::vector<std::int64_t> values, int percent) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, values.size() * static_cast<std::size_t>(percent) / 100)];
}

Customers::Customers(Shopfront& shop, int count) : shop_(shop) {
  for (int i = 0; i < count; ++i) customers_[1 + i] = {};
}

bool Customers::play(std::chrono::seconds patience) {
  std::size_t ended = 0;
  for (auto& [id, customer] : customers_) shop_.begin(id);
  while (ended < customers_.size()) {
    const auto messages = shop_.next_messages(patience);
    if (messages.empty()) return false;
    for (const Shopfront::Heard& message : messages) {
      const auto found = customers_.find(message.chat);
      if (found == customers_.end() || found->second.ended) continue;
      hear(found->first, found->second, message.text, message.at_ms);
      ended += found->second.ended ? 1 : 0;
    }
  }
  return true;
}

void Customers::hear(std::int64_t id, Customer& customer, const std::string& text, std::int64_t at_ms) {
  int round = 0;
  Stage stage{};
  if (!read_message(text, id, round, stage)) return;
  if (round != customer.round || stage != customer.waits_for) return;  // a repeated one
  if (customer.said_ms != 0) waits_.push_back(std::max<std::int64_t>(0, at_ms - customer.said_ms));
  customer.said_ms = stage == Stage::Accepted ? 0 : unix_ms();
  const Answers answers = answers_of(id, round);
  switch (stage) {
    case Stage::Menu:
      if (finishing_ && orders_[id] > 0) {
        customer.ended = true;
        return;
      }
      shop_.tap(id, "Заказать");
      break;
    case Stage::Name:
      shop_.say(id, answers.name);
      break;
    case Stage::Phone:
      shop_.say(id, answers.phone);
      break;
    case Stage::Service:
      shop_.press(id, answers.service);
      break;
    case Stage::Comment:
      shop_.say(id, answers.comment);
      break;
    case Stage::Check:
      shop_.press(id, "Верно");
      break;
    case Stage::Accepted:
      ++orders_[id];
      ++customer.round;
      customer.waits_for = Stage::Menu;
      return;
  }
  customer.waits_for = static_cast<Stage>(static_cast<int>(stage) + 1);
}

std::string Customers::stuck() const {
  std::string out;
  for (const auto& [id, customer] : customers_) {
    if (customer.ended) continue;
    out += "customer " + std::to_string(id) + " in round " + std::to_string(customer.round) +
           " waits for message " + std::to_string(static_cast<int>(customer.waits_for)) + "\n";
  }
  return out;
}

}  // namespace sufler::tests
