#include "interpreter/core/reading/intents.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "interpreter/core/reading/intent_phrases.h"
#include "interpreter/core/reading/words.h"
#include "interpreter/core/text.h"

// The order of russian.md 3.1. Control words come first and must fill the message (with helpers
// such as `пожалуйста`): inside a sentence they are no command. Then the message is cut into the
// longest known phrases, each marked yes, no, hesitation …, and rules over these marks decide. A
// yes needs to be certain; whatever is not ends as Unclear or Other.
namespace sufler {
namespace {

using reading::HeardList;
using reading::Mark;
using reading::one_of;
using reading::Phrase;
using reading::phrases;
using reading::sound_of;
using reading::Token;
using reading::WordList;

// ---- the words of a message

struct Item {
  std::string text;
  bool is_word = false;
};

/// `дааааа` → `да`, `неее` → `не`: a letter three times or more is one.
std::string squeeze(const std::string& word) {
  std::string out;
  char32_t last = 0;
  std::size_t run = 0;
  std::size_t run_start = 0;
  for (std::size_t i = 0; i < word.size();) {
    const char32_t c = next_code_point(word, i);
    if (c == last) {
      ++run;
    } else {
      last = c;
      run = 1;
      run_start = out.size();
    }
    append_utf8(out, c);
    if (run == 3) {
      out.resize(run_start);
      append_utf8(out, c);
    } else if (run > 3) {
      out.resize(run_start);
      append_utf8(out, c);
    }
  }
  return out;
}

std::vector<Item> items_of(std::string_view text) {
  std::vector<Item> items;
  const std::vector<Token> tokens = reading::split_tokens(text);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Token& token = tokens[i];
    if (token.kind == Token::Kind::Mark) {
      // don't, i'm
      if (token.text == "'" && !token.space_before && !items.empty() && items.back().is_word &&
          i + 1 < tokens.size() && tokens[i + 1].is_word() && !tokens[i + 1].space_before) {
        items.back().text += "'" + tokens[i + 1].text;
        ++i;
        continue;
      }
      items.push_back({token.text, false});
      continue;
    }
    std::string word = token.is_word() ? squeeze(token.text) : token.text;
    if (token.is_digits() && i + 1 < tokens.size() && tokens[i + 1].is_mark("%")) {
      word += '%';
      ++i;
    }
    if (word == "ж" && !items.empty()) word = "же";
    if (word == "б" && !items.empty()) word = "бы";
    // A Latin `a` in a Cyrillic word is a slip of the keyboard.
    if (find_mixed_alphabet(word) != std::string::npos) word = unify_lookalikes(word);
    items.push_back({std::move(word), true});
  }
  // `Д А`, `о п е р а т о р`: spelled out
  const std::size_t words = static_cast<std::size_t>(
      std::count_if(items.begin(), items.end(), [](const Item& item) { return item.is_word; }));
  const bool single =
      words > 1 && std::all_of(items.begin(), items.end(), [](const Item& item) {
        return !item.is_word || (count_code_points(item.text) == 1 &&
                                 !is_digit(static_cast<unsigned char>(item.text[0])));
      });
  if (single) {
    Item joined{"", true};
    for (const Item& item : items) {
      if (item.is_word) joined.text += item.text;
    }
    return {joined};
  }
  return items;
}

// ---- control words

struct Control {
  Intent intent;
  WordList core;             ///< at least one of these words …
  std::string_view phrases;  ///< … or phrases, `;` between
  WordList helpers;          ///< and nothing else but these
};

constexpr WordList kPolite =
    "пожалуйста плиз пж пжлст ну а же вот и давай давайте тогда please pls уже сейчас срочно "
    "здравствуйте привет добрый день "
    "хочу можно я мне меня бы все это лучше нужно надо просто бот бота ой эй";

constexpr std::array<Control, 3> kControls = {{
    {Intent::Stop,
     "стоп стопэ отмена отмену отмены отмени отмените отменить отменяй отменяйте отменяю хватит довольно "
     "прекрати прекратите прекратить "
     "перестань перестаньте остановись остановитесь остановить прервать прервите закончить "
     "закончим закончи закончите "
     "завершить завершим заверши завершите завершаем заканчиваем прекращаем конец выход выйти выйди передумал передумала передумали "
     "отстань отстаньте отвали "
     "отвалите отвяжись stop cancel quit exit abort отписка отписаться отпишись отпишите отпиши "
     "отпишитесь unsubscribe bye "
     "goodbye прощай прощайте",
     "не пиши;не пишите;не писать;не надо мне писать;не присылайте;не присылай;не беспокойте;не "
     "звоните;прекратите рассылку;"
     "прекрати рассылку;удалите мой номер;удалите меня;удалите мои данные;удали меня;удали мои "
     "данные;до свидания;"
     "до встречи;всего доброго;never mind;opt out;отзываю согласие;отзываю свое согласие;отзываю мое согласие;"
     "отозвать согласие",
     "больше никогда мой мои номер данные рассылку рассылки от из базы заказ заказа разговор "
     "диалог общение чат анкету опрос "
     "оформление запись операцию действие мою эту этот на этом со с писать отвечать спрашивать все "
     "обработку персональных данных it this that the my order me writing texting messaging sending messages to"},
    {Intent::Restart,
     "сначала заново рестарт перезапуск перезапусти перезапустить перезапустите перезагрузка сброс "
     "сбрось сбросить сбросьте "
     "меню домой restart reset menu",
     "с начала;по новой;в начало;с нуля;на главную;главное меню;на старт;start over;start "
     "again;main menu;from the beginning;"
     "по новому;к началу;начни все",
     "начать начни начните начнем начинаем начинай вернуться вернись вернемся вернуть в на с к "
     "меню главное главную основное "
     "покажи покажите открой открыть перейти самого начало начала начале снова все попробуем "
     "попробовать давайте еще раз "
     "to the go back let's show"},
    {Intent::Back,
     "назад обратно вернись вернитесь вернуться вернемся отмотай отмотайте отмотать откати "
     "откатить откатите back undo назд назат нозад",
     "шагом раньше;шаг раньше;предыдущий вопрос;прошлый вопрос;предыдущий шаг;прошлый "
     "шаг;предыдущий ответ;прошлый ответ;"
     "предыдущему вопросу;прошлому вопросу;предыдущему шагу;прошлому шагу;предыдущее;предыдущий;я "
     "ошибся;я ошиблась;ошибся;"
     "ошиблась;исправить ответ;изменить ответ;поменять ответ;previous question;previous step;previous;верни;верните",
     "шаг шага на один к в с вопрос вопросу ответ ответе ответа исправить изменить поменять "
     "прошлый прошлого прошлому прошлом "
     "предыдущий предыдущему предыдущего предыдущем верни верните вернуть еще раз кнопка нажми "
     "нажать иди идем пошли "
     "перейти сделай сделать ошибся ошиблась стой стойте постой постойте погоди погодите подожди подождите go to the step question one previous"},
}};

constexpr WordList kPeople =
    "оператор оператора оператору оператором операторы операторов менеджер менеджера менеджеру "
    "менеджером менеджеры "
    "администратор администратора администратору администратором админ админа админу админом "
    "консультант консультанта "
    "консультанту консультантом специалист специалиста специалисту специалистом сотрудник "
    "сотрудника сотруднику сотрудником "
    "поддержка поддержку поддержкой поддержки поддержке техподдержка техподдержку техподдержкой "
    "техподдержки техподдержке "
    "саппорт саппорта человек человека человеку человеком людьми люди директор директора директору "
    "директором руководитель "
    "руководителя руководителю руководителем начальник начальника начальником начальству старшего "
    "старшему старшим живого "
    "живому живым живой живую кем кого operator human agent support manager person representative "
    "манагер манагера";

/// Control words that a text may hold for their own sake: to a question that takes any text a lone one is an answer.
constexpr WordList kAlsoAnswers =
    "домой конец выход пока обратно меню довольно хватит директор менеджер администратор админ консультант специалист "
    "сотрудник руководитель начальник человек люди старшего живой поддержка директора менеджера предыдущий предыдущее "
    "menu exit end manager agent person support representative human previous bye reset undo";

constexpr WordList kRequests =
    "позови позовите позвать зови зовите соедини соедините соединить переведи переведите перевести переключи "
    "переключите переключить дай "
    "дайте свяжи свяжите связать связаться пригласи пригласите пригласить передай передайте нужен "
    "нужна нужно нужны хочу хотел "
    "хотела хотелось можно пусть ответит ответят позвонит перезвонит свяжется ответьте ответь отзовись свяжитесь перезвони "
    "перезвоните перезвонить позвони позвоните жду вызови вызовите "
    "вызвать подключи подключите подключить требую прошу call connect transfer get want need talk "
    "speak";

/// Requests that a person is the object of, wherever they stand.
constexpr WordList kCalls =
    "позови позовите зови зовите соедини соедините переведи переведите переключи переключите свяжи свяжите пригласи пригласите "
    "вызови вызовите";

constexpr WordList kErase =
    "удали удалите удалить сотри сотрите стереть убери уберите убрать уничтожь уничтожьте уничтожить забудь забудьте забыть "
    "исключи исключите исключить delete remove erase forget";

constexpr WordList kRequestHelpers =
    "с со к на у в то нибудь либо мной завтра сегодня есть тут здесь помощь живые мне меня нам нас "
    "бы поговорить пообщаться говорить общаться разговаривать звонка звонок "
    "ответа ответить ответит пусть живого живому живым живой живую человек человека человеком "
    "кто реального реальным реальному "
    "настоящего настоящим кем вашим вашего вашему вашу вашей вас службу службой технической "
    "техническую тех срочно быстро "
    "скорее прямо сейчас уже просто отдел отдела продаж to a an the with me i would like real live "
    "is there can could speak "
    "talk someone somebody давай давайте пожалуйста плиз please ну а же вот и здравствуйте привет "
    "лучше хочу можно нужен кто "
    "через";

bool is_phrase(const std::vector<std::string>& words, std::size_t at, std::string_view phrase) {
  for (; !phrase.empty(); ++at) {
    const std::size_t space = std::min(phrase.find(' '), phrase.size());
    if (words[at] != phrase.substr(0, space)) return false;
    phrase.remove_prefix(std::min(space + 1, phrase.size()));
  }
  return true;
}

bool has_phrase(const std::vector<std::string>& words, std::string_view list,
                std::vector<bool>& used) {
  bool found = false;
  while (!list.empty()) {
    const std::string_view phrase = list.substr(0, list.find(';'));
    list.remove_prefix(std::min(phrase.size() + 1, list.size()));
    const std::size_t parts = 1 + static_cast<std::size_t>(std::count(phrase.begin(), phrase.end(), ' '));
    for (std::size_t i = 0; i + parts <= words.size(); ++i) {
      if (!is_phrase(words, i, phrase)) continue;
      for (std::size_t j = 0; j < parts; ++j) used[i + j] = true;
      found = true;
    }
  }
  return found;
}

/// The long words of a control's core, or people.
const HeardList& heard(const WordList& list) {
  constexpr std::size_t kShortest = 5;
  static const HeardList kOf[] = {{kControls[0].core, kShortest}, {kControls[1].core, kShortest}, {kControls[2].core, kShortest}};
  static const HeardList kOfPeople(kPeople, kShortest);
  for (std::size_t i = 0; i < kControls.size(); ++i)
    if (&list == &kControls[i].core) return kOf[i];
  return kOfPeople;
}

/// A word as it stands in a vocabulary, or as it sounds.
bool known_word(const std::string& word, const WordList& known, bool by_ear) {
  if (one_of(word, known)) return true;
  if (!by_ear || count_code_points(word) < 5) return false;
  const std::string sound = sound_of(word);
  const std::size_t length = count_code_points(word);
  const HeardList& list = heard(known);
  if (list.sounds_like(sound)) return true;
  // one slip of the finger in a long word that begins alike
  return length >= 7 && std::any_of(list.words().begin(), list.words().end(), [&](std::string_view candidate) {
           return candidate.substr(0, 2) == word.substr(0, 2) && edit_distance(word, candidate, 1) <= 1;
         });
}

/// `удалите мои данные`, `delete my number`: an order to forget the person, which ends mailings too.
bool asks_erasure(const std::vector<std::string>& words) {
  bool verb = false;
  bool whole = false;   // `меня`, `данные` say all
  bool detail = false;  // `номер` may be anybody's …
  bool own = false;     // … unless it is `мой`
  for (const std::string& word : words) {
    if (one_of(word, kErase)) {
      verb = true;
    } else if (one_of(word, "меня данные обо me data")) {
      whole = true;
    } else if (one_of(word, "номер телефон контакты анкету профиль аккаунт информацию почту имя историю переписку "
                            "согласие number phone account details profile name history email everything все всю")) {
      detail = true;
    } else if (one_of(word, "мой мои мое мою свой свои свою мне my")) {
      own = true;
    } else if (!one_of(word, "прошу требую персональные личные из базы вашей ваших списка списков рассылки рассылок контактов системы "
                             "about from your the list database all personal") &&
               !one_of(word, kPolite)) {
      return false;
    }
  }
  return verb && (whole || (detail && own));
}

/// Whether a stop ends mailings or wants the person forgotten: no answer `no` to a question, then.
bool is_unsubscription(const std::vector<std::string>& words) {
  return (words.size() > 1 && words[1] == "пиши") || asks_erasure(words) ||
         std::any_of(words.begin(), words.end(), [](const std::string& word) {
           return one_of(word, "пиши пишите писать присылайте присылай рассылку беспокойте звоните отписка отписаться отпишись "
                               "отпишите отпиши отпишитесь unsubscribe отзываю отозвать writing texting messaging удалите");
         });
}

std::optional<Intent> control_intent(const std::vector<std::string>& words, bool question) {
  if (words.empty() || words.size() > 8) return std::nullopt;
  if (asks_erasure(words)) return Intent::Stop;
  const bool alone = std::count_if(words.begin(), words.end(), [](const std::string& word) {
                       return !one_of(word, kPolite);
                     }) == 1;
  if (alone && std::find(words.begin(), words.end(), "пока") != words.end()) return Intent::Stop;

  const Control& stop = kControls[0];
  const auto matches = [&](const Control& control) {
    std::vector<bool> used(words.size(), false);
    bool core = has_phrase(words, control.phrases, used);
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (used[i]) continue;
      // `админа` sounds like `отмена`.
      if (known_word(words[i], control.core, alone && !one_of(words[i], kPeople))) {
        core = true;
      } else if (!one_of(words[i], control.helpers) && !one_of(words[i], kPolite)) {
        return false;
      }
    }
    return core;
  };
  if (matches(stop)) return Intent::Stop;
  // `стоп, назад`: the last of two commands
  if (words.size() == 2 && one_of(words[0], "стоп хватит погоди stop wait") && one_of(words[1], kControls[2].core))
    return Intent::Back;

