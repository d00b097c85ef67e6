#include "schema/loading.h"
namespace sufler {
void check_names(Loading&) {}
void check_flow(Loading&) {}
void check_commands(Loading&) {}
void check_platform_limits(Loading&) {}
void check_secrets(Loading&) {}
void check_unused(Loading&) {}
}
