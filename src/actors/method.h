// What is known of an actor's methods at compile time: signature, options, name, place in
// the list.
#pragma once

#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "actors/call_result.h"
#include "actors/reply.h"
#include "actors/stream.h"
#include "actors/task.h"
#include "core/archive.h"

namespace srpo::actors {

/// How a method may be run and repeated.
struct MethodOptions {
  /// Running it twice does what running it once does: the runtime sends a call again when
  /// its callee is lost and replaced.
  bool idempotent = false;
  /// Sent so often again, at most; only if idempotent.
  int retries = 2;
  /// Sent again when there is no answer after so many milliseconds; only if idempotent;
  /// 0: never.
  int64_t retry_after_ms = 0;
  /// 0: ordered. Calls of all ordered methods of an actor run one at a time, in the order
  /// of arrival. n > 0: re-entrant. Up to n calls of this method run at the same time,
  /// and beside the ordered ones; they start in the order of arrival.
  int concurrency = 0;
  /// Runs on a thread of the pool, not on the reactor: for work that blocks. Plain
  /// methods only.
  bool on_pool = false;
  /// Of a call that gives none; 0: the runtime's.
  int64_t timeout_ms = 0;
};

/// A method with options, for a MethodList.
template <auto kPointer>
struct MethodWith {
  MethodOptions options;
};

/// `MethodList<&A::plain, method<&A::get>({.idempotent = true, .concurrency = 64})>`
template <auto kPointer>
consteval MethodWith<kPointer> method(MethodOptions options) {
  return {options};
}

namespace detail {

enum class MethodKind { kPlain, kReply, kTask, kStream };

template <class T>
struct ReplyOf : std::false_type {};
template <class R>
struct ReplyOf<Reply<R>> : std::true_type {
  using Result = R;
};

template <class T>
struct ReturnOf {
  static constexpr MethodKind kKind = MethodKind::kPlain;
  using Result = std::decay_t<T>;
};
template <>
struct ReturnOf<void> {
  static constexpr MethodKind kKind = MethodKind::kPlain;
  using Result = Done;
};
template <class R>
struct ReturnOf<Task<R>> {
  static constexpr MethodKind kKind = MethodKind::kTask;
  using Result = R;
};
template <>
struct ReturnOf<Task<void>> {
  static constexpr MethodKind kKind = MethodKind::kTask;
  using Result = Done;
};
template <class T>
struct ReturnOf<Stream<T>> {
  static constexpr MethodKind kKind = MethodKind::kStream;
  using Result = T;
};

template <class... Args>
struct LastOf {
  using Type = void;
};
template <class Only>
struct LastOf<Only> {
  using Type = Only;
};
template <class First, class... Rest>
requires(sizeof...(Rest) > 0) struct LastOf<First, Rest...> {
  using Type = typename LastOf<Rest...>::Type;
};

template <class Tuple, size_t... I>
auto first_of(std::index_sequence<I...>) -> std::tuple<std::tuple_element_t<I, Tuple>...>;

template <bool kDeferred, class Last, class R>
struct ResultType {
  using Type = typename ReturnOf<R>::Result;
};
template <class Last, class R>
struct ResultType<true, Last, R> {
  using Type = typename ReplyOf<Last>::Result;
};

template <class Method>
struct Signature;
template <class A, class R, class... Args>
struct Signature<R (A::*)(Args...)> {
  using Owner = A;
  using Last = std::decay_t<typename LastOf<Args...>::Type>;
  static constexpr bool kDeferred = ReplyOf<Last>::value;
  static constexpr MethodKind kKind = kDeferred ? MethodKind::kReply : ReturnOf<R>::kKind;
  using All = std::tuple<std::decay_t<Args>...>;
  using Arguments = decltype(first_of<All>(
      std::make_index_sequence<sizeof...(Args) - (kDeferred ? 1 : 0)>{}));
  using Result = typename ResultType<kDeferred, Last, R>::Type;
  static constexpr bool kTakesReferences = (std::is_reference_v<Args> || ...);
  static constexpr bool kWritesBack =
      ((std::is_lvalue_reference_v<Args> &&
        !std::is_const_v<std::remove_reference_t<Args>>) ||
       ...);
  static constexpr bool kIsCoroutine =
      kKind == MethodKind::kTask || kKind == MethodKind::kStream;
};
template <class A, class R, class... Args>
struct Signature<R (A::*)(Args...) const> : Signature<R (A::*)(Args...)> {};

template <class T>
struct IsMethodWith : std::false_type {};
template <auto kMember>
struct IsMethodWith<MethodWith<kMember>> : std::true_type {
  static constexpr auto kPointer = kMember;
};

/// The member pointer of an entry of a MethodList.
template <auto kEntry>
constexpr auto pointer_of() {
  using Entry = std::remove_cv_t<decltype(kEntry)>;
  if constexpr (IsMethodWith<Entry>::value) {
    return IsMethodWith<Entry>::kPointer;
  } else {
    return kEntry;
  }
}

template <auto kEntry>
constexpr MethodOptions options_of() {
  if constexpr (IsMethodWith<std::remove_cv_t<decltype(kEntry)>>::value) {
    return kEntry.options;
  } else {
    return {};
  }
}

/// Compared as types: comparing member pointers is no constant expression under UBSan.
template <auto kPointer>
struct MethodTag {};
template <auto kA, auto kB>
constexpr bool same_method() {
  return std::is_same_v<MethodTag<kA>, MethodTag<kB>>;
}

template <auto kPointer>
constexpr std::string_view spelled() {
  return __PRETTY_FUNCTION__;
}
template <class T>
constexpr std::string_view spelled_class() {
  return __PRETTY_FUNCTION__;
}

}  // namespace detail

/// Argument tuple, result, kind and owner of a method of an actor.
template <auto kPointer>
using SignatureOf = detail::Signature<std::remove_cv_t<decltype(kPointer)>>;

namespace detail {

/// Says in a sentence why a method cannot be called from elsewhere. A constant, so that
/// the sentence comes before whatever follows from the mistake.
template <auto kPointer>
consteval bool check_signature() {
  using Method = SignatureOf<kPointer>;
  static_assert(!Method::kWritesBack,
                "a parameter is written by the method: take it by value or const&, and "
                "return what the caller is to get");
  static_assert(!(Method::kIsCoroutine && Method::kTakesReferences),
                "a method that is a coroutine takes its parameters by value: references "
                "would point into the caller's frame, which is gone when it resumes");
  static_assert(core::Archivable<typename Method::Arguments>,
                "a parameter of this method cannot travel: give its type visit_fields "
                "(see core/archive.h)");
  static_assert(core::Archivable<typename Method::Result>,
                "the result of this method cannot travel: give its type visit_fields "
                "(see core/archive.h)");
  return true;
}

}  // namespace detail

/// "Counter::add", as the compiler spells it.
template <auto kPointer>
constexpr std::string_view method_name() {
  std::string_view text = detail::spelled<kPointer>();
  const size_t from = text.find("= &") + 3;
  text = text.substr(from, text.find_first_of(";]", from) - from);
  // Keep the last two parts: class and method.
  size_t cut = text.rfind("::");
  cut = cut == std::string_view::npos || cut == 0 ? std::string_view::npos
                                                  : text.rfind("::", cut - 1);
  return cut == std::string_view::npos ? text : text.substr(cut + 2);
}

/// "srpo::ranks::GeneratorRank", as the compiler spells it.
template <class T>
constexpr std::string_view class_name() {
  std::string_view text = detail::spelled_class<T>();
  const size_t from = text.find("T = ") + 4;
  return text.substr(from, text.find_first_of(";]", from) - from);
}

/// The methods that may be called from other ranks; the place in the list is the method's
/// number on the wire.
template <auto... kEntries>
struct MethodList {
  static constexpr size_t kCount = sizeof...(kEntries);

  template <auto kPointer>
  static constexpr int index_of() {
    int index = 0;
    int found = -1;
    ((detail::same_method<kPointer, detail::pointer_of<kEntries>()>() ? found = index
                                                                      : index,
      ++index),
     ...);
    return found;
  }
  template <auto kPointer>
  static constexpr MethodOptions options() {
    MethodOptions options;
    ((detail::same_method<kPointer, detail::pointer_of<kEntries>()>()
          ? options = detail::options_of<kEntries>()
          : options),
     ...);
    return options;
  }

  /// Calls `visit.template operator()<pointer>(options)` for every method, in order.
  template <class Visit>
  static void for_each(Visit&& visit) {
    (visit.template operator()<detail::pointer_of<kEntries>()>(
         detail::options_of<kEntries>()),
     ...);
  }
};

}  // namespace srpo::actors
