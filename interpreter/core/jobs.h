#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "interpreter/core/play.h"

/// Rests that wait for a job. Not for other folders.
namespace sufler {

/// Nothing came, and nobody is left who would bring it.
inline constexpr std::string_view kLateJob = "no result in time";

/// Asks for a job and rests until it is done. `request`: JSON.
Flow begin_job(Play& play, StepId step, std::string service, std::string name, std::string request);
/// The same with a rest that keeps more than its step.
Flow begin_job(Play& play, Waiting waiting, StartJob job);
Flow begin_job(Play& play, Waiting waiting, std::string service, std::string name, std::string request);
/// What came of a job while something else was on: the rest goes on when that is over.
void put_job_aside(Waiting& waiting, std::string_view error);
/// Goes on behind a job whose outcome is known.
Flow go_on_behind_job(Play& play, const Waiting& waiting);
void hear_job_done(Play& play, const JobDone& done);
/// The job that this rest, the present one, waits for gave nothing.
Flow give_up_job(Play& play, std::string reason);
/// Nobody will bring the result: the rest must not wait for it.
void lose_job(Play& play, std::uint64_t serial);
/// The message waits until the job is done.
void keep_for_later(Play& play);
void hear_kept(Play& play);
/// Serials of the jobs that the dialog waits for, that are not done, and that nobody needs once it waits no more: a letter
/// goes on its way, and so does what is written to a CRM.
std::vector<std::uint64_t> jobs_of(const State& state, const Program& program);

}  // namespace sufler
