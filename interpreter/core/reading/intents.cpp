#include "interpreter/core/reading/intents.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "interpreter/core/reading/words.h"
#include "interpreter/core/text.h"

// The order of russian.md 3.1. Control words come first and must fill the message (with helpers
// such as `пожалуйста`): inside a sentence they are no command. Then the message is cut into the
// longest known phrases, each marked yes, no, hesitation …, and rules over these marks decide. A
// yes needs to be certain; whatever is not ends as Unclear or Other.
namespace sufler {
namespace {

using reading::one_of;
using reading::sound_of;
using reading::Token;
using reading::WordList;

enum class Mark : std::uint8_t {
  Yes,
  No,
  Hesitant,
  Unclear,
  Filler,
  Condition,
  If,  // a condition that no manner makes harmless: `если недолго`
  Manner,
  Other,
  Comma,
  Question,
  Stop,
  Later,        // a postponement: no, unless a yes stands beside it
  NotAnAnswer,  // a phrase that makes the whole message no answer
};

struct Phrases {
  Mark mark;
  std::string_view list;  // normalised, `;` between phrases, `*` for any ending
};

constexpr std::array kPhrases = {
    Phrases{
        Mark::Yes,
        "да;дада;дадада;да да;ага;агась;угу;угумс;угум;так точно;точно;точняк;верно;все "
        "верно;правильно;все правильно;"
        "все так;именно;именно так;так и есть;есть;есть "
        "такое;ок;окей;оки;окс;окк;океюшки;окейно;okay;ok;k;хорошо;"
        "хорошее "
        "дело;норм;нормас;нормально;нормуль;лады;ладненько;добро;идет;пойдет;годится;сойдет;"
        "подойдет;подходит;"
        "подходят;устраивает;устроит;меня устраивает;меня все устраивает;все устраивает;мне "
        "подходит;все подходит;"
        "конечно;конечно "
        "да;канеш;конеш;конешн;разумеется;естественно;безусловно;несомненно;обязательно;непременно;"
        "само собой;само собой разумеется;еще бы;а то;а как же;давай;давайте;давай "
        "давай;го;гоу;погнали;поехали;вперед;"
        "валяй;валяйте;делай;делайте;действуй;действуйте;можно;хочу;хотим;хотел бы;хотела "
        "бы;хотели бы;хотелось бы;буду;"
        "будем;буду рад;буду рада;согласен;согласна;согласны;согласно;согласовано;я за;за;всеми "
        "руками за;"
        "двумя руками за;только за;не против;ничего против;не возражаю;не возражаем;нет "
        "возражений;без возражений;"
        "нет замечаний;без замечаний;замечаний нет;возражений нет;нет проблем;не проблема;не "
        "вопрос;легко;запросто;без проблем;проблем нет;без вопросов;"
        "вопросов нет;нет вопросов;ничего не имею против;почему бы нет;почему бы и нет;почему "
        "нет;почему и нет;"
        "отчего же нет;отчего бы нет;отчего бы и нет;чего бы нет;не откажусь;не откажемся;с "
        "удовольствием;с большим удовольствием;с радостью;"
        "подтверждаю;подтверждаем;подтвердить;подтверждено;одобряю;одобрено;утверждаю;утверждено;"
        "принято;принимаю;"
        "принимается;договорились;заметано;записывайте;запишите;запиши;записывай;запишите "
        "меня;оформляйте;оформляй;"
        "оформить;оформите;плюс;плюсую;плюсик;плюсуюсь;поддерживаю;разрешаю;даю согласие;даю "
        "добро;жду;ждем;беру;"
        "берем;готов;готова;готовы;я готов;я готова;интересно;интересует;нужно;надо;было бы хорошо;"
        "было бы неплохо;было бы "
        "здорово;отлично;супер;класс;прекрасно;замечательно;превосходно;здорово;идеально;"
        "это я;он самый;она самая;так;давайте попробуем;давай попробуем;попробуем;давайте "
        "так;можете;"
        "да хочу;д;yes;yep;yeah;yup;ye;yea;ya;y;sure;sure thing;of "
        "course;absolutely;definitely;certainly;correct;right;"
        "that's right;that is right;exactly;confirm;confirmed;i confirm;agree;agreed;i agree;go;go "
        "ahead;why not;"
        "sounds good;sounds great;fine;fine by me;that's fine;great;perfect;please do;yes please;i "
        "do;i would;i'd like to;"
        "i'd love to;no problem;no problems;no objections;not a problem;let's do it;let's go;do "
        "it;deal;indeed;affirmative;"
        "with pleasure;da;si;yess;oui;ja;"
        "конешно;конешна;канешна;канешно;канечно;канечна;кнешно;кнчн;конечн;кончено "
        "да;харашо;хорашо;хршо;хрш;хор;падтверждаю;"
        "потверждаю;согласн;дв;дп;даа;ладушки"},
    Phrases{
        Mark::No,
        "нет;нету;не;неа;не а;не не;нее;нетушки;нит;ннет;нетт;неет;нет нет;не не хочу;не не надо;не не буду;ни за "
        "что;никогда;никогда в жизни;да ну нафиг;никак;никак нет;"
        "ни в коем случае;ни в какую;ни разу;ни под каким предлогом;отнюдь;отнюдь нет;вовсе "
        "нет;совсем нет;точно нет;"
        "конечно нет;конечно же нет;нет конечно;разумеется нет;нет разумеется;естественно "
        "нет;однозначно нет;"
        "категорически нет;уж нет;да нет же;да ну нет;ну нет;ну уж нет;нет спасибо;спасибо нет;не "
        "спасибо;спасибо не надо;"
        "спасибо не нужно;не надо спасибо;не надо;не нада;ненадо;не нужно;не нужен;не нужна;не "
        "нужны;ненужно;не хочу;"
        "не хотим;не хотел бы;не хотела бы;не хотелось бы;не хочется;не буду;не будем;не могу;не "
        "можем;не смогу;"
        "не получится;не выйдет;не стоит;не подходит;не подойдет;не пойдет;не годится;не "
        "устраивает;"
        "меня не устраивает;не устроит;не интересует;меня не интересует;не "
        "интересно;неинтересно;не готов;не готова;"
        "не готовы;не согласен;не согласна;не согласны;несогласен;несогласна;несогласны;против;я "
        "против;возражаю;"
        "отказываюсь;отказываемся;отказ;отказываю;откажусь;откажемся;воздержусь;воздержимся;"
        "обойдусь;обойдемся;"
        "перебьюсь;не сейчас;не сегодня;пока нет;пока не надо;пока не нужно;пока что нет;еще нет;"
        "не в этот раз;"
        "неверно;не верно;неправильно;не правильно;не так;все не так;это не так;ошибка;не то;это "
        "не то;не это;не тот;"
        "не та;это не я;к сожалению нет;к сожалению не могу;нет к сожалению;увы;увы нет;боюсь что "
        "нет;боюсь нет;"
        "скорее нет;скорее нет чем да;пожалуй нет;нет пожалуй;думаю нет;думаю что нет;еще чего;еще "
        "чего не хватало;вот еще;"
        "нафиг;нафиг надо;на фиг;фиг;фиг вам;фигушки;хрен;хрен "
        "вам;дудки;шиш;минус;минусую;запрещаю;не разрешаю;"
        "не даю согласия;не подтверждаю;не принимаю;не одобряю;не беру;не оформляйте;не "
        "записывайте;ни фига;нифига;"
        "больше не надо;больше не нужно;не хочу больше;не планирую;не собираюсь;не особо;не "
        "очень;не очень хочется;"
        "не желаю;не требуется;не актуально;неактуально;не судьба;мимо;нельзя;н;ни;"
        "no;nope;nah;nay;no no;no way;never;not now;not today;not yet;no thanks;no thank you;no "
        "thx;thanks no;thank you no;"
        "thanks but no;don't;do not;i don't;i don't want;i do not want;don't want;not "
        "interested;not really;negative;"
        "incorrect;wrong;disagree;i disagree;i refuse;not at all;absolutely not;definitely not;of "
        "course not;certainly not;"
        "not this time;i'm good;net;n"},
    Phrases{Mark::Hesitant,
            "наверное;наверно;навеное;наверняка;может;может быть;мб;возможно;вероятно;вроде;вроде "
            "бы;вроде как;кажется;"
            "скорее;скорее всего;думаю;думаю что;типа;походу;похоже;как "
            "бы;maybe;perhaps;probably;possibly;i guess;i think;"
            "i think so;i suppose;kind of;sort of;likely;ладно;ну ладно;да ладно;окей ладно"},
    Phrases{Mark::Unclear,
            "хорошо бы;неплохо бы;не знаю;я не знаю;незнаю;хз;без понятия;понятия не имею;фиг "
            "знает;кто знает;черт знает;посмотрим;поглядим;подумаю;"
            "подумаем;подумать;надо подумать;нужно подумать;я подумаю;дайте подумать;пока думаю;не "
            "уверен;не уверена;"
            "не уверены;неуверен;сомневаюсь;затрудняюсь;затрудняюсь ответить;не решил;не "
            "решила;еще не решил;еще не решила;"
            "зависит;зависит от*;смотря*;как получится;как скажете;как скажешь;как хотите;как "
            "хочешь;делай что хочешь;"
            "делайте что хотите;что хочешь;решайте сами;решай сам;сами решайте;все "
            "равно;всеравно;мне все равно;без разницы;"
            "мне без разницы;пофиг;по барабану;не важно;неважно;и да и нет;ни да ни нет;50 на "
            "50;пятьдесят на пятьдесят;"
            "фифти фифти;то да то нет;да или нет;да нет;скорее да чем нет;хм;хмм;гм;э;эм;мм;м;ну "
            "и;ну и что;что;чо;"
            "че;чего;кто;в смысле;в каком смысле;не понял;не поняла;не понимаю;непонятно;не "
            "понятно;зачем;почему;отчего;когда;"
            "сколько;ну да ну да;ага щас;ага щаз;щаз;ага сейчас;щас;ага конечно бегу;да конечно бегу;ага "
            "бегу;конечно бегу;да уж;да ну;"
            "ну ну;ага разбежался;да щас;ага как же;как же;да что вы;да ты что;нет слов;нет "
            "времени*;слов нет;времени нет;"
            "if;not sure;i'm not sure;i am not sure;i don't know;i do not know;don't "
            "know;dunno;idk;no idea;hmm;hm;whatever;"
            "it depends;depends;let me think;i'll think;thinking;what;why;either;both;"
            "doesn't matter;don't care;i don't care;up to you;yeah right;as you "
            "wish;погоди;погодите;подожди;"
            "подождите;секунду;минутку;минуту;wait"},
    Phrases{Mark::Filler,
            "ну;же;вот;уж;это;пожалуйста;плиз;пж;пжлст;пжл;please;pls;then;well;oh;тогда;вполне;"
            "очень;и;а;все;все же;я;"
            "мне;меня;мы;нам;нас;вам;вас;вы;ты;тебе;бы;еще;еще раз;раз;ничего;пожалуй;спасибо "
            "большое;большое спасибо;"
            "thanks a "
            "lot;друзья;уже;сам;сама;совершенно;полностью;абсолютно;целиком;so;quite;very;just;ой;"
            "эй;всегда;"
            "с условиями;с правилами;с договором;с офертой;с политикой;с политикой "
            "конфиденциальности;на обработку;"
            "на обработку данных;на обработку персональных данных;на обработку моих данных;"
            "бот;чатик;о;ой;ах;эх;понятно;понял;поняла;поняли;ясно;спасибо;спс;благодарю;спасибо "
            "вам;привет;здравствуйте;"
            "здрасте;добрый день;добрый вечер;доброе утро;thanks;thank you;thx;hi;hello;hey;i "
            "see;got it"},
    Phrases{Mark::Later,
            "потом;может потом;давай потом;давайте потом;как нибудь потом;попозже;позже;позднее;в "
            "другой раз;в следующий раз;"
            "maybe later;later;another time"},
    Phrases{Mark::Stop,
            "стоп;отмена;отмени;отмените;отменить;хватит;довольно;прекрати;прекратите;перестань;"
            "перестаньте;stop;cancel"},
    Phrases{Mark::Condition,
            "но;только;кроме;после;пока не;однако;смотря;при этом;вот "
            "только;лишь;зато;хотя;"
            "but;only;except;however"},
    Phrases{Mark::If, "если;при условии;если что;лишь бы;unless;only if"},
    Phrases{Mark::Manner,
            "аккуратно;аккуратнее;поаккуратнее;быстро;быстрее;побыстрее;поскорее;осторожно;"
            "осторожнее;поосторожнее;недолго;"
            "ненадолго;тихо;внимательно;внимательнее;срочно;сразу;carefully;quickly;fast;gently"},
    Phrases{Mark::NotAnAnswer,
            "не могли бы*;не могли*;не подскажете*;не подскажите*;нет ли*;есть ли*;можно ли*;можно "
            "узнать*;можно мне*;хорошо бы*;"
            "нет у вас*;у вас нет*;точно такой*;точно так*;точно такая*;да вот*;хочу узнать*;хочу "
            "спросить*;хотел спросить*;"
            "хотела спросить*;хотел узнать*;хотел бы узнать*;хотела бы узнать*;хотелось бы "
            "узнать*;can you*;could you*;is it*;"
            "do you*;дай*;есть у вас*;надо ли*;нужно ли*"},
};

struct Phrase {
  std::vector<std::string_view> words;
  Mark mark;
  bool open_end;  // further words may follow
};

/// All phrases, the longer before the shorter, found by their first word.
const std::vector<Phrase>& phrases() {
  static const std::vector<Phrase> all = [] {
    std::vector<Phrase> list;
    for (const Phrases& group : kPhrases) {
      std::string_view rest = group.list;
      while (!rest.empty()) {
        std::string_view text = rest.substr(0, rest.find(';'));
        rest.remove_prefix(std::min(text.size() + 1, rest.size()));
        Phrase phrase;
        phrase.mark = group.mark;
        phrase.open_end = !text.empty() && text.back() == '*';
        if (phrase.open_end) text.remove_suffix(1);
        while (!text.empty()) {
          const std::size_t space = std::min(text.find(' '), text.size());
          phrase.words.push_back(text.substr(0, space));
          text.remove_prefix(std::min(space + 1, text.size()));
        }
        phrase.words.shrink_to_fit();
        list.push_back(std::move(phrase));
      }
    }
    std::stable_sort(list.begin(), list.end(), [](const Phrase& a, const Phrase& b) {
      if (a.words[0] != b.words[0]) return a.words[0] < b.words[0];
      return a.words.size() > b.words.size();
    });
    list.shrink_to_fit();
    return list;
  }();
  return all;
}

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
     "стоп стопэ отмена отмени отмените отменить отменяй отменяйте отменяю хватит довольно "
     "прекрати прекратите прекратить "
     "перестань перестаньте остановись остановитесь остановить прервать прервите закончить "
     "закончим закончи закончите "
     "завершить завершим заверши завершите конец выход выйти выйди передумал передумала передумали "
     "отстань отстаньте отвали "
     "отвалите отвяжись stop cancel quit exit abort отписка отписаться отпишись отпишите отпиши "
     "отпишитесь unsubscribe bye "
     "goodbye прощай прощайте",
     "не пиши;не пишите;не писать;не надо мне писать;не присылайте;не присылай;не беспокойте;не "
     "звоните;прекратите рассылку;"
     "прекрати рассылку;удалите мой номер;удалите меня;удалите мои данные;удали меня;удали мои "
     "данные;до свидания;"
     "до встречи;всего доброго;never mind;opt out",
     "больше никогда мой мои номер данные рассылку рассылки от из базы заказ заказа разговор "
     "диалог общение чат анкету опрос "
     "оформление запись операцию действие мою эту этот на этом со с писать отвечать спрашивать все "
     "it this that the my order me"},
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
     "перейти сделай сделать ошибся ошиблась go to the step question one previous"},
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
    "позови позовите позвать соедини соедините соединить переведи переведите перевести переключи "
    "переключите переключить дай "
    "дайте свяжи свяжите связать связаться пригласи пригласите пригласить передай передайте нужен "
    "нужна нужно нужны хочу хотел "
    "хотела хотелось можно пусть ответит ответят позвонит перезвонит свяжется ответьте ответь отзовись свяжитесь перезвони "
    "перезвоните перезвонить позвони позвоните жду вызови вызовите "
    "вызвать подключи подключите подключить требую прошу call connect transfer get want need talk "
    "speak";