  // People: alone, or asked for.
  const bool negated = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return one_of(word, "не нет без not no don't");
  });
  {
    bool person = false;
    bool request = false;
    bool all_known = true;
    bool bare_other_person = true;
    bool living = false;
    std::size_t request_at = words.size();
    bool near = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const bool is_person = known_word(words[i], kPeople, alone);
      const bool is_request = one_of(words[i], kRequests);
      if (is_person) {
        person = true;
        if (!one_of(words[i],
                    "человека человеку людьми кем кого живого живому живым живой живую старшего "
                    "старшему старшим"))
          bare_other_person = false;
      }
      living = living || one_of(words[i], "живого живому живым живой реального реальному реальным настоящего real live");
      if (is_request) {
        request = true;
        if (request_at == words.size() || !one_of(words[request_at], kCalls)) request_at = i;
      }
      if (is_person && request_at < i && i - request_at <= 3 &&
          !(request_at > 0 && one_of(words[request_at - 1], "не not don't")) &&
          one_of(words[request_at], kCalls)) {
        near = true;
      }
      if (!is_person && !is_request && !one_of(words[i], kRequestHelpers)) all_known = false;
    }
    if (near) return Intent::Operator;  // `не хочу с ботом, позовите человека`, too
    if (negated) all_known = false;
    // `жду звонка`, `перезвоните`, `соедините` name nobody and still ask for a person
    const bool asks_call = std::any_of(words.begin(), words.end(), [](const std::string& word) {
      return one_of(
          word, "перезвони перезвоните перезвонить позвоните свяжитесь соедините соедини звонка");
    });
    if (all_known && ((person && (request || living || !bare_other_person || one_of(words[0], "с со к на") ||
                                  alone)) ||
                      (asks_call && !question))) {
      return Intent::Operator;
    }
  }

  if (matches(kControls[1])) return Intent::Restart;
  // `тому назад`, `пять дней назад` tell a time.
  if (matches(kControls[2])) return Intent::Back;
  return std::nullopt;
}

