#include "interpreter/core/questions/kinds.h"

namespace sufler {
namespace {

constexpr QuestionKind kText{read_text, nullptr, nullptr, true};
constexpr QuestionKind kName{read_name_answer, nullptr, nullptr, true};
constexpr QuestionKind kNumber{read_number_answer};
constexpr QuestionKind kMoney{.read = read_money_answer, .shown = show_money};
constexpr QuestionKind kPhone{.read = read_phone_answer, .shown = show_phone};
constexpr QuestionKind kEmail{read_email_answer};
constexpr QuestionKind kUrl{read_url_answer};
constexpr QuestionKind kDate{read_date_answer};
constexpr QuestionKind kTime{read_time_answer};
constexpr QuestionKind kDateTime{read_datetime_answer};
constexpr QuestionKind kYesNo{read_yes_no_answer, yes_no_buttons};
constexpr QuestionKind kChoice{read_choice};
constexpr QuestionKind kChoices{read_choice, done_button, collect_choices};
constexpr QuestionKind kRating{read_rating};
constexpr QuestionKind kLocation{read_location, location_button};
constexpr QuestionKind kContact{read_contact, contact_button};
constexpr QuestionKind kPhoto{read_photo};
constexpr QuestionKind kFile{read_file};
constexpr QuestionKind kFiles{read_file, done_button, collect_files};
constexpr QuestionKind kAny{read_any, nullptr, nullptr, true};

}  // namespace

const QuestionKind& kind_of_type(QuestionType type) {
  switch (type) {
    case QuestionType::Text: return kText;
    case QuestionType::Name: return kName;
    case QuestionType::Number: return kNumber;
    case QuestionType::Money: return kMoney;
    case QuestionType::Phone: return kPhone;
    case QuestionType::Email: return kEmail;
    case QuestionType::Url: return kUrl;
    case QuestionType::Date: return kDate;
    case QuestionType::Time: return kTime;
    case QuestionType::DateTime: return kDateTime;
    case QuestionType::YesNo: return kYesNo;
    case QuestionType::Choice: return kChoice;
    case QuestionType::Choices: return kChoices;
    case QuestionType::Rating: return kRating;
    case QuestionType::Location: return kLocation;
    case QuestionType::Contact: return kContact;
    case QuestionType::Photo: return kPhoto;
    case QuestionType::File: return kFile;
    case QuestionType::Files: return kFiles;
    case QuestionType::Any: return kAny;
  }
  return kText;
}

}  // namespace sufler