/// Requests that a person is the object of, wherever they stand.
constexpr WordList kCalls =
    "позови позовите соедини соедините переведи переведите переключи переключите свяжи свяжите пригласи пригласите "
    "вызови вызовите";

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

bool has_phrase(const std::vector<std::string>& words, std::string_view list,
                std::vector<bool>& used) {
  bool found = false;
  while (!list.empty()) {
    std::string_view phrase = list.substr(0, list.find(';'));
    list.remove_prefix(std::min(phrase.size() + 1, list.size()));
    std::vector<std::string_view> parts;
    while (!phrase.empty()) {
      const std::size_t space = std::min(phrase.find(' '), phrase.size());
      parts.push_back(phrase.substr(0, space));
      phrase.remove_prefix(std::min(space + 1, phrase.size()));
    }
    for (std::size_t i = 0; i + parts.size() <= words.size(); ++i) {
      if (!std::equal(parts.begin(), parts.end(), words.begin() + static_cast<std::ptrdiff_t>(i)))
        continue;
      for (std::size_t j = 0; j < parts.size(); ++j) used[i + j] = true;
      found = true;
    }
  }
  return found;
}

/// A word as it stands in a vocabulary, or as it sounds.
bool known_word(const std::string& word, const WordList& known, bool by_ear) {
  if (one_of(word, known)) return true;
  if (!by_ear || count_code_points(word) < 5) return false;
  const std::string sound = sound_of(word);
  const std::size_t length = count_code_points(word);
  std::string_view list = known.text();
  while (!list.empty()) {
    const std::string_view candidate = list.substr(0, list.find(' '));
    list.remove_prefix(std::min(candidate.size() + 1, list.size()));
    if (count_code_points(candidate) < 5) continue;
    if (sound_of(candidate) == sound) return true;
    // one slip of the finger in a long word that begins alike
    if (length >= 7 && candidate.substr(0, 2) == word.substr(0, 2) &&
        edit_distance(word, candidate, 1) <= 1)
      return true;
  }
  return false;
}

