#include "simulation/disk.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>

namespace sufler::simulation {
namespace {

struct OpenFile {
  sqlite3_file base;
  std::string* path;
  bool temporary;
  int lock;
};

std::string& path_of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file)->path; }
Disk::Contents& contents_of(sqlite3_file* file) { return Disk::instance().file(path_of(file)); }
bool dead() { return Disk::instance().detached(); }

int close_file(sqlite3_file* file) {
  auto* const open = reinterpret_cast<OpenFile*>(file);
  Disk::Contents& contents = contents_of(file);
  contents.locked -= open->lock > SQLITE_LOCK_NONE;
  --contents.connections;
  if (open->temporary) Disk::instance().remove(*open->path);
  delete open->path;
  return SQLITE_OK;
}

int read_file(sqlite3_file* file, void* to, int amount, sqlite3_int64 offset) {
  const std::string& bytes = contents_of(file).bytes;
  const auto from = std::min(static_cast<std::size_t>(offset), bytes.size());
  const auto wanted = static_cast<std::size_t>(amount);
  const std::size_t found = std::min(wanted, bytes.size() - from);
  std::memcpy(to, bytes.data() + from, found);
  if (found == wanted) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + found, 0, wanted - found);
  return SQLITE_IOERR_SHORT_READ;
}

int write_file(sqlite3_file* file, const void* from, int amount, sqlite3_int64 offset) {
  if (dead()) return SQLITE_IOERR_WRITE;
  Disk::Contents& contents = contents_of(file);
  const auto at = static_cast<std::size_t>(offset), size = static_cast<std::size_t>(amount);
  const std::size_t size_before = contents.bytes.size();
  if (size_before < at + size) contents.bytes.resize(at + size);
  contents.unsynced.push_back({at, contents.bytes.substr(at, size), size_before});
  std::memcpy(contents.bytes.data() + at, from, size);
  return SQLITE_OK;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  if (dead()) return SQLITE_IOERR_TRUNCATE;
  Disk::Contents& contents = contents_of(file);
  const auto wanted = static_cast<std::size_t>(size);
  if (wanted < contents.bytes.size())
    contents.unsynced.push_back({wanted, contents.bytes.substr(wanted), contents.bytes.size()});
  contents.bytes.resize(wanted);
  return SQLITE_OK;
}

int sync_file(sqlite3_file* file, int) {
  if (dead()) return SQLITE_IOERR_FSYNC;
  contents_of(file).unsynced.clear();
  return SQLITE_OK;
}

int size_of_file(sqlite3_file* file, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(contents_of(file).bytes.size());
  return SQLITE_OK;
}

int map_memory(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
  auto& regions = contents_of(file).shared_memory;
  const auto index = static_cast<std::size_t>(region);
  *memory = nullptr;
  if (index >= regions.size()) {
    if (extend == 0) return SQLITE_OK;
    while (index >= regions.size())
      regions.push_back(std::make_unique<std::string>(static_cast<std::size_t>(size), '\0'));
  }
  *memory = regions[index]->data();
  return SQLITE_OK;
}

int unmap_memory(sqlite3_file* file, int remove) {
  if (remove != 0 && !dead()) contents_of(file).shared_memory.clear();
  return SQLITE_OK;
}