// ---- yes and no

std::optional<Mark> mark_of_sign(const std::string& sign) {
  if (one_of(sign, "👍 👌 ✅ 🆗 💯 ✔ 🙌 🤝 + ☑")) return Mark::Yes;
  if (one_of(sign, "👎 ❌ 🚫 ✖ ⛔ 🙅 🛑")) return Mark::No;
  if (one_of(sign, "🤔 🤷")) return Mark::Unclear;
  if (sign == "?") return Mark::Question;
  if (one_of(sign, ", . ! ; : - ( )")) return Mark::Comma;
  return std::nullopt;
}

/// `нет проблем`, `не против` behind `ну`: no `ну нет`.
bool begins_yes_with_no(const std::vector<Item>& items, std::size_t at) {
  return at + 1 < items.size() && items[at].is_word && items[at + 1].is_word && one_of(items[at].text, "не нет") &&
         one_of(items[at + 1].text, "против проблем возражений замечаний вопросов возражаю возражаем откажусь вопрос");
}

/// What is refused by these may well be wanted: `не ошибка`, `не надо отменять`.
constexpr WordList kRefusing =
    "нет стоп отмена отмены отмену отменять отменяйте отменяй отменяю отмените отказываюсь отказываться отказывайтесь отказываем "
    "отказ отказа отказать возражаю возражать против спорить протестовать неверно неправильно ошибка ошибки ошибкой ошибся "
    "ошиблась сомневаюсь сомневайтесь хватит прекращать прекращайте останавливать останавливайте плохо запрещаю запрещать";
