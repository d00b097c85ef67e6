// What amoCRM tells of the dialog's lead or chat (LANGUAGE 7, 9).
#include "interpreter/core/play.h"

namespace sufler {

void hear_crm(Play&, const CrmNews&) {}

}  // namespace sufler
