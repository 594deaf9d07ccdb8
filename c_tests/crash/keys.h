// keys.h - TiKV's keys and values, encoded here without the library under test.
#ifndef KEYS_H
#define KEYS_H

#include <cstdint>
#include <string>
#include <tuple>

// Numbers that a seed decides (splitmix64).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t Below(uint64_t n) {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n;
  }
  bool Percent(uint64_t chance) { return Below(100) < chance; }

 private:
  uint64_t state_;
};

enum Family { DEFAULT, WRITE, LOCK, EXTRA, LEDGER, FAMILIES };

struct Row {
  char mode; // r or x; e: as r, but in the extra family
  uint32_t keyspace;
  std::string user_key;
  bool operator<(const Row& other) const {
    return std::tie(mode, keyspace, user_key) < std::tie(other.mode, other.keyspace, other.user_key);
  }
};

inline std::string BigEndian(uint64_t number, int bytes) {
  std::string text;
  for (int i = bytes - 1; i >= 0; --i) text += static_cast<char>(number >> (8 * i));
  return text;
}

inline std::string Memcomparable(const std::string& bytes) {
  std::string text;
  for (size_t at = 0; at <= bytes.size(); at += 8) {
    const std::string group = bytes.substr(at, 8);
    text += group + std::string(8 - group.size(), '\0') + static_cast<char>(0xff - (8 - group.size()));
  }
  return text;
}

// What stands before the timestamp; the key of a lock.
inline std::string RowKey(const std::string& prefix, const Row& row) {
  return prefix + Memcomparable((row.mode == 'x' ? 'x' : 'r') + BigEndian(row.keyspace, 3) + row.user_key);
}

inline std::string VersionKey(const std::string& row_key, uint64_t ts) { return row_key + BigEndian(~ts, 8); }

// Bytes that tell where they belong.
inline std::string Payload(uint64_t ts, size_t len) {
  std::string text = std::to_string(ts) + ".";
  while (text.size() < len) text += text;
  return text.substr(0, len);
}

inline std::string Varint(uint64_t number) {
  std::string text;
  for (; number >= 0x80; number >>= 7) text += static_cast<char>(number | 0x80);
  return text + static_cast<char>(number);
}

inline std::string Hex(const std::string& bytes) {
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

inline std::string Unhex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

#endif