constexpr WordList kBetweenRefusals =
    "буду будем хочу хотим надо нужно стану станем стоит могу можем собираюсь планирую намерен намерена собирался собиралась "
    "хотел хотела была было это в на за";

/// What a firm yes is said of: `подтверждаю заказ`, `согласен на обработку данных`.
constexpr WordList kFirm =
    "согласен согласна согласны подтверждаю подтверждаем подтвердить принимаю принимаем одобряю утверждаю разрешаю оформляйте "
    "оформляй оформите оформляем оформить записывайте запишите бронируйте устраивает подходит беру берем confirm agree";
constexpr WordList kObjects =
    "данные данных заказ заказы запись записи бронь бронирование условия условиями цена цену цены ценой адрес номер телефон "
    "заявку оплату покупку доставку выбор правила правилами договор договором оферту обработку персональных согласие дату время "
    "встречу визит участие сумму сумма все всё мой моя мое мои моего моих ваш ваша ваши вашими вашей вашу этот эта это эти этим "
    "эту свой свои на с со order booking data address terms conditions number my the your this it to with of processing "
    "personal";

/// Irony, and what takes a yes back: with such a word in the clause no yes is certain.
constexpr WordList kIronic =
    "щас щаз щаса счас щя бегу побежал побежала спешу лечу жди ждите прям держите размечтался размечталась разбежались мечтай мечтайте "
    "мечтать мечтал мечтала разбежался разбежалась прямо";
constexpr WordList kTakesBack =
    "верни верните вернуть возврат возвращайте возвратите удали удалите удалить сотри сотрите стереть уберите забудьте отпишите "
    "отзываю отозвать жалоба пожалуюсь другой другая другое другие другую другого другому других другим другими лучше нельзя без вместо иначе "
    "refund delete remove erase return unsubscribe another instead different without";

