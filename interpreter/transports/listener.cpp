#include "interpreter/transports/listener.h"

#include <mutex>
#include <system_error>
#include <utility>

#include "interpreter/transports/listener/answering.h"
#include "interpreter/transports/listener/connections.h"
#include "interpreter/transports/listener/workers.h"

// httplib gives every connection a thread for as long as it is kept, reads bodies of any size when they come in
// chunks or packed, and believes a chunked body beside a Content-Length. So the connections are ours: one thread
// waits for all of them behind epoll and gathers a request, with limits of size and time, until it is whole. Only
// then does a thread of a pool take it, and httplib reads its first line and writes the answer, from memory to
// memory. Webhooks wait for the storage, so they have a pool of their own, and pages never stand behind them.

namespace sufler {

using listening::Route;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds kGiveUpTime{500};

std::string where(const std::string& host, int port) {
  const std::string shown = host.empty() ? "*" : host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return shown + ":" + std::to_string(port);
}

}  // namespace

struct Listener::Impl {
  explicit Impl(Settings chosen)
      : settings(std::move(chosen)),
        answering(settings.answer_time),
        connections(settings, {[this](listening::Request request) { enqueue(std::move(request)); },
                               [this](int status) { answering.count(status); }}),
        pages(settings.most_page_threads, settings.thread_rest),
        webhooks(settings.most_webhook_threads, settings.thread_rest) {}

  void enqueue(listening::Request request) {
    // A service may wait for the storage, as a webhook does.
    const bool page = (request.head.method == "GET" || request.head.method == "HEAD") && !answering.is_for_service(request);
    (page ? pages : webhooks).enqueue([this, request = std::make_shared<listening::Request>(std::move(request))] {
      std::string answer = answering.answer(*request);
      connections.answered(request->connection, std::move(answer), request->close);
    });
  }

  void stop(milliseconds grace) {
    std::lock_guard once(stop_mutex);
    if (!connections.running()) return;
    const auto until = listening::Clock::now() + grace;
    connections.begin_stop(until);
    connections.wait_until_none_left(until);
    if (answering.give_up()) connections.wait_until_none_left(listening::Clock::now() + kGiveUpTime);
    pages.stop();
    webhooks.stop();
    connections.end();
  }

  const Settings settings;
  listening::Answering answering;
  listening::Connections connections;
  listening::Workers pages;
  listening::Workers webhooks;
  std::mutex stop_mutex;
};

Listener::Listener(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Listener::~Listener() { stop(milliseconds(0)); }

void Listener::add_page(std::string path, Page page) {
  auto route = std::make_shared<Route>();
  route->page = std::move(page);
  impl_->answering.add(std::move(path), std::move(route));
}

void Listener::add_webhook(std::string path, Webhook webhook, RetryAfterForm form) {
  auto route = std::make_shared<Route>();
  route->webhook = std::move(webhook);
  route->retry_after = form;
  impl_->answering.add(std::move(path), std::move(route));
}

void Listener::add_webhook(std::string path, Transport& transport) {
  add_webhook(std::move(path), [&transport](WebhookRequest request, std::function<void(WebhookAnswer)> answer) {
    transport.take_webhook(std::move(request), std::move(answer));
  }, transport.retry_after_form());
}

void Listener::add_service(std::string prefix, Webhook service) {
  auto route = std::make_shared<Route>();
  route->webhook = std::move(service);
  route->service = true;
  impl_->answering.add(std::move(prefix), std::move(route));
}

void Listener::remove(const std::string& path) { impl_->answering.add(path, nullptr); }

Result<Done, std::string> Listener::start() {
  Impl& impl = *impl_;
  const std::string where_to = where(impl.settings.host, impl.settings.port);
  if (impl.connections.running() || impl.connections.stopped()) {
    return Error{"cannot listen on " + where_to + ": started before"};
  }
  if (impl.settings.port < 0 || impl.settings.port > 65'535) {
    return Error{"cannot listen on " + where_to + ": a port is a number from 0 to 65535"};
  }
  if (const std::string reason = impl.connections.open(); !reason.empty()) {
    return Error{"cannot listen on " + where_to + ": " + reason};
  }
  try {
    impl.pages.start();
    impl.webhooks.start();
    impl.connections.start();
  } catch (const std::system_error&) {
    impl.pages.stop();
    impl.webhooks.stop();
    impl.connections.release();
    return Error{"cannot listen on " + where_to + ": no threads are to be had"};
  }
  return Done{};
}

int Listener::port() const { return impl_->connections.port(); }
void Listener::stop(milliseconds grace) { impl_->stop(grace); }

Listener::Counts Listener::counts() const {
  Counts counts;
  impl_->answering.counts(counts);
  impl_->connections.counts(counts);
  counts.threads = impl_->pages.threads() + impl_->webhooks.threads();
  return counts;
}

}  // namespace sufler
