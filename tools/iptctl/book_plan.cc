#include "iptctl/book_plan.h"

#include "absl/strings/str_cat.h"
#include "iptctl/command_table.h"
#include "iptctl/error_output.h"
#include "iptctl/render_table.h"

namespace ipt::ctl {
namespace {

constexpr char kPlan[] = "ipt.scheduling.v1.CourseService.PlanCourse";
constexpr char kBook[] = "ipt.scheduling.v1.CourseService.BookPlan";

void CopyStarts(const Message& plan, Message& booking) {
  const auto* sessions = plan.GetDescriptor()->FindFieldByName("sessions");
  const auto* slots = booking.GetDescriptor()->FindFieldByName("slots");
  const auto* from = sessions->message_type()->FindFieldByName("start_time");
  const auto* to = slots->message_type()->FindFieldByName("start_time");
  for (int i = 0; i < plan.GetReflection()->FieldSize(plan, sessions); ++i) {
    const Message& planned = plan.GetReflection()->GetRepeatedMessage(plan, sessions, i);
    Message& slot = *booking.GetReflection()->AddMessage(&booking, slots);
    slot.GetReflection()->MutableMessage(&slot, to)->CopyFrom(
        planned.GetReflection()->GetMessage(planned, from));
  }
}

}  // namespace

int BookFromPlan(const std::vector<std::string>& words, const std::vector<FlagText>& flags,
                 Session& session) {
  const MethodDescriptor& plan_method = *FindMethod(kPlan);
  const MethodDescriptor& book_method = *FindMethod(kBook);
  const RequestFlags book_flags(*book_method.input_type());
  std::vector<FlagText> for_plan, for_book;
  for (const FlagText& flag : flags) {
    (book_flags.Find(flag.first) != nullptr ? for_book : for_plan).push_back(flag);
  }
  const std::vector<Positional>& specs = FindCommandOf(kBook)->args;
  const auto plan_request = NewMessage(*plan_method.input_type());
  const auto book_request = NewMessage(*book_method.input_type());
  absl::Status bound = session.Bind(plan_method, specs, words, for_plan, *plan_request);
  if (bound.ok()) bound = session.Bind(book_method, specs, words, for_book, *book_request);
  if (!bound.ok()) return session.UsageError(absl::string_view(bound.message()));
  const auto* slots = book_method.input_type()->FindFieldByName("slots");
  if (book_request->GetReflection()->FieldSize(*book_request, slots) > 0) {
    return session.UsageError("--from-plan takes its slots from the plan: leave --slots out");
  }
  const bool yes = session.settings.Has("yes");
  if (!yes && !session.env.in_is_terminal) {
    return session.UsageError(
        "nobody can be asked here: add --yes, or look first with course plan");
  }

  const auto plan = NewMessage(*plan_method.output_type());
  if (const int exit = session.Call(plan_method, *plan_request, *plan)) return exit;
  // In JSON the answer is one object, the booking's; the plan is for people to look at.
  (session.settings.json_output ? session.env.err : session.env.out)
      << RenderMessage(*plan, session.show());
  CopyStarts(*plan, *book_request);
  const int count = book_request->GetReflection()->FieldSize(*book_request, slots);
  const int64_t unplaced = IntField(*plan, "unplaced_sessions");
  if (count == 0) {
    session.env.err << "iptctl: there is nothing to book\n";
    return unplaced > 0 ? kExitState : 0;
  }
  if (unplaced > 0 && !session.settings.Has("partial")) {
    session.env.err << "iptctl: " << unplaced
                    << " sessions found no time before the deadline; nothing was booked\n"
                       "  what to do: widen the hours, extend or pause the course, or add "
                       "--partial to book the others\n";
    return kExitState;
  }
  if (!yes && !session.Confirm(absl::StrCat("Book these ", count, " sessions?"))) {
    session.env.err << "nothing was booked\n";
    return 0;
  }
  const auto booked = NewMessage(*book_method.output_type());
  if (const int exit = session.Call(book_method, *book_request, *booked)) return exit;
  return session.Print(*booked);
}

}  // namespace ipt::ctl