// Transactions never overlap, so locks are free but for the one that tells whoever closes a database last.
int lock_file(sqlite3_file* file, int level) {
  auto* const open = reinterpret_cast<OpenFile*>(file);
  Disk::Contents& contents = contents_of(file);
  if (level == SQLITE_LOCK_EXCLUSIVE && contents.locked > 1) return SQLITE_BUSY;
  contents.locked += open->lock == SQLITE_LOCK_NONE && level > SQLITE_LOCK_NONE;
  open->lock = level;
  return SQLITE_OK;
}
int unlock_file(sqlite3_file* file, int level) {
  auto* const open = reinterpret_cast<OpenFile*>(file);
  contents_of(file).locked -= open->lock > SQLITE_LOCK_NONE && level == SQLITE_LOCK_NONE;
  open->lock = level;
  return SQLITE_OK;
}
int lock_memory(sqlite3_file*, int, int, int) { return SQLITE_OK; }
void barrier(sqlite3_file*) {}
int is_reserved(sqlite3_file*, int* reserved) {
  *reserved = 0;
  return SQLITE_OK;
}
int control(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int sector_size(sqlite3_file*) { return 4096; }
int characteristics(sqlite3_file*) { return 0; }

const sqlite3_io_methods kMethods = {2,           close_file,   read_file,     write_file,  truncate_file,
                                     sync_file,   size_of_file, lock_file,     unlock_file,   is_reserved,
                                     control,     sector_size,  characteristics, map_memory, lock_memory,
                                     barrier,     unmap_memory, nullptr,       nullptr};

int open_file(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  auto* const open = reinterpret_cast<OpenFile*>(file);
  static int temporaries = 0;
  open->temporary = name == nullptr;
  open->path = new std::string(name ? name : "temporary " + std::to_string(++temporaries));
  open->base.pMethods = &kMethods;
  if ((flags & SQLITE_OPEN_CREATE) == 0 && !Disk::instance().exists(*open->path)) {
    delete open->path;
    open->base.pMethods = nullptr;
    return SQLITE_CANTOPEN;
  }
  open->lock = SQLITE_LOCK_NONE;
  ++Disk::instance().file(*open->path).connections;
  if (out) *out = flags;
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs*, const char* name, int) {
  if (dead()) return SQLITE_IOERR_DELETE;
  Disk::instance().remove(name);
  return SQLITE_OK;
}

int access_file(sqlite3_vfs*, const char* name, int, int* found) {
  *found = Disk::instance().exists(name) && !Disk::instance().file(name).bytes.empty() ? 1 : 0;
  return SQLITE_OK;
}

int full_path(sqlite3_vfs*, const char* name, int size, char* out) {
  sqlite3_snprintf(size, out, "%s", name);
  return SQLITE_OK;
}

}  // namespace

Disk& Disk::instance() {
  static Disk disk;
  return disk;
}

Disk::Disk() {
  // Time, chance and sleep are the system's: nothing that is stored depends on them.
  static sqlite3_vfs vfs = *sqlite3_vfs_find(nullptr);
  vfs.szOsFile = sizeof(OpenFile);
  vfs.zName = "simulation";
  vfs.pNext = nullptr;
  vfs.xOpen = open_file;
  vfs.xDelete = delete_file;
  vfs.xAccess = access_file;
  vfs.xFullPathname = full_path;
  if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK) throw std::runtime_error("SQLite takes no disk");
}

void Disk::remember() {
  for (const auto& [path, contents] : files_) remembered_[path] = contents.bytes;
}

void Disk::begin() {
  files_.clear();
  for (const auto& [path, bytes] : remembered_) files_[path].bytes = bytes;
  detached_ = false;
}

void Disk::attach() {
  // Whoever opens the database first builds the index of its log anew.
  for (auto& [path, contents] : files_)
    if (contents.connections == 0) contents.shared_memory.clear();
  detached_ = false;
}

void Disk::cut_power(Chance& chance) {
  for (auto& [path, contents] : files_) {
    for (auto write = contents.unsynced.rbegin(); write != contents.unsynced.rend(); ++write) {
      if (chance.percent(50)) continue;
      const std::size_t end = write->offset + write->before.size();
      if (contents.bytes.size() < end) contents.bytes.resize(end);
      std::copy(write->before.begin(), write->before.end(),
                contents.bytes.begin() + static_cast<std::ptrdiff_t>(write->offset));
      if (write->size_before < contents.bytes.size() && write->size_before <= end)
        contents.bytes.resize(write->size_before);
    }
    contents.unsynced.clear();
  }
}

}  // namespace sufler::simulation
