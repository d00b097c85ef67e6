#include "interpreter/transports/vk/uploads.h"

#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <random>

#include "interpreter/core/text.h"
#include "interpreter/transports/files.h"
#include "interpreter/transports/vk/update_decoder.h"

namespace sufler::vk {
namespace {

constexpr std::size_t kFetchedBytes = std::size_t{50} << 20;
constexpr int kRedirects = 3;

std::uint64_t rotated(std::uint64_t x, int bits) { return (x << bits) | (x >> (64 - bits)); }

/// Whether VK takes the file as a photo: by its first bytes, whatever it is called.
bool is_picture(std::string_view begin) {
  constexpr std::string_view kPng = "\x89PNG";
  return begin.substr(0, 3) == "\xFF\xD8\xFF" || begin.substr(0, 4) == kPng || begin.substr(0, 4) == "GIF8";
}

std::string first_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string bytes(8, '\0');
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return bytes;
}

/// A file without a name gets one that tells its kind: the platform goes by the ending.
std::string any_name_for(const Attachment& file, std::string_view type) {
  std::string name = clean_file_name(file.name.empty() && file.origin == "scenario" ? file.reference : file.name);
  if (name.find('.') != std::string::npos) return name;
  if (type == "photo") return "photo.jpg";
  switch (file.kind) {
    case AttachmentKind::Photo: return "photo.jpg";
    case AttachmentKind::Voice: return "voice.ogg";
    case AttachmentKind::Audio: return "audio.mp3";
    case AttachmentKind::Video: return "video.mp4";
    case AttachmentKind::Sticker: return "sticker.webp";
    default: return name.empty() ? "file" : name;
  }
}

/// VK takes every kind of document but mp3; the other ending of the same format does.
std::string name_for(const Attachment& file, std::string_view type) {
  std::string name = any_name_for(file, type);
  if (type == "doc" && to_lower(name).ends_with(".mp3")) name.replace(name.size() - 3, 3, "mpga");
  return name;
}

}  // namespace

// ------------------------------------------------------------------- the cache

/// SipHash-2-4, Aumasson and Bernstein.
std::uint64_t siphash(std::uint64_t key0, std::uint64_t key1, std::string_view bytes) {
  std::uint64_t a = key0 ^ 0x736f6d6570736575U;
  std::uint64_t b = key1 ^ 0x646f72616e646f6dU;
  std::uint64_t c = key0 ^ 0x6c7967656e657261U;
  std::uint64_t d = key1 ^ 0x7465646279746573U;
  const auto round = [&] {
    a += b, b = rotated(b, 13) ^ a, a = rotated(a, 32);
    c += d, d = rotated(d, 16) ^ c;
    a += d, d = rotated(d, 21) ^ a;
    c += b, b = rotated(b, 17) ^ c, c = rotated(c, 32);
  };
  const auto mix = [&](std::uint64_t word) {
    d ^= word;
    round();
    round();
    a ^= word;
  };
  const std::size_t whole = bytes.size() / 8 * 8;
  for (std::size_t at = 0; at < whole; at += 8) {
    std::uint64_t word = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      word |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[at + k])) << (8 * k);
    }
    mix(word);
  }
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56;
  for (std::size_t k = whole; k < bytes.size(); ++k) {
    last |= static_cast<std::uint64_t>(static_cast<unsigned char>(bytes[k])) << (8 * (k - whole));
  }
  mix(last);
  c ^= 0xFF;
  for (int i = 0; i < 4; ++i) round();
  return a ^ b ^ c ^ d;
}

UploadCache::UploadCache(std::size_t most) : most_(most), secret_{} {
  std::random_device chance;
  for (std::uint64_t& word : secret_) word = (static_cast<std::uint64_t>(chance()) << 32) | chance();
}

std::string UploadCache::key_of(std::string_view bytes, std::string_view type) const {
  return std::string(type) + ' ' + std::to_string(bytes.size()) + ' ' +
         std::to_string(siphash(secret_[0], secret_[1], bytes)) + ' ' +
         std::to_string(siphash(secret_[2], secret_[3], bytes));
}

std::string UploadCache::find(const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return {};
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->second;
}

void UploadCache::put(const std::string& key, std::string name) {
  forget(key);
  std::lock_guard lock(mutex_);
  entries_.emplace_front(key, std::move(name));
  by_key_[key] = entries_.begin();
  if (entries_.size() <= most_) return;
  by_key_.erase(entries_.back().first);
  entries_.pop_back();
}