Mark mark_of_unknown(const std::string& word) {
  // By ear, for the words that people misspell most.
  if (count_code_points(word) >= 6) {
    static const HeardList kYes(
        "хорошо конечно согласен согласна подтверждаю нормально обязательно разумеется естественно договорились устраивает подходит", 0);
    if (kYes.sounds_like(sound_of(word))) return Mark::Yes;
  }
  if (one_of(word, kIronic)) return Mark::Unclear;
  for (const std::string_view stem : {"неверн", "неправильн", "ошиб", "отмен", "удал"}) {
    if (word.starts_with(stem)) return Mark::Doubt;
  }
  if (one_of(word, kTakesBack) || one_of(word, kPeople)) return Mark::Doubt;
  for (const Control& control : kControls) {
    if (one_of(word, control.core)) return Mark::Doubt;
  }
  return Mark::Other;
}

struct Marked {
  Mark mark;
  std::size_t begin;  // items
  std::size_t end;
};

/// Where `не ошибка`, `не надо отменять` end, when they begin at `at`: a no to a no, and nobody knows which it is.
std::size_t end_of_double_no(const std::vector<Item>& items, std::size_t at) {
  if (items[at].text != "не") return at;
  std::size_t next = at + 1;
  while (next < items.size() && items[next].is_word && one_of(items[next].text, kBetweenRefusals)) ++next;
  return next < items.size() && items[next].is_word && one_of(items[next].text, kRefusing) ? next + 1 : at;
}

std::vector<Marked> marked(const std::vector<Item>& items) {
  std::vector<Marked> marks;
  const std::vector<Phrase>& all = phrases();
  const auto put = [&](Mark mark, std::size_t begin, std::size_t end) {
    // `нет, не против`: the first no only answers the doubt that was heard in the question.
    if (mark == Mark::YesByNo) {
      std::size_t before = marks.size();
      bool pause = false;
      while (before > 0 && (marks[before - 1].mark == Mark::Comma || marks[before - 1].mark == Mark::Filler)) {
        pause = pause || marks[before - 1].mark == Mark::Comma;
        --before;
      }
      if (before > 0 && marks[before - 1].mark == Mark::No && marks[before - 1].end - marks[before - 1].begin == 1) {
        const std::string& no = items[marks[before - 1].begin].text;
        if (one_of(no, "нет неа нету no nope") || (pause && no == "не")) marks[before - 1].mark = Mark::Filler;
      }
      mark = Mark::Yes;
    }
    // `да не надо`: no yes, only a particle
    if ((mark == Mark::No || mark == Mark::NoNow) && !marks.empty() && marks.back().mark == Mark::Yes &&
        marks.back().end == begin && marks.back().end - marks.back().begin == 1 && items[marks.back().begin].text == "да" &&
        items[begin].text.starts_with("н") && !one_of(items[begin].text, "нет нету") &&
        !(end - begin == 1 && items[begin].text == "не")) {
      marks.back().mark = Mark::Filler;
    }
    marks.push_back({mark, begin, end});
  };
  for (std::size_t i = 0; i < items.size();) {
    if (!items[i].is_word) {
      if (const auto mark = mark_of_sign(items[i].text)) put(*mark, i, i + 1);
      ++i;
      continue;
    }
    auto phrase = std::lower_bound(
        all.begin(), all.end(), items[i].text,
        [](const Phrase& known, const std::string& word) { return known.words[0] < word; });
    Mark mark = Mark::Other;
    std::size_t end = i;
    const bool filler_first = one_of(items[i].text, "ну а") && begins_yes_with_no(items, i + 1);
    for (; phrase != all.end() && phrase->words[0] == items[i].text; ++phrase) {
      if (filler_first && phrase->words.size() > 1) continue;
      // Punctuation within a phrase does not matter: `нет, спасибо`, `да-да`.
      std::size_t at = i;
      std::size_t matched = 0;
      while (at < items.size() && matched < phrase->words.size()) {
        if (!items[at].is_word) {
          if (items[at].text == "?") break;
          ++at;
          continue;
        }
        if (items[at].text != phrase->words[matched]) break;
        ++matched;
        ++at;
      }
      if (matched != phrase->words.size()) continue;
      // `конечно, нет проблем` holds no `конечно нет`
      if (phrase->mark != Mark::YesByNo && matched > 1 && begins_yes_with_no(items, at - 1)) continue;
      if (phrase->open_end) {
        // Only with something behind it: `дай` alone is no question.
        std::size_t behind = at;
        while (behind < items.size() && !items[behind].is_word) ++behind;
        if (phrase->mark == Mark::NotAnAnswer && (behind == items.size() || i != 0)) continue;
      }
      mark = phrase->mark;
      end = at;
      break;
    }
    if (mark != Mark::YesByNo && mark != Mark::Yes) {
      const std::size_t doubled = end_of_double_no(items, i);
      if (doubled > i && doubled >= end) {
        mark = Mark::Unclear;
        end = doubled;
      }
    }
    if (items[i].text == "лучше" && i + 1 < items.size() &&
        one_of(items[i + 1].text, "не нет потом позже попозже откажусь воздержусь")) {
      mark = Mark::Filler;
      end = i + 1;
    }
    // `да, за 500 рублей`, `да, до 18`
    if (end <= i + 1 && one_of(items[i].text, "до за от") && i + 1 < items.size() && is_digit(static_cast<unsigned char>(items[i + 1].text[0]))) {
      mark = Mark::If;
      end = i + 1;
    }
    if (end == i) {
      end = i + 1;
      mark = mark_of_unknown(items[i].text);
    }
    // `подтверждаю заказ`; behind a comma after whatever yes: `да, мой номер`
    if ((mark == Mark::Other || mark == Mark::Filler) && one_of(items[i].text, kObjects)) {
      std::size_t before = marks.size();
      bool pause = false;
      while (before > 0 && (marks[before - 1].mark == Mark::Comma || marks[before - 1].mark == Mark::Filler)) {
        pause = pause || marks[before - 1].mark == Mark::Comma;
        --before;
      }
      if (before > 0 && (marks[before - 1].mark == Mark::Yes || marks[before - 1].mark == Mark::Easy ||
                         marks[before - 1].mark == Mark::Surely) &&
          (pause || one_of(items[marks[before - 1].end - 1].text, kFirm))) {
        mark = Mark::Filler;
      }
    }
    put(mark, i, end);
    i = end;
  }
  return marks;
}

