#pragma once
#include <string_view>

#include "interpreter/core/text.h"

namespace sufler {

/// What reports say of themselves.
struct ReportWords {
  std::string_view report, talks, rows;
  std::string_view n_talks, n_client, n_bot, n_staff, n_new, n_with_staff, n_tickets, n_rows, n_added;
  std::string_view by_hour, by_day, by_month, rows_by_hour, rows_by_day, rows_by_month;
  std::string_view nobody, no_rows;
  std::string_view zone, then, made;
  std::string_view client, number, created, date, time, platform, who, text;
  std::string_view cut_talks, cut_rows;  ///< `{0}` of `{1}`
  std::string_view in_file;              ///< behind it: they are in the file `{0}`
  std::string_view no_file;              ///< instead, where the file `{0}` does not go along
  std::string_view cut_talk;             ///< one is too long for a letter; the file is `{0}`
  std::string_view long_talk;            ///< one is too long for a file
  std::string_view full;                 ///< `{0}` of `{1}` found room
  std::string_view all_time, unknown;
};

inline constexpr ReportWords kRussianReport = {
    "Отчёт", "Разговоры", "Строки",
    "Разговоров", "Сообщений от людей", "Сообщений бота", "Сообщений сотрудников", "Новых людей", "Разговоров с сотрудником",
    "Обращений к операторам", "Строк", "Новых строк в таблице {0}",
    "Сообщения людей по часам", "Сообщения людей по дням", "Сообщения людей по месяцам", "Строки по часам", "Строки по дням",
    "Строки по месяцам",
    "За это время никто не писал.", "За это время строк нет.",
    "Часовой пояс", "потом", "составлено",
    "Клиент", "№", "Создано", "Дата", "Время", "Площадка", "Кто", "Что",
    "Здесь первые разговоры: {0} из {1}.", "Здесь первые строки: {0} из {1}.", "Все они в приложенном файле {0}.",
    "Файл {0}, где они все, к письму не приложен: он слишком велик или больше не хранится. Возьмите период короче.",
    "… разговор слишком длинный для письма, целиком он в файле {0}", "… разговор слишком длинный, здесь его начало",
    "В файл поместилось {0} из {1}. Возьмите период короче.",
    "за всё время", "без имени"};
inline constexpr ReportWords kEnglishReport = {
    "Report", "Talks", "Rows",
    "Talks", "Messages from people", "Messages from the bot", "Messages from staff", "New people", "Talks with staff",
    "Requests to agents", "Rows", "New rows of the table {0}",
    "Messages from people by hour", "Messages from people by day", "Messages from people by month", "Rows by hour", "Rows by day",
    "Rows by month",
    "Nobody wrote in this time.", "There are no rows in this time.",
    "Time zone", "then", "made",
    "Client", "No.", "Created", "Date", "Time", "Platform", "Who", "What",
    "The first talks are here: {0} of {1}.", "The first rows are here: {0} of {1}.", "All of them are in the attached file {0}.",
    "The file {0}, which has all of them, is not attached: it is too large, or not kept any more. Take a shorter time.",
    "… this talk is too long for a letter, the whole of it is in the file {0}", "… this talk is too long, its beginning is here",
    "{0} of {1} found room in this file. Take a shorter time.",
    "of all time", "no name"};

inline const ReportWords& report_words(Language language) {
  return language == Language::Russian ? kRussianReport : kEnglishReport;
}

}  // namespace sufler