void UploadCache::forget(const std::string& key) {
  std::lock_guard lock(mutex_);
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return;
  entries_.erase(found->second);
  by_key_.erase(found);
}

// ------------------------------------------------------------------- uploads

struct Uploads::Source {
  std::string path;   // it lies on disk
  std::string bytes;  // or in memory
  std::int64_t size = -1;
  std::string cache_key;
  std::string type;  // `photo`, `audio_message` or `doc`
  bool again = false;  // the second attempt
};

struct Uploads::Batch {
  std::vector<FilePart> files;
  std::string peer_id;
  bool anew = false;
  Done done;
  std::size_t index = 0;
  bool fetched_again = false;  // of the file at `index`
  NamedFiles result;
  const Attachment& file() const { return files[index].file; }
};

void Uploads::bring(std::vector<FilePart> files, std::string peer_id, bool anew, Done done) {
  auto batch = std::make_shared<Batch>();
  batch->files = std::move(files);
  batch->peer_id = std::move(peer_id);
  batch->anew = anew;
  batch->done = std::move(done);
  client_.post([self = shared_from_this(), batch] { self->next(batch); });
}

void Uploads::next(const std::shared_ptr<Batch>& batch) {
  while (batch->index < batch->files.size()) {
    const Attachment& file = batch->file();
    if (file.origin == "vk") {
      const FileReference reference = FileReference::parse(file.reference);
      if (reference.can_be_attached() && (!batch->anew || reference.url.empty())) {
        batch->result.names.push_back(reference.name);
        ++batch->index;
        continue;
      }
    }
    if (file.origin == "stored" && settings_->find_file) {
      return settings_->find_file(file, [self = shared_from_this(), batch](FoundFile found) {
        self->take_scenario_file(batch, std::move(found));
      });
    }
    if (file.origin == "scenario") {
      auto source = std::make_shared<Source>();
      struct stat status {};
      source->path = scenario_file(settings_->scenario_folder ? settings_->scenario_folder() : std::string(),
                                   file.reference);
      if (source->path.empty() || ::stat(source->path.c_str(), &status) != 0) {
        return leave_out(batch, "no such file in the scenario");
      }
      source->size = status.st_size;
      source->cache_key = source->path + '\n' + std::to_string(status.st_size) + '\n' +
                          std::to_string(status.st_mtim.tv_sec) + '.' + std::to_string(status.st_mtim.tv_nsec) + '\n' +
                          std::to_string(static_cast<int>(file.kind));
      return upload(batch, source);
    }
    if (file.origin == "text") return with_bytes(batch, file.reference);
    const auto fetched = [self = shared_from_this(), batch](std::string bytes, std::string reason) {
      if (reason.empty()) return self->with_bytes(batch, std::move(bytes));
      // It may have been the network: once more, after a while.
      if (std::exchange(batch->fetched_again, true)) return self->leave_out(batch, "it could not be fetched: " + reason);
      self->client_.after(self->settings_->backoff_first * 4, [self, batch] { self->next(batch); });
    };
    if (file.origin == "vk") return fetch(file, kFetchedBytes, fetched);
    if (settings_->fetch_elsewhere) return settings_->fetch_elsewhere(file, kFetchedBytes, fetched);
    return leave_out(batch, "no way to bring a file of " + file.origin);
  }
  batch->done(std::move(batch->result));
}

void Uploads::take_scenario_file(const std::shared_ptr<Batch>& batch, FoundFile found) {
  if (!found.reason.empty()) return leave_out(batch, found.reason);
  auto source = std::make_shared<Source>();
  source->path = std::move(found.path);
  source->bytes = std::move(found.bytes);
  source->size = batch->file().size;
  source->cache_key = batch->file().reference + '\n' + std::to_string(static_cast<int>(batch->file().kind));
  upload(batch, source);
}

void Uploads::with_bytes(const std::shared_ptr<Batch>& batch, std::string bytes) {
  auto source = std::make_shared<Source>();
  source->size = static_cast<std::int64_t>(bytes.size());
  source->cache_key = cache_.key_of(bytes, std::to_string(static_cast<int>(batch->file().kind)));
  source->bytes = std::move(bytes);
  upload(batch, source);
}

