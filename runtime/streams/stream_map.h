// StreamMap<K, S>: many streams under their keys, and a stream of what they
// give: std::pair(key, item), as the items come.
//
//   eddy::StreamMap<Topic, Subscription> topics;
//   topics.insert("weather", subscribe("weather"));
//   while (auto news = co_await topics.next()) {
//     auto& [topic, item] = *news;
//     if (item.is_last) topics.remove(topic);
//   }
//
// Each stream has a waker of its own: a wake polls that stream and not all. One
// whose items are always there has its next turn behind the others that were
// woken. A stream that ends is removed.
//
// Threads: belongs to one task.
// Cancel:  destroys the streams, last first. A dropped next() loses nothing.
// Errors:  a stream that throws is removed; the exception goes to whoever
//          awaits.
// Owner:   owns its streams; may be moved at any time. The end says that there
//          are none: insert more, and it goes on.
#ifndef EDDY_RUNTIME_STREAMS_STREAM_MAP_H_
#define EDDY_RUNTIME_STREAMS_STREAM_MAP_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>

#include "runtime/combinators/child_set.h"
#include "runtime/streams/stream.h"

namespace eddy {
namespace streams {

template <class K, class S>
class MapEntry final : public combinators::ChildNode {
 public:
  using Index = std::unordered_map<K, MapEntry*>;

  MapEntry(combinators::WokenQueue& queue, Index& index, const K& key,
           S&& stream)
      : ChildNode(queue), index_(index), key_(&key) {
    stream_.emplace(std::move(stream));
  }

  static MapEntry& of(combinators::ChildNode& node) {
    return static_cast<MapEntry&>(node);
  }

  const K& key() const { return *key_; }
  // What poll_next() gave.
  std::optional<ItemOf<S>> take() { return std::exchange(item_, std::nullopt); }

 private:
  ~MapEntry() = default;

  bool poll_child(Context& cx) override {
    PollNext<ItemOf<S>> next = stream_->poll_next(cx);
    if (next.is_pending()) return false;
    if (has_item(next)) item_.emplace(take_item(next));
    return true;
  }
  void drop_child() noexcept override {
    item_.reset();
    stream_.reset();
    index_.erase(index_.find(*key_));
  }
  void free() noexcept override { delete this; }

  Index& index_;
  const K* key_;  // in the index
  std::optional<S> stream_;
  std::optional<ItemOf<S>> item_;
};

}  // namespace streams

template <class K, Stream S>
class StreamMap : public StreamBase<StreamMap<K, S>> {
  using Entry = streams::MapEntry<K, S>;

 public:
  using Item = std::pair<K, ItemOf<S>>;

  StreamMap() : index_(std::make_unique<typename Entry::Index>()) {}
  StreamMap(StreamMap&&) noexcept = default;
  StreamMap& operator=(StreamMap&&) = delete;

  // Replaces the stream that has the key.
  void insert(K key, S stream) {
    remove(key);
    auto place = index_->emplace(std::move(key), nullptr).first;
    try {
      place->second = &children_.template emplace<Entry>(*index_, place->first,
                                                         std::move(stream));
    } catch (...) {
      index_->erase(place);
      throw;
    }
  }
  // False if there is none.
  bool remove(const K& key) {
    auto place = index_->find(key);
    if (place == index_->end()) return false;
    children_.remove(*place->second);
    return true;
  }

  bool contains(const K& key) const { return index_->count(key) != 0; }
  std::size_t size() const { return children_.size(); }
  bool empty() const { return children_.empty(); }

  PollNext<Item> poll_next(Context& cx) {
    while (!children_.empty()) {
      Poll<combinators::ChildNode&> ready = children_.poll(cx);
      if (ready.is_pending()) return kPending;
      Entry& entry = Entry::of(*ready);
      if (std::optional<ItemOf<S>> item = entry.take()) {
        children_.run_again(entry);
        return std::optional<Item>(std::in_place, entry.key(),
                                   *std::move(item));
      }
      children_.remove(entry);
    }
    return std::nullopt;
  }

 private:
  std::unique_ptr<typename Entry::Index> index_;  // outlives the children
  combinators::ChildSet children_;
};

}  // namespace eddy

#endif  // EDDY_RUNTIME_STREAMS_STREAM_MAP_H_
