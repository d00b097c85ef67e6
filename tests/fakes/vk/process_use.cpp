#include "fakes/vk/process_use.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace sufler::fakes::vk {
namespace {

double tick_s() {
  static const double kTick = 1.0 / static_cast<double>(sysconf(_SC_CLK_TCK));
  return kTick;
}

struct Stat {
  int pid = 0;
  int parent = 0;
  double user_s = 0;
  double system_s = 0;
};

bool read_stat(int pid, Stat& out) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  const std::size_t name_end = line.rfind(')');
  if (name_end == std::string::npos) return false;
  std::istringstream fields(line.substr(name_end + 1));
  std::string state;
  std::string skipped;
  double user = 0;
  double system = 0;
  double children_user = 0;
  double children_system = 0;
  fields >> state >> out.parent;
  for (int i = 0; i < 9; ++i) fields >> skipped;
  fields >> user >> system >> children_user >> children_system;
  if (!fields) return false;
  out.pid = pid;
  out.user_s = (user + children_user) * tick_s();
  out.system_s = (system + children_system) * tick_s();
  return true;
}

void add_memory(int pid, ProcessUse& use) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("VmRSS:")) use.rss_kb += std::atol(line.c_str() + 6);
    if (line.starts_with("VmHWM:")) use.peak_rss_kb += std::atol(line.c_str() + 6);
  }
}

}  // namespace

ProcessUse use_of_tree(int pid) {
  ProcessUse use;
  if (pid <= 0) return use;
  std::vector<Stat> all;
  if (DIR* folder = opendir("/proc")) {
    while (const dirent* entry = readdir(folder)) {
      Stat stat;
      const int number = std::atoi(entry->d_name);
      if (number > 0 && read_stat(number, stat)) all.push_back(stat);
    }
    closedir(folder);
  }
  std::set<int> tree = {pid};
  for (bool grew = true; grew;) {
    grew = false;
    for (const Stat& stat : all) {
      if (tree.contains(stat.parent) && tree.insert(stat.pid).second) grew = true;
    }
  }
  for (const Stat& stat : all) {
    if (!tree.contains(stat.pid)) continue;
    use.user_s += stat.user_s;
    use.system_s += stat.system_s;
    ++use.processes;
    add_memory(stat.pid, use);
  }
  return use;
}

double machine_busy_s() {
  std::ifstream file("/proc/stat");
  std::string name;
  double user = 0;
  double nice = 0;
  double system = 0;
  double idle = 0;
  double waiting = 0;
  double hard_interrupts = 0;
  double soft_interrupts = 0;
  double stolen = 0;
  file >> name >> user >> nice >> system >> idle >> waiting >> hard_interrupts >> soft_interrupts >>
      stolen;
  return (user + nice + system + hard_interrupts + soft_interrupts + stolen) * tick_s();
}

double own_cpu_s() {
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  return static_cast<double>(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
         static_cast<double>(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

}  // namespace sufler::fakes::vk
