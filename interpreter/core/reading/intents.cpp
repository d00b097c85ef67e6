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
  Easy,    // a yes that irony likes: `ага, мечтай`
  Surely,  // such a yes, and no yes at all before a no: `конечно, нет`
  YesByNo, // a yes in the words of a no: `не против`
  No,
  NoNow,   // a no that limits a yes beside it: `да, но не сейчас`
  Hesitant,
  Unclear,
  Filler,
  Condition,
  If,  // a condition that no manner makes harmless: `если недолго`
  Manner,
  Other,
  Doubt,  // an Other that takes the certainty from a yes: `да, верните деньги`
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
    Phrases{Mark::Yes,
            "да;дада;дадада;ес;сделайте;сделай;да да;так точно;верно;все верно;правильно;все правильно;все так;именно;именно так;"
            "так и есть;есть;есть такое;ок;окей;оки;окс;окк;океюшки;окейно;okay;ok;k;хорошо;хорошее дело;норм;нормас;"
            "нормально;нормуль;лады;ладненько;добро;идет;пойдет;годится;сойдет;подойдет;подходит;подходят;устраивает;"
            "устроит;меня устраивает;меня все устраивает;все устраивает;мне подходит;все подходит;конечно да;давай;"
            "давайте;давай давай;го;гоу;погнали;поехали;вперед;валяй;валяйте;делай;делайте;действуй;действуйте;можно;"
            "хочу;хотим;хотел бы;хотела бы;хотели бы;хотелось бы;буду;будем;буду рад;буду рада;согласен;согласна;"
            "согласны;согласно;согласовано;я за;за;всеми руками за;двумя руками за;только за;легко;запросто;"
            "почему бы нет;почему бы и нет;почему нет;почему и нет;отчего же нет;отчего бы нет;отчего бы и нет;"
            "чего бы нет;с удовольствием;с большим удовольствием;с радостью;подтверждаю;подтверждаем;подтвердить;"
            "подтверждено;одобряю;одобрено;утверждаю;утверждено;принято;принимаю;принимается;договорились;заметано;"
            "записывайте;запишите;запиши;записывай;запишите меня;оформляйте;оформляй;оформить;оформите;плюс;плюсую;"
            "плюсик;плюсуюсь;поддерживаю;разрешаю;даю согласие;даю добро;жду;ждем;беру;берем;готов;готова;готовы;"
            "я готов;я готова;интересно;интересует;нужно;надо;было бы хорошо;было бы неплохо;было бы здорово;отлично;"
            "супер;класс;прекрасно;замечательно;превосходно;здорово;идеально;это я;он самый;она самая;так;"
            "давайте попробуем;давай попробуем;попробуем;давайте так;можете;да хочу;д;yes;yep;yeah;yup;ye;yea;ya;y;"
            "sure;sure thing;of course;absolutely;definitely;certainly;correct;right;that's right;that is right;"
            "exactly;confirm;confirmed;i confirm;agree;agreed;i agree;go;go ahead;why not;sounds good;sounds great;"
            "fine;fine by me;that's fine;great;perfect;please do;yes please;i do;i would;i'd like to;i'd love to;"
            "let's do it;let's go;do it;deal;indeed;affirmative;with pleasure;da;si;yess;oui;ja;кончено да;харашо;"
            "хорашо;хршо;хрш;хор;падтверждаю;потверждаю;согласн;дв;дп;даа;ладушки;йес;йеп;йеп йеп;оке;окэй;о'кей;"
            "о'кэй;согл;отчего и нет;оформляем;оформим;записываем;запишем;делаем;заказываем;бронируем;бронируйте;"
            "i'm in;count me in;why wouldn't i;да прямо сейчас;"
            "пусть будет так;пусть будет;пусть так;с чего бы нет;с чего бы и нет;почему же нет;чего же нет;нужна;нужен;нужны;обеими руками за;я обеими руками за"},
    Phrases{Mark::Easy,
            "ага;агась;угу;угумс;угум;еще бы;а то;а как же;обязательно;непременно;само собой;само собой разумеется"},
    Phrases{Mark::Surely,
            "конечно;разумеется;естественно;безусловно;несомненно;точно;точняк;канеш;конеш;конешн;конешно;конешна;"
            "канешна;канешно;канечно;канечна;кнешно;кнчн;конечн;канешн;ессно;есесно;однозначно;определенно;бесспорно;"
            "стопудово;сто пудов;сто процентов;100%;на все 100%;на 100%;на сто процентов"},
    Phrases{Mark::YesByNo,
            "не сомневайтесь;не сомневайся;можете не сомневаться;никаких возражений;нет никаких возражений;никаких проблем;нет никаких проблем;без всяких возражений;без всяких проблем;"
            "никаких претензий;нет претензий;претензий нет;вопросов не имею;не прочь;не отказался бы;не отказалась бы;"
            "не помешает;не помешало бы;"
            "не против;ничего против;не возражаю;не возражаем;нет возражений;без возражений;нет замечаний;"
            "без замечаний;замечаний нет;возражений нет;нет проблем;без проблем;проблем нет;без вопросов;"
            "вопросов нет;нет вопросов;ничего не имею против;не проблема;не вопрос;не откажусь;не откажемся;"
            "no problem;no problems;no objections;not a problem;не имею ничего против;ничего против не имею;"
            "не имею против ничего;против ничего не имею;не имею возражений;возражений не имею;не буду возражать;"
            "не стану возражать;не буду против;не будем против;не будем возражать;не буду отказываться;"
            "не отказываюсь;не отказываемся;возражать не буду;отказываться не буду;не вижу проблем;"
            "не вижу препятствий;i don't mind;don't mind;wouldn't mind;i wouldn't mind;i do not mind;don't object;"
            "i don't object;no objection"},
    Phrases{Mark::No,
            "нет;нету;не;неа;ноу;ненене;нененене;не а;не не;нее;нетушки;нит;ннет;нетт;неет;нет нет;не не хочу;не не надо;не не буду;"
            "ни за что;никогда;никогда в жизни;да ну нафиг;никак;никак нет;ни в коем случае;ни в какую;ни разу;"
            "ни под каким предлогом;отнюдь;отнюдь нет;вовсе нет;совсем нет;точно нет;конечно нет;конечно же нет;"
            "нет конечно;разумеется нет;нет разумеется;естественно нет;однозначно нет;категорически нет;уж нет;"
            "да нет же;да ну нет;ну нет;ну уж нет;нет спасибо;спасибо нет;не спасибо;спасибо не надо;"
            "спасибо не нужно;не надо спасибо;не надо;не нада;ненадо;не делайте;не делай;не надо делать;не нужно;не нужен;не нужна;не нужны;ненужно;"
            "не хочу;не хотим;не хотел бы;не хотела бы;не хотелось бы;не хочется;не буду;не будем;не могу;не можем;"
            "не смогу;не получится;не выйдет;не стоит;не подходит;не подойдет;не пойдет;не годится;не устраивает;"
            "меня не устраивает;не устроит;не интересует;меня не интересует;не интересно;неинтересно;не готов;"
            "не готова;не готовы;не согласен;не согласна;не согласны;несогласен;несогласна;несогласны;против;"
            "я против;возражаю;отказываюсь;отказываемся;отказ;отказываю;откажусь;откажемся;воздержусь;воздержимся;"
            "обойдусь;обойдемся;перебьюсь;неверно;не верно;неправильно;не правильно;все не так;это не так;ошибка;"
            "это не то;не это;не тот;не та;это не я;к сожалению нет;к сожалению не могу;нет к сожалению;увы;увы нет;"
            "боюсь что нет;боюсь нет;скорее нет;скорее нет чем да;пожалуй нет;нет пожалуй;думаю нет;думаю что нет;"
            "еще чего;еще чего не хватало;вот еще;нафиг;нафиг надо;на фиг;фиг;фиг вам;фигушки;хрен;хрен вам;дудки;"
            "шиш;минус;минусую;запрещаю;не разрешаю;не даю согласия;не подтверждаю;не принимаю;не одобряю;не беру;"
            "не оформляйте;не записывайте;ни фига;нифига;больше не надо;больше не нужно;не хочу больше;не планирую;"
            "не собираюсь;не очень хочется;не желаю;не требуется;не актуально;неактуально;не судьба;мимо;нельзя;н;ни;"
            "no;nope;nah;nay;no no;no way;never;no thanks;no thank you;no thx;thanks no;thank you no;thanks but no;"
            "don't;do not;i don't;i don't want;i do not want;don't want;not interested;not really;negative;incorrect;"
            "wrong;disagree;i disagree;i refuse;not at all;absolutely not;definitely not;of course not;certainly not;"
            "i'm good;net;n;нехочу;небуду;немогу;нехочется;несмогу;нестоит;неготов;неготова;пас;я пас;"
            "ни за что на свете;ни за какие деньги;ни за какие коврижки;не даю согласие;не дам согласия;"
            "не дам согласие;без согласия;без моего согласия;тут ошибка;там ошибка;здесь ошибка;есть ошибка;есть ошибки;"
            "ошибка есть;ошибки есть;с ошибкой;с ошибками;ошибочка;не согл;i'd rather not;i would rather not;"
            "rather not;i'd prefer not;i'd prefer not to;prefer not to;better not;i'll pass;pass"},
    Phrases{Mark::NoNow,
            "не сейчас;не сегодня;пока нет;пока не надо;пока не нужно;пока что нет;еще нет;не в этот раз;не так;"
            "не очень;не особо;не то;пока не готов;пока не готова;пока не готовы;пока что не готов;пока что не готова;пока не хочу;not now;not today;not yet;not this time;не завтра;not tomorrow;not right now"},
    Phrases{Mark::Hesitant,
            "наверное;наверно;навеное;наверняка;может;может быть;мб;возможно;вероятно;вроде;вроде "
            "бы;вроде как;кажется;"
            "скорее;скорее всего;думаю;думаю что;типа;походу;похоже;как "
            "бы;maybe;perhaps;probably;possibly;i guess;i think;"
            "i think so;i suppose;kind of;sort of;likely;ладно;ну ладно;да ладно;окей ладно"},
    Phrases{Mark::Unclear,
            "в следующей жизни;в другой жизни;когда нибудь;когда нибудь потом;"
            "хорошо бы;неплохо бы;не знаю;я не знаю;незнаю;хз;без понятия;понятия не имею;фиг знает;кто знает;"
            "черт знает;посмотрим;поглядим;подумаю;подумаем;подумать;надо подумать;нужно подумать;я подумаю;"
            "дайте подумать;пока думаю;не уверен;не уверена;не уверены;неуверен;сомневаюсь;затрудняюсь;"
            "затрудняюсь ответить;не решил;не решила;еще не решил;еще не решила;зависит;зависит от*;смотря*;"
            "как получится;как скажете;как скажешь;как хотите;как хочешь;делай что хочешь;делайте что хотите;"
            "что хочешь;решайте сами;решай сам;сами решайте;все равно;всеравно;мне все равно;без разницы;"
            "мне без разницы;пофиг;по барабану;не важно;неважно;и да и нет;ни да ни нет;50 на 50;"
            "пятьдесят на пятьдесят;фифти фифти;то да то нет;да или нет;да нет;скорее да чем нет;хм;хмм;гм;э;эм;мм;м;"
            "ну и;ну и что;что;чо;че;чего;кто;в смысле;в каком смысле;не понял;не поняла;не понимаю;непонятно;"
            "не понятно;зачем;почему;отчего;когда;сколько;ну да ну да;ага щас;ага щаз;щаз;ага сейчас;щас;"
            "ага конечно бегу;да конечно бегу;ага бегу;конечно бегу;да уж;да ну;ну ну;ага разбежался;да щас;"
            "ага как же;как же;да что вы;да ты что;нет слов;нет времени*;слов нет;времени нет;if;not sure;"
            "i'm not sure;i am not sure;i don't know;i do not know;don't know;dunno;idk;no idea;hmm;hm;whatever;"
            "it depends;depends;let me think;i'll think;thinking;what;why;either;both;doesn't matter;don't care;"
            "i don't care;up to you;yeah right;as you wish;погоди;погодите;подожди;подождите;секунду;минутку;минуту;"
            "wait;не все;не всегда;не весь;не вся;не полностью;не совсем;не до конца;не целиком;ага прямо сейчас;"
            "ага прямо;ага прям сейчас;ага прям щас;да прям;прям щас;щас прям;прям сейчас;держи карман;"
            "держите карман;делать мне нечего;больше делать нечего;всю жизнь мечтал;всю жизнь мечтала;сплю и вижу;"
            "нашли дурака;нашел дурака;как только так сразу;когда рак на горе свистнет;после дождичка в четверг;"
            "нет ошибок;ошибок нет;ошибки нет;нет ошибки;без ошибок;без ошибки;not everything;not all;not completely;"
            "as if;dream on;in your dreams"},
    Phrases{Mark::Filler,
            "ну;совсем;вовсе;нисколько;ничуть;вообще;же;вот;уж;это;пожалуйста;плиз;пж;пжлст;пжл;please;pls;then;well;oh;тогда;вполне;очень;и;а;все;все же;"
            "я;мне;меня;мы;нам;нас;вам;вас;вы;ты;тебе;бы;еще;еще раз;раз;ничего;пожалуй;спасибо большое;"
            "большое спасибо;thanks a lot;друзья;уже;сам;сама;совершенно;полностью;абсолютно;целиком;so;quite;very;"
            "just;ой;эй;всегда;с условиями;с правилами;с договором;с офертой;с политикой;"
            "с политикой конфиденциальности;на обработку;на обработку данных;на обработку персональных данных;"
            "на обработку моих данных;бот;чатик;о;ой;ах;эх;понятно;понял;поняла;поняли;ясно;спасибо;спс;благодарю;"
            "спасибо вам;привет;здравствуйте;здрасте;добрый день;добрый вечер;доброе утро;thanks;thank you;thx;hi;"
            "hello;hey;i see;got it;прямо сейчас;сейчас же;прямо так;сразу же;категорически;решительно;наотрез;"
            "right now;right away;со всем;со всеми;я же сказал;я же сказала;же сказал;же сказала;сказал же;сказала же;я же говорил;я же говорила;"
            "говорю же;я же говорю"},
    Phrases{Mark::Later,
            "потом;может потом;давай потом;давайте потом;как нибудь потом;попозже;позже;позднее;в другой раз;"
            "в следующий раз;maybe later;later;another time;как нибудь в другой раз;как нибудь в следующий раз;"
            "как нибудь позже;some other time;another day"},
    Phrases{Mark::Stop,
            "стоп;отмена;отмени;отмените;отменить;хватит;довольно;прекрати;прекратите;перестань;"
            "перестаньте;stop;cancel"},
    Phrases{Mark::Condition,
            "но;только;кроме;после;пока не;однако;смотря;при этом;вот "
            "только;лишь;зато;хотя;"
            "but;only;except;however"},
    Phrases{Mark::If,
            "если;при условии;если что;лишь бы;unless;only if;при;с условием;с одним условием;в случае;в случае если;"
            "в том случае;в том случае если;как только;разве что;исключая;за исключением;вместо;за скидку;за полцены;"
            "при наличии;as long as;provided;providing;once;until;when;in case;subject to;instead;on condition;"
            "assuming"},
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
    const std::string sound = sound_of(word);
    for (const std::string_view known :
         {"хорошо", "конечно", "согласен", "согласна", "подтверждаю", "нормально", "обязательно", "разумеется", "естественно",
          "договорились", "устраивает", "подходит"}) {
      if (sound == sound_of(known)) return Mark::Yes;
    }
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