std::vector<Mark> marks_of(const std::vector<Item>& items) {
  std::vector<Mark> marks;
  for (const Marked& one : marked(items)) marks.push_back(one.mark);
  return marks;
}

bool has(const std::vector<Mark>& marks, Mark mark) {
  return std::find(marks.begin(), marks.end(), mark) != marks.end();
}

/// A command of a message, and what stands before it: `да, назад`, `нет, оператора`, `хорошо, удалите мои данные`.
struct Command {
  Intent intent;
  std::vector<std::string> words;  ///< of the command alone
  bool yes_before = false;
};

/// After these a command needs no comma.
constexpr WordList kOpeners =
    "да дада ага угу ок окей хорошо ладно так ну конечно лады ясно понятно нет неа yes yeah yep ok okay";
/// What a question may have proposed itself.
constexpr WordList kMayBeAsked =
    "отмени отмените отменить отменяй отменяйте отменяю заверши завершите завершить завершим закончить закончите закончим прервать "
    "прервите остановить остановите прекратить прекратите прекрати cancel stop заказ запись разговор";
constexpr WordList kThanks = "спасибо спс благодарю thanks thx";

std::optional<Command> command_of(const std::vector<Item>& items, bool question) {
  std::size_t end = items.size();
  while (end > 0 && !items[end - 1].is_word) --end;
  // `оператора, спасибо`, `назад, да`
  while (end > 1 && (one_of(items[end - 1].text, kThanks) ||
                     (!items[end - 2].is_word && one_of(items[end - 1].text, "да ок окей хорошо ладно ok okay yes")))) {
    --end;
    while (end > 0 && !items[end - 1].is_word) --end;
  }
  const auto words_from = [&](std::size_t begin) {
    std::vector<std::string> words;
    for (std::size_t i = begin; i < end; ++i) {
      if (items[i].is_word) words.push_back(items[i].text);
    }
    return words;
  };
  Command command{Intent::Other, words_from(0)};
  if (command.words.empty()) return std::nullopt;
  if (const auto intent = control_intent(command.words, question)) {
    command.intent = *intent;
    return command;
  }
  for (std::size_t at = 1; at < end; ++at) {
    if (!items[at].is_word) continue;
    const bool pause = !items[at - 1].is_word;
    if (!pause && !one_of(items[at - 1].text, kOpeners) && !(at > 1 && one_of(items[at - 1].text, "но однако but"))) continue;
    const std::vector<std::string> rest = words_from(at);
    const auto intent = control_intent(rest, question);
    if (!intent) continue;
    const std::vector<Mark> before =
        marks_of(std::vector<Item>(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(at)));
    const bool lead = std::all_of(before.begin(), before.end(), [](Mark mark) {
      return mark != Mark::Other && mark != Mark::Doubt && mark != Mark::If && mark != Mark::Manner && mark != Mark::NotAnAnswer;
    });
    if (!lead) return std::nullopt;
    const bool asked = std::any_of(rest.begin(), rest.end(), [](const std::string& word) { return one_of(word, kRequests); });
    // `нет оператора`, `нет меню` tell what is missing.
    if (!pause && before.back() == Mark::No && *intent != Intent::Back && !asked && !is_unsubscription(rest)) continue;
    command.intent = *intent;
    command.words = rest;
    command.yes_before = has(before, Mark::Yes) || has(before, Mark::Easy) || has(before, Mark::Surely);
    // `да, перезвоните` answers `Перезвонить вам?`
    const bool names_person = std::any_of(rest.begin(), rest.end(), [](const std::string& word) { return one_of(word, kPeople); });
    if (*intent == Intent::Operator && command.yes_before && !names_person) return std::nullopt;
    return command;
  }
  return std::nullopt;
}

