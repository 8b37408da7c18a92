// Turns the typed methods of an actor into MethodInfo: reads arguments, runs, answers.
#pragma once

#include "actors/reactor.h"

namespace srpo::actors::detail {

template <class R>
struct Sealed {
  core::Bytes bytes;
  std::vector<core::Buffer> buffers;
  References references;

  explicit Sealed(const R& value) {
    ReferenceCollector collector;
    core::ByteWriter writer = begin_frame(buffers);
    writer.write(value);
    references = collector.finish(writer);
    bytes = writer.take();
  }
};

template <class R>
void answer(ActorHost& host, ActorCell& cell, const IncomingCall& call,
            CallResult<R> result) {
  if (!result.has_value()) {
    host.answer_error(cell, call, result.error());
    return;
  }
  try {
    Sealed<R> sealed(result.value());
    host.answer(cell, call, FrameKind::kReply, std::move(sealed.bytes),
                std::move(sealed.buffers), sealed.references);
  } catch (...) {  // no memory, or too many buffers: nothing was sent
    host.answer_error(cell, call, caught_error());
  }
}

/// Runs `body` and turns what it throws into an error.
template <class R, class Body>
CallResult<R> guarded(Body&& body) {
  try {
    return body();
  } catch (...) {
    return CallResult<R>(caught_error());
  }
}

template <class Arguments>
Arguments read_arguments(const IncomingCall& call) {
  core::ByteReader reader(call.arguments, call.frame.buffers);
  Arguments arguments{};
  reader.read(arguments);
  REQUIRE(reader.left() == 0, kPeerLost,
          "message has " << reader.left() << " bytes more than its type");
  return arguments;
}

/// The call without its arguments: what an answer needs.
inline IncomingCall header_of(const IncomingCall& call) {
  IncomingCall header;
  header.slot = call.slot;
  header.incarnation = call.incarnation;
  header.call = call.call;
  header.method = call.method;
  header.deadline = call.deadline;
  header.arrived = call.arrived;
  header.items = call.items;
  return header;
}

template <auto kPointer, class A, class Arguments>
auto run_plain(A& actor, Arguments& arguments)
    -> CallResult<typename SignatureOf<kPointer>::Result> {
  using Result = typename SignatureOf<kPointer>::Result;
  return std::apply(
      [&](auto&... each) {
        if constexpr (std::is_same_v<Result, Done>) {
          (actor.*kPointer)(std::move(each)...);
          return CallResult<Result>(Done{});
        } else {
          return CallResult<Result>((actor.*kPointer)(std::move(each)...));
        }
      },
      arguments);
}

template <auto kPointer, class A>
void invoke_plain(Runtime& runtime, ActorCell& cell, IncomingCall call) {
  using Signature = SignatureOf<kPointer>;
  using Result = typename Signature::Result;
  ActorHost& host = runtime.actors();
  CallContext context(std::nostopstate);
  context.caller = call.slot;
  context.call = call.call;
  context.deadline = call.deadline;
  CallResult<Result> result = guarded<Result>([&] {
    auto arguments = read_arguments<typename Signature::Arguments>(call);
    const ContextScope scope(&context);
    return run_plain<kPointer>(static_cast<A&>(*cell.actor), arguments);
  });
  answer(host, cell, call, std::move(result));
  host.finished(cell, call.method);
  runtime.wire().transport().recycle(std::move(call.frame));
}

template <auto kPointer, class A>
void invoke_on_pool(Runtime& runtime, ActorCell& cell, IncomingCall call) {
  using Signature = SignatureOf<kPointer>;
  using Result = typename Signature::Result;
  ActorHost& host = runtime.actors();
  const auto running = host.keep(cell, call);
  const auto keep = cell.shared_from_this();
  const auto header = header_of(call);
  const auto end = [&host, keep, header](CallResult<Result> result) {
    host.forget(header);
    answer(host, *keep, header, std::move(result));
    host.finished(*keep, header.method);
  };
  std::shared_ptr<typename Signature::Arguments> arguments;
  const auto read = guarded<Done>([&] {
    arguments = std::make_shared<typename Signature::Arguments>(
        read_arguments<typename Signature::Arguments>(call));
    return CallResult<Done>(Done{});
  });
  if (!read.has_value()) {
    end(CallResult<Result>(read.error()));
    return;
  }
  A* actor = static_cast<A*>(cell.actor);
  runtime
      .blocking([actor, keep, arguments, running] {
        const ContextScope scope(&running->context);
        auto result =
            guarded<Result>([&] { return run_plain<kPointer>(*actor, *arguments); });
        return std::make_shared<CallResult<Result>>(std::move(result));
      })
      .then([end](auto& result) {
        end(result.has_value() ? std::move(*result.value())
                               : CallResult<Result>(result.error()));
      });
}

template <auto kPointer, class A>
void invoke_reply(Runtime& runtime, ActorCell& cell, IncomingCall call) {
  using Signature = SignatureOf<kPointer>;
  using Result = typename Signature::Result;
  ActorHost& host = runtime.actors();
  const auto running = host.keep(cell, call);
  const auto keep = cell.shared_from_this();
  const auto header = header_of(call);
  const uint16_t method = call.method;
  // An ordered method has ended when it returns, a re-entrant one when it has answered.
  const bool reentrant = cell.methods[method].info->options.concurrency > 0;
  const Reply<Result> reply(
      [&host, alive = host.alive(), keep, header, reentrant](CallResult<Result> result) {
        if (alive.expired()) return;  // an actor that outlives the runtime drops it
        host.forget(header);
        answer(host, *keep, header, std::move(result));
        if (reentrant) host.finished(*keep, header.method);
      },
      running->context.stop.get_token());
  const auto result = guarded<Done>([&] {
    auto arguments = read_arguments<typename Signature::Arguments>(call);
    const ContextScope scope(&running->context);
    std::apply(
        [&](auto&... each) {
          (static_cast<A&>(*cell.actor).*kPointer)(std::move(each)..., reply);
        },
        arguments);
    return CallResult<Done>(Done{});
  });
  if (!result.has_value()) reply.fail(result.error().cause, result.error().message);
  if (!reentrant) host.finished(*keep, method);
}

template <auto kPointer, class A>
Detached run_task_method(ActorHost& host, std::shared_ptr<ActorCell> cell,
                         [[maybe_unused]] std::shared_ptr<RunningCall> running,
                         IncomingCall call) {
  using Signature = SignatureOf<kPointer>;
  using Result = typename Signature::Result;
  const auto header = header_of(call);
  std::optional<CallResult<Result>> result;
  try {
    auto arguments = read_arguments<typename Signature::Arguments>(call);
    call = {};  // gives the frame's memory back
    auto task = std::apply(
        [&](auto&... each) {
          return (static_cast<A&>(*cell->actor).*kPointer)(std::move(each)...);
        },
        arguments);
    if constexpr (std::is_same_v<Result, Done>) {
      co_await std::move(task);
      result.emplace(Done{});
    } else {
      result.emplace(co_await std::move(task));
    }
  } catch (...) {
    result.emplace(caught_error());
  }
  host.forget(header);
  const ContextScope nothing(nullptr);
  answer(host, *cell, header, std::move(*result));
  host.finished(*cell, header.method);
}

template <auto kPointer, class A>
void invoke_task(Runtime& runtime, ActorCell& cell, IncomingCall call) {
  ActorHost& host = runtime.actors();
  const auto running = host.keep(cell, call);
  running->coroutine = run_task_method<kPointer, A>(host, cell.shared_from_this(),
                                                    running, std::move(call))
                           .coroutine;
  const ContextScope scope(&running->context);
  running->coroutine.resume();
}

/// A stream while it runs.
template <class T>
struct RunningStream {
  uint64_t items = 0;  ///< sent so far
  StreamSink<T> sink;
  std::optional<Stream<T>> stream;
};

template <auto kPointer, class A>
void invoke_stream(Runtime& runtime, ActorCell& cell, IncomingCall call) {
  using Signature = SignatureOf<kPointer>;
  using T = typename Signature::Result;
  ActorHost& host = runtime.actors();
  const auto running = host.keep(cell, call);
  const auto keep = cell.shared_from_this();
  auto header = header_of(call);
  const auto state = std::make_shared<RunningStream<T>>();
  auto end = [&host, keep, header](CallResult<Done> result, uint64_t items = 0) mutable {
    host.forget(header);
    const ContextScope nothing(nullptr);
    header.items = items;
    answer(host, *keep, header, std::move(result));
    host.finished(*keep, header.method);
  };
  state->sink.window = runtime.config().stream_window;
  state->sink.send = [&host, keep, header, items = &state->items](T value) mutable {
    Sealed<T> sealed(value);
    header.items = (*items)++;
    host.answer(*keep, header, FrameKind::kStreamItem, std::move(sealed.bytes),
                std::move(sealed.buffers), sealed.references);
  };
  // The running call holds the state, so that the end of the runtime frees both.
  state->sink.ended = [weak = std::weak_ptr(state),
                       end](const std::exception_ptr& error) {
    const auto last = weak.lock();  // this function lives in what it takes apart
    auto finish = end;
    CallResult<Done> result = guarded<Done>([&]() -> CallResult<Done> {
      if (error) std::rethrow_exception(error);
      return CallResult<Done>(Done{});
    });
    last->stream.reset();
    auto self = std::move(last->sink.ended);
    finish(std::move(result), last->items);
  };
  running->grow_window = [state, running_weak = std::weak_ptr(running)](uint32_t count) {
    state->sink.window += count;
    const auto context = running_weak.lock();
    if (!state->sink.waiting || !context) return;
    const ContextScope scope(&context->context);
    std::exchange(state->sink.waiting, nullptr).resume();
  };
  running->cancel_stream = [state] {
    state->sink.cancelled = true;
    if (!std::exchange(state->sink.waiting, nullptr)) return;
    if (state->sink.ended) state->sink.ended(nullptr);
  };
  const auto begun = guarded<Done>([&] {
    auto arguments = read_arguments<typename Signature::Arguments>(call);
    const ContextScope scope(&running->context);
    state->stream.emplace(std::apply(
        [&](auto&... each) {
          return (static_cast<A&>(*cell.actor).*kPointer)(std::move(each)...);
        },
        arguments));
    state->stream->start(state->sink);
    return CallResult<Done>(Done{});
  });
  if (!begun.has_value()) end(CallResult<Done>(begun.error()));
}

template <auto kPointer, class A>
MethodInfo make_method_info(const MethodOptions& options) {
  constexpr MethodKind kKind = SignatureOf<kPointer>::kKind;
  MethodInfo info;
  info.name = method_name<kPointer>();
  info.options = options;
  if constexpr (kKind == MethodKind::kReply) {
    info.invoke = &invoke_reply<kPointer, A>;
  } else if constexpr (kKind == MethodKind::kTask) {
    info.invoke = &invoke_task<kPointer, A>;
  } else if constexpr (kKind == MethodKind::kStream) {
    info.invoke = &invoke_stream<kPointer, A>;
  } else {
    info.invoke =
        options.on_pool ? &invoke_on_pool<kPointer, A> : &invoke_plain<kPointer, A>;
  }
  return info;
}

/// The methods of a class, in the order of its list.
template <class A>
const std::vector<MethodInfo>& method_table() {
  static const std::vector<MethodInfo> table = [] {
    std::vector<MethodInfo> methods;
    A::Methods::for_each([&]<auto kPointer>(const MethodOptions& options) {
      static_assert(std::is_base_of_v<typename SignatureOf<kPointer>::Owner, A>,
                    "the Methods list names a method of another class");
      static_assert(check_signature<kPointer>());
      methods.push_back(make_method_info<kPointer, A>(options));
    });
    return methods;
  }();
  return table;
}

template <class A>
std::shared_ptr<ActorCell> make_cell(std::string_view name, A* actor) {
  static_assert(std::is_base_of_v<Actor, A>, "actors derive from actors::Actor");
  auto cell = std::make_shared<ActorCell>();
  cell->name = std::string(name);
  cell->hash = name_hash(name);
  cell->class_name = class_name<A>();
  if constexpr (!std::is_same_v<decltype(&A::work), bool (Actor::*)()>) {
    static const std::string kWork = "work() of " + std::string(class_name<A>());
    static const std::string_view kWorkName = kWork;
    cell->work_name = &kWorkName;
  }
  cell->actor = actor;
  for (const MethodInfo& info : method_table<A>()) {
    cell->methods.emplace_back();
    cell->methods.back().info = &info;
  }
  return cell;
}

}  // namespace srpo::actors::detail

namespace srpo::actors {

template <class A>
void Runtime::host(std::string_view name, A& actor) {
  host_.add(detail::make_cell<A>(name, &actor));
}

template <class A>
void Runtime::host(std::string_view name, std::unique_ptr<A> actor) {
  auto cell = detail::make_cell<A>(name, actor.get());
  cell->owned = std::move(actor);
  host_.add(std::move(cell));
}

}  // namespace srpo::actors
