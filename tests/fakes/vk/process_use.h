#pragma once

namespace sufler::fakes::vk {

struct ProcessUse {
  double user_s = 0;
  double system_s = 0;
  long rss_kb = 0;
  long peak_rss_kb = 0;
  int processes = 0;
};

/// What the process and all its descendants have used; the kernel counts in steps of 10 ms.
ProcessUse use_of_tree(int pid);
double machine_busy_s();  ///< CPU seconds of everything on this machine
double own_cpu_s();

}  // namespace sufler::fakes::vk