Intent decide(std::vector<Mark> marks, std::size_t words, bool refusal = false) {
  const bool conditional = has(marks, Mark::If);
  std::replace(marks.begin(), marks.end(), Mark::If, Mark::Condition);
  // `конечно, нет`: the no is what is sure
  for (std::size_t i = 0; i < marks.size(); ++i) {
    if (marks[i] != Mark::Surely) continue;
    std::size_t next = i + 1;
    while (next < marks.size() && (marks[next] == Mark::Comma || marks[next] == Mark::Filler)) ++next;
    if (next < marks.size() && (marks[next] == Mark::No || marks[next] == Mark::NoNow)) marks[i] = Mark::Filler;
  }
  const bool firm = has(marks, Mark::Yes);
  std::replace(marks.begin(), marks.end(), Mark::Easy, Mark::Yes);
  std::replace(marks.begin(), marks.end(), Mark::Surely, Mark::Yes);
  const bool doubt = has(marks, Mark::Doubt);
  std::replace(marks.begin(), marks.end(), Mark::Doubt, Mark::Other);
  const bool postponed = has(marks, Mark::Yes);
  std::replace(marks.begin(), marks.end(), Mark::Later, postponed ? Mark::Hesitant : Mark::No);
  std::replace(marks.begin(), marks.end(), Mark::NoNow, postponed ? Mark::Hesitant : Mark::No);
  const bool yes = has(marks, Mark::Yes);
  const bool no = has(marks, Mark::No);
  const bool question = has(marks, Mark::Question);
  const bool other = has(marks, Mark::Other);
  if (has(marks, Mark::NotAnAnswer)) return Intent::Other;

  std::vector<Mark> plain;  // without punctuation and fillers
  for (const Mark mark : marks) {
    if (mark != Mark::Comma && mark != Mark::Question && mark != Mark::Filler)
      plain.push_back(mark);
  }
  if (plain.empty()) return Intent::Unclear;
  const Mark first = plain.front();

  const auto condition = std::find(marks.rbegin(), marks.rend(), Mark::Condition);
  if (condition != marks.rend()) {
    // … но нет: the last clear word wins
    bool only_no = false;
    for (auto mark = marks.rbegin(); mark != condition; ++mark) {
      if (*mark == Mark::No || *mark == Mark::Stop) only_no = true;
      if (*mark == Mark::Other || *mark == Mark::Yes || *mark == Mark::Hesitant ||
          *mark == Mark::Unclear) {
        only_no = false;
        break;
      }
    }
    if (only_no && !question && !conditional) return Intent::No;
    const bool harmless = yes && !no && !conditional && !other && !question && !has(marks, Mark::Hesitant) &&
                          !has(marks, Mark::Unclear) && has(marks, Mark::Manner);
    if (harmless) return Intent::Yes;
    if (first == Mark::No && !yes) return Intent::No;
    return first == Mark::Other && words > 4 ? Intent::Other : Intent::Unclear;
  }
  if (has(marks, Mark::Unclear)) {
    // `спасибо` and the like beside a clear word change nothing, yet hesitation does.
    return first == Mark::Other && words > 4 ? Intent::Other : Intent::Unclear;
  }
  if (has(marks, Mark::Stop))
    return no && !yes && !question ? Intent::No : other ? Intent::Other : Intent::Unclear;
  if (has(marks, Mark::Hesitant)) return yes || no || !other ? Intent::Unclear : Intent::Other;
  if (yes && no) {
    // `нет, давай другой` begins with its answer; the rest asks back
    return Intent::Unclear;
  }
  if (yes && !other) return question ? Intent::Unclear : Intent::Yes;
  if (no && !other) {
    if (!question) return Intent::No;
    return plain.size() > 1 ? Intent::No : Intent::Unclear;
  }
  // A clear word, a comma, and something more.
  const auto lead =
      std::find_if(marks.begin(), marks.end(), [](Mark mark) { return mark != Mark::Filler; });
  const bool comma_follows = lead + 1 < marks.end() && *(lead + 1) == Mark::Comma;
  if (first == Mark::No && comma_follows) return Intent::No;
  if (first == Mark::Yes && comma_follows && !question && words <= 6) return firm && !doubt ? Intent::Yes : Intent::Unclear;
  if (refusal && first == Mark::No && words <= 6 && !question && !yes) return Intent::No;
  if (first == Mark::No && words <= 6 && !question) return Intent::Unclear;
  return Intent::Other;
}

}  // namespace