std::optional<Intent> control_intent(const std::vector<std::string>& words, bool question) {
  if (words.empty() || words.size() > 8) return std::nullopt;
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
    if (all_known && ((person && (request || !bare_other_person || one_of(words[0], "с со к на") ||
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

std::vector<Mark> marks_of(const std::vector<Item>& items) {
  std::vector<Mark> marks;
  const std::vector<Phrase>& all = phrases();
  for (std::size_t i = 0; i < items.size();) {
    if (!items[i].is_word) {
      if (const auto mark = mark_of_sign(items[i].text)) marks.push_back(*mark);
      ++i;
      continue;
    }
    auto phrase = std::lower_bound(
        all.begin(), all.end(), items[i].text,
        [](const Phrase& known, const std::string& word) { return known.words[0] < word; });
    std::size_t taken = 0;
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
      if (phrase->open_end) {
        // Only with something behind it: `дай` alone is no question.
        std::size_t behind = at;
        while (behind < items.size() && !items[behind].is_word) ++behind;
        if (phrase->mark == Mark::NotAnAnswer && (behind == items.size() || i != 0)) continue;
      }
      marks.push_back(phrase->mark);
      taken = at - i;
      break;
    }
    if (taken == 0) {
      // By ear, for the words that people misspell most.
      Mark mark = Mark::Other;
      if (count_code_points(items[i].text) >= 6) {
        const std::string sound = sound_of(items[i].text);
        for (const std::string_view word :
             {"хорошо", "конечно", "согласен", "согласна", "подтверждаю", "нормально",
              "обязательно", "разумеется", "естественно", "договорились", "устраивает",
              "подходит"}) {
          if (sound == sound_of(word)) mark = Mark::Yes;
        }
      }
      marks.push_back(mark);
      taken = 1;
    }
    i += taken;
  }
  return marks;
}

bool has(const std::vector<Mark>& marks, Mark mark) {
  return std::find(marks.begin(), marks.end(), mark) != marks.end();
}

Intent decide(std::vector<Mark> marks, std::size_t words, bool refusal = false) {
  const bool conditional = has(marks, Mark::If);
  std::replace(marks.begin(), marks.end(), Mark::If, Mark::Condition);
  const bool postponed = has(marks, Mark::Yes);
  std::replace(marks.begin(), marks.end(), Mark::Later, postponed ? Mark::Hesitant : Mark::No);
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
    if (only_no) return Intent::No;
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
  if (first == Mark::Yes && comma_follows && !question && words <= 6) return Intent::Yes;
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

  std::vector<Mark> marks = marks_of(items);
  const bool no_said = has(marks, Mark::No);
  if (const auto control = control_intent(words, question)) {
    // `хватит, не надо` is a refusal of what was offered.
    const bool unsubscribe =
        (words.size() > 1 && words[1] == "пиши") ||
        std::any_of(words.begin(), words.end(), [](const std::string& word) {
          return one_of(word, "пиши пишите писать присылайте присылай рассылку беспокойте звоните");
        });
    if (*control == Intent::Stop && no_said && !unsubscribe) return Intent::No;
    return *control;
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

std::optional<Intent> read_control(std::string_view text, bool any_text_answers) {
  const Intent intent = read_intent(text);
  if (intent != Intent::Back && intent != Intent::Restart && intent != Intent::Stop && intent != Intent::Operator)
    return std::nullopt;
  if (!any_text_answers) return intent;
  std::size_t words = 0;
  bool doubtful = false;
  for (const Item& item : items_of(trim(text.substr(0, 4096)))) {
    if (!item.is_word || one_of(item.text, kPolite)) continue;
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