void Uploads::upload(const std::shared_ptr<Batch>& batch, std::shared_ptr<Source> source) {
  const Attachment& file = batch->file();
  if (batch->anew) cache_.forget(source->cache_key);
  if (std::string known = cache_.find(source->cache_key); !known.empty()) {
    batch->result.names.push_back(std::move(known));
    ++batch->index;
    batch->fetched_again = false;
    return next(batch);
  }
  if (source->size == 0) return leave_out(batch, "it is empty");
  if (source->size > settings_->upload_bytes) return leave_out(batch, "it is larger than VK takes");
  if (source->type.empty()) {
    const bool picture = file.kind == AttachmentKind::Photo || file.kind == AttachmentKind::Sticker;
    if (picture && source->size <= settings_->photo_bytes &&
        is_picture(source->path.empty() ? std::string_view(source->bytes) : first_bytes(source->path))) {
      source->type = "photo";
    } else {
      source->type = file.kind == AttachmentKind::Voice ? "audio_message" : "doc";
    }
  }
  Fields fields = {{"peer_id", batch->peer_id}};
  if (source->type != "photo") fields.emplace_back("type", source->type);
  api_->ask(source->type == "photo" ? "photos.getMessagesUploadServer" : "docs.getMessagesUploadServer",
            std::move(fields), [self = shared_from_this(), batch, source](const CallResult& result) {
              if (!result.ok()) return self->call_failed(batch, source, result);
              const std::string url = read_upload_url(result.body);
              if (url.empty()) return self->refused(batch, source, "VK gives no place to upload to");
              self->send_bytes(batch, source, url);
            });
}

void Uploads::send_bytes(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Source>& source,
                         const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.proxy = settings_->proxy;
  request.timeout = settings_->upload_timeout;
  request.repeatable = true;
  MultipartPart part;
  part.name = source->type == "photo" ? "photo" : "file";
  part.filename = name_for(batch->file(), source->type);
  part.mime = batch->file().mime;
  part.path = source->path;
  part.bytes = source->bytes;
  request.parts.push_back(std::move(part));
  client_.submit(std::move(request), [self = shared_from_this(), batch, source](const HttpAnswer& answer) {
    const bool answered = answer.kind == HttpAnswer::Kind::Answered && answer.status == 200;
    if (!answered) {
      CallResult result;
      result.kind = answer.kind;
      result.cancelled = answer.cancelled;
      result.error = self->api_->hidden(answer.error);
      result.answer.refusal.description = "the upload server answered HTTP " + std::to_string(answer.status);
      return self->call_failed(batch, source, result);
    }
    std::string reason;
    Fields fields = read_uploaded(answer.body, reason);
    if (fields.empty()) return self->refused(batch, source, reason);
    self->save(batch, source, std::move(fields));
  });
}

void Uploads::save(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Source>& source, Fields fields) {
  const bool photo = source->type == "photo";
  if (!photo) fields.emplace_back("title", name_for(batch->file(), source->type));
  api_->call(photo ? "photos.saveMessagesPhoto" : "docs.save", std::make_shared<const Fields>(std::move(fields)), {},
             [self = shared_from_this(), batch, source](const CallResult& result) {
               if (!result.ok()) return self->call_failed(batch, source, result);
               std::string name = read_saved(result.body);
               if (name.empty()) return self->refused(batch, source, "VK did not save the file");
               self->cache_.put(source->cache_key, name);
               batch->result.names.push_back(std::move(name));
               ++batch->index;
               batch->fetched_again = false;
               self->next(batch);
             });
}

/// A step did not work. What may be chance is tried once more from the beginning, since addresses of upload
/// servers do not live long; what is said of the person or the token is the outcome of the message.
void Uploads::call_failed(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Source>& source,
                          const CallResult& result) {
  const bool answered = result.kind == HttpAnswer::Kind::Answered;
  const Meaning meaning = answered ? meaning_of(result.answer.refusal) : Meaning::Transient;
  if (result.cancelled) {
    Outcome outcome;
    outcome.kind = Outcome::Kind::Retry;
    outcome.reason = result.error;
    return fail(batch, std::move(outcome));
  }
  if (meaning == Meaning::TooFast) api_->rest(std::chrono::seconds(1));
  const bool chance = meaning == Meaning::Transient || meaning == Meaning::Upload || meaning == Meaning::TooFast;
  if (chance && !source->again) {
    source->again = true;
    return upload(batch, source);
  }
  if (meaning == Meaning::Upload || meaning == Meaning::Refused) return refused(batch, source, result.reason());
  const auto pause = settings_->backoff_first * 4;
  Outcome outcome;
  if (answered) {
    outcome = outcome_of(result.answer.refusal, Duration{pause.count()});
  } else {
    outcome.kind = Outcome::Kind::Retry;  // nothing was sent yet
    outcome.after = Duration{pause.count()};
    outcome.reason = result.error;
  }
  if (meaning == Meaning::Token) outcome.reason = "token: " + outcome.reason;
  fail(batch, std::move(outcome));
}