Intent read_intent(std::string_view text) {
  const std::string_view trimmed = trim(text.substr(0, 4096));
  if (trimmed.empty()) return Intent::Unclear;
  if (trimmed[0] == '/') {
    const std::string command = fold(trimmed.substr(0, 32));
    if (one_of(command, "/start /menu /restart /reset")) return Intent::Restart;
    if (one_of(command, "/stop /cancel /quit /exit /end")) return Intent::Stop;
    if (command == "/back") return Intent::Back;
    if (one_of(command, "/operator /support /human")) return Intent::Operator;
    return Intent::Other;
  }
  if (trimmed == "+1") return Intent::Yes;
  std::vector<Item> items = items_of(trimmed);
  std::vector<std::string> words;
  bool sign_yes = false;
  bool hyphenated = false;
  std::size_t arrows = 0;
  bool question = false;
  for (const Item& item : items) {
    if (item.is_word) {
      words.push_back(item.text);
    } else {
      arrows += one_of(item.text, "⬅ 🔙 ◀ ← ↩ ⏪") ? 1u : 0u;
      sign_yes = sign_yes || item.text == "+";
      hyphenated = hyphenated || item.text == "-";
      question = question || item.text == "?";
    }
  }
  if (words.empty()) {
    if (arrows > 0) return Intent::Back;
    if (trimmed == "-" || trimmed == "—" || trimmed == "–") return Intent::No;
    const std::vector<Mark> marks = marks_of(items);
    if (has(marks, Mark::Yes) && !has(marks, Mark::No) && !has(marks, Mark::Question))
      return Intent::Yes;
    if (has(marks, Mark::No) && !has(marks, Mark::Yes) && !has(marks, Mark::Question))
      return Intent::No;
    return marks.empty() ? Intent::Other : Intent::Unclear;
  }
  if (words.size() > 40) return Intent::Other;

  std::vector<Mark> marks = marks_of(items);
  if (const auto command = command_of(items, question)) {
    if (command->intent != Intent::Stop || is_unsubscription(command->words)) return command->intent;
    // `хватит, не надо` is a refusal of what was offered; `да, отмените` may answer `Отменить?`.
    if (has(marks, Mark::No)) return Intent::No;
    if (!command->yes_before || !one_of(command->words.back(), kMayBeAsked)) return Intent::Stop;
    return Intent::Unclear;
  }

  // `да нет, всё верно`: a filler, the clause behind it decides.
  if (words.size() > 2 && words[0] == "да" && words[1] == "нет" &&
      !one_of(words[2], "же наверное наверно")) {
    std::vector<Item> rest;
    std::size_t skipped = 0;
    for (const Item& item : items) {
      if (item.is_word && skipped < 2) {
        ++skipped;
      } else if (skipped == 2 && (item.is_word || !rest.empty())) {
        rest.push_back(item);
      }
    }
    const Intent clause = decide(marks_of(rest), words.size() - 2);
    return clause == Intent::Yes || clause == Intent::No ? clause : Intent::Unclear;
  }

  // … но стоп: a late stop takes the yes back.
  if (words.size() > 1 && has(marks, Mark::Condition) &&
      one_of(words.back(), "стоп отмена погоди погодите подожди"))
    return Intent::No;
  // `1 да`
  if (words.size() > 1 && words[0].size() == 1 && words[0][0] >= '0' && words[0][0] <= '9' &&
      marks.front() == Mark::Other) {
    marks.erase(marks.begin());
  }
  // `1+`, `5-комнатная` are no signs of consent.
  if (sign_yes && has(marks, Mark::Other)) return Intent::Other;
  // `стоп-кран`: halves of one word
  if (hyphenated && has(marks, Mark::Other)) return decide(marks, 99);
  // `не надо звонить`: refused, whatever it was
  const bool refusal = words.size() > 2 && one_of(words[0], "не don't") &&
                       one_of(words[1], "надо нужно хочу буду стоит хотим будем want");
  Intent intent = decide(marks, words.size(), refusal);
  if (intent == Intent::Other && words.size() <= 2) {
    // The other keyboard layout: `lf`, `ytn`.
    const bool latin = std::all_of(trimmed.begin(), trimmed.end(),
                                   [](char c) { return static_cast<signed char>(c) > 0; });
    if (latin) {
      std::string_view typed = trimmed;
      while (!typed.empty() && one_of(typed.substr(typed.size() - 1), ". ! ? )")) typed.remove_suffix(1);
      const std::vector<Item> swapped = items_of(swap_keyboard_layout(to_lower(typed)));
      std::vector<std::string> swapped_words;
      for (const Item& item : swapped) {
        if (item.is_word) swapped_words.push_back(item.text);
      }
      if (const auto control = control_intent(swapped_words, question)) return *control;
      const Intent other_layout = decide(marks_of(swapped), swapped_words.size());
      if (other_layout == Intent::Yes || other_layout == Intent::No) return other_layout;
    }
  }
  return intent;
}

std::optional<Intent> read_control(std::string_view text, bool any_text_answers, bool asked_yes_no) {
  Intent intent = read_intent(text);
  if (!asked_yes_no && (intent == Intent::No || intent == Intent::Unclear)) {
    const auto command = command_of(items_of(trim(text.substr(0, 4096))), text.find('?') != std::string_view::npos);
    if (command && command->intent == Intent::Stop) intent = Intent::Stop;
  }
  if (intent != Intent::Back && intent != Intent::Restart && intent != Intent::Stop && intent != Intent::Operator)
    return std::nullopt;
  if (!any_text_answers) return intent;
  const std::vector<Item> items = items_of(trim(text.substr(0, 4096)));
  const auto command = command_of(items, false);
  std::size_t words = 0;
  bool doubtful = false;
  for (const Item& item : items) {
    if (!item.is_word || one_of(item.text, kPolite)) continue;
    if (command && std::find(command->words.begin(), command->words.end(), item.text) == command->words.end()) continue;
    ++words;
    doubtful = one_of(item.text, kAlsoAnswers);
  }
  return words == 1 && doubtful ? std::nullopt : std::optional(intent);
}

std::optional<bool> read_yes_no(std::string_view text) {
  switch (read_intent(text)) {
    case Intent::Yes:
      return true;
    case Intent::No:
      return false;
    default:
      return std::nullopt;
  }
}

}  // namespace sufler
