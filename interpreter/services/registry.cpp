#include "interpreter/services/registry.h"

namespace sufler {

const std::vector<ServiceKind>& service_kinds() {
  static const std::vector<ServiceKind> kinds = {
      {"run", &make_run_service},
      {"assistant", &make_assistant_service},
      {"mail", &make_mail_service},
      {"http", &make_http_service},
      {"report", &make_report_service},
      {"crm", &make_crm_service},
      {"crm_news", &make_crm_news_service},
  };
  return kinds;
}

}  // namespace sufler
