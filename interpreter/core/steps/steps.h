#pragma once
#include <optional>

#include "interpreter/core/play.h"

/// The verbs (LANGUAGE 4). A verb is a line here and a file beside this one; `std::visit` in steps.cpp
/// does not compile while one is missing.
namespace sufler {

Flow play_step(Play& play, StepId id, const Step& step);

Flow play_verb(Play& play, StepId id, const Step& step, const Say& say);
Flow play_verb(Play& play, StepId id, const Step& step, const Choose& choose);
Flow play_verb(Play& play, StepId id, const Step& step, const Ask& ask);
Flow play_verb(Play& play, StepId id, const Step& step, const If& condition);
Flow play_verb(Play& play, StepId id, const Step& step, const Match& match);
Flow play_verb(Play& play, StepId id, const Step& step, const For& loop);
Flow play_verb(Play& play, StepId id, const Step& step, const Set& set);
Flow play_verb(Play& play, StepId id, const Step& step, const Go& go);
Flow play_verb(Play& play, StepId id, const Step& step, const Call& call);
Flow play_verb(Play& play, StepId id, const Step& step, const Return& result);
Flow play_verb(Play& play, StepId id, const Step& step, const Back& back);
Flow play_verb(Play& play, StepId id, const Step& step, const Restart& restart);
Flow play_verb(Play& play, StepId id, const Step& step, const End& end);
Flow play_verb(Play& play, StepId id, const Step& step, const Wait& wait);
Flow play_verb(Play& play, StepId id, const Step& step, const ScheduleStep& schedule);
Flow play_verb(Play& play, StepId id, const Step& step, const CancelStep& cancel);
Flow play_verb(Play& play, StepId id, const Step& step, const BroadcastStep& broadcast);
Flow play_verb(Play& play, StepId id, const Step& step, const Save& save);
Flow play_verb(Play& play, StepId id, const Step& step, const Find& find);
Flow play_verb(Play& play, StepId id, const Step& step, const Count& count);
Flow play_verb(Play& play, StepId id, const Step& step, const Update& update);
Flow play_verb(Play& play, StepId id, const Step& step, const Delete& removal);
Flow play_verb(Play& play, StepId id, const Step& step, const Notify& notify);
Flow play_verb(Play& play, StepId id, const Step& step, const HandoffStep& handoff);
Flow play_verb(Play& play, StepId id, const Step& step, const Run& run);
Flow play_verb(Play& play, StepId id, const Step& step, const Mail& mail);
Flow play_verb(Play& play, StepId id, const Step& step, const HttpStep& http);
Flow play_verb(Play& play, StepId id, const Step& step, const CrmStep& crm);
Flow play_verb(Play& play, StepId id, const Step& step, const ReportStep& report);
Flow play_verb(Play& play, StepId id, const Step& step, const AssistantStep& assistant);
Flow play_verb(Play& play, StepId id, const Step& step, const Log& log);
Flow play_verb(Play& play, StepId id, const Step& step, const Track& track);

/// A moment, a day (its beginning), a time of today, or either as text. Null gives none. False after a fault. `passed`:
/// what day a time means that has passed today.
enum class PassedTime : std::uint8_t { Today, Tomorrow };
bool moment_of(Play& play, const Expression& expression, std::optional<Moment>& due, PassedTime passed = PassedTime::Today);
/// A length of time, also as text; null gives none. False after a fault.
bool duration_of(Play& play, const Expression& expression, std::optional<Duration>& duration);

// ---- choose

Flow show_choice(Play& play, Waiting waiting, const RichText* was);
/// A pressed option, or `play.heard` when there is none.
Flow hear_choice(Play& play, std::optional<std::size_t> position);

// ---- tables: the turn stops at `asks` and goes on here

void resume_table(Play& play, const TableAnswer& answer);

// ---- jobs: the dialog rests until the result comes, and goes on here. `error` is empty when there is one

Flow take_result(Play& play, const Waiting& waiting, const Run& run, const Value& result, const std::string& error);
Flow take_result(Play& play, const Waiting& waiting, const Mail& mail, const Value& result, const std::string& error);
Flow take_result(Play& play, const Waiting& waiting, const HttpStep& http, const Value& result, const std::string& error);
Flow take_result(Play& play, const Waiting& waiting, const CrmStep& crm, const Value& result, const std::string& error);
Flow take_result(Play& play, const Waiting& waiting, const ReportStep& report, const Value& result, const std::string& error);
Flow take_result(Play& play, const Waiting& waiting, const AssistantStep& step, const Value& result,
                 const std::string& error);
/// `understand` of the question that waits.
Flow take_result(Play& play, const Waiting& waiting, const Ask& ask, const Value& result, const std::string& error);

/// classify, extract, write; `message`: of the person, where the step says no text.
Flow begin_assistant_job(Play& play, StepId id, const AssistantStep& step);
Flow take_assistant_job(Play& play, StepId id, const AssistantStep& step, const Value& result, const std::string& error);

/// `back` found nothing to go back to.
void tell_no_way_back(Play& play);

}  // namespace sufler
