// Memory for kernels: 64-byte aligned, zeroed, freed with its owner. Allocation throws std::bad_alloc, which
// a kernel turns into kOutOfMemory before its threads start.
#pragma once

#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

namespace alfamix {

template <typename T>
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t count) {
    if (count == 0) return;
    if (count > static_cast<std::size_t>(-1) / sizeof(T) / 2) throw std::bad_alloc();
    data_ = static_cast<T*>(::operator new(count * sizeof(T), std::align_val_t(64)));
    std::memset(static_cast<void*>(data_), 0, count * sizeof(T));
  }
  ~Buffer() {
    if (data_ != nullptr) ::operator delete(data_, std::align_val_t(64));
  }
  Buffer(Buffer&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  Buffer& operator=(Buffer&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  T* get() const { return data_; }
  T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
};

}  // namespace alfamix