/// VK does not take the file in this way; any file may go as a document.
void Uploads::refused(const std::shared_ptr<Batch>& batch, const std::shared_ptr<Source>& source,
                      const std::string& reason) {
  if (source->type != "doc") {
    source->type = "doc";
    source->again = false;
    return upload(batch, source);
  }
  leave_out(batch, reason);
}

/// A message is worth more than one of its files. A file of the scenario is the author's to mend.
void Uploads::leave_out(const std::shared_ptr<Batch>& batch, const std::string& reason) {
  const Attachment& file = batch->file();
  if (file.origin == "scenario" || file.origin == "stored") {
    Outcome outcome;
    outcome.kind = Outcome::Kind::Failed;
    outcome.reason = api_->hidden(reason + ": " + (file.origin == "stored" ? file.name : file.reference));
    return fail(batch, std::move(outcome));
  }
  batch->result.left_out.push_back(file.name.empty() ? name_for(file, {}) : clean_file_name(file.name));
  ++batch->index;
  batch->fetched_again = false;
  next(batch);
}

void Uploads::fail(const std::shared_ptr<Batch>& batch, Outcome outcome) {
  batch->result.failed = true;
  batch->result.failure = std::move(outcome);
  batch->done(std::move(batch->result));
}

// ------------------------------------------------------------------- downloads

void Uploads::fetch(const Attachment& file, std::size_t limit,
                    std::function<void(std::string bytes, std::string reason)> done) {
  const FileReference reference = FileReference::parse(file.reference);
  std::string reason;
  if (reference.url.empty()) reason = "VK keeps no bytes of it";
  if (file.size > 0 && static_cast<std::uint64_t>(file.size) > limit) reason = "the file is too big";
  if (!reason.empty()) {
    client_.post([done = std::move(done), reason] { done({}, reason); });
    return;
  }
  if (!reference.can_be_renewed()) return download(reference.url, limit, kRedirects, done, done);
  download(reference.url, limit, kRedirects, done, [self = shared_from_this(), reference, limit, done](
                                                       const std::string&, const std::string&) {
    self->download_anew(reference, limit, done);
  });
}

/// Addresses are signed and expire within hours; a digest may go out days later.
void Uploads::download_anew(const FileReference& reference, std::size_t limit, Bytes done) {
  api_->ask("messages.getByConversationMessageId",
            {{"group_id", std::to_string(settings_->group)},
             {"peer_id", std::to_string(reference.peer)},
             {"conversation_message_ids", std::to_string(reference.number)}},
            [self = shared_from_this(), reference, limit, done = std::move(done)](CallResult result) {
              if (!result.ok()) return done({}, "its address has expired: " + result.reason());
              UpdateDecoder decoder;
              for (const Attachment& file : decoder.read_files(result.body)) {
                const FileReference fresh = FileReference::parse(file.reference);
                if (!fresh.same_file(reference) || fresh.url.empty()) continue;
                return self->download(fresh.url, limit, kRedirects, done, done);
              }
              done({}, "its address has expired, and its message is gone");
            });
}

void Uploads::download(std::string url, std::size_t limit, int redirects, Bytes done, Bytes gone) {
  HttpRequest request;
  request.url = std::move(url);
  request.method = "GET";
  request.proxy = settings_->proxy;
  request.timeout = settings_->upload_timeout;
  request.max_response_bytes = limit;
  request.repeatable = true;
  const bool safe = request.url.rfind("https://", 0) == 0;
  client_.submit(std::move(request), [self = shared_from_this(), limit, redirects, safe, done = std::move(done),
                                      gone = std::move(gone)](HttpAnswer answer) {
    if (answer.kind != HttpAnswer::Kind::Answered) return done({}, self->api_->hidden(answer.error));
    // Documents lie behind a redirect.
    const bool onward = answer.redirect.rfind("https://", 0) == 0 || (!safe && answer.redirect.rfind("http://", 0) == 0);
    if (answer.status / 100 == 3 && redirects > 0 && onward) {
      return self->download(answer.redirect, limit, redirects - 1, done, gone);
    }
    if (answer.status == 200) return done(std::move(answer.body), {});
    const bool not_there = answer.status == 403 || answer.status == 404 || answer.status == 410;
    (not_there ? gone : done)({}, "HTTP " + std::to_string(answer.status));
  });
}

}  // namespace sufler::vk
