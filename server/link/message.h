// SPDX-License-Identifier: LGPL-2.1-or-later
// What the edge and a worker say to each other.
//
//   to the worker                          from the worker
//   kOpen   a session (fd: its memory)     kHello   what there is: the elements' properties, the pipelines (JSON)
//   kSet    its parameters                 kAlive   every second, with what the first session's model runs with (JSON)
//   kFrame  a picture lies in the slot     kBusy    may be silent for as long as loading a model may take
//   kClose  the session                    kLoading, kLoaded  a session's model; kLoading with what is being done
//   kSpeech a recording (fd: the file)     kPicture, kLost  each frame ends in exactly one of them, with its slot
//   kListen to sound that is to come       kNote, kFailed   a sentence for the person; after kFailed the session (or
//   kSound  some of it (fd), until kClose   the listener) is gone
//                                          kText, kRefused, kFailed  a recording ends in one of them: what is said in
//                                           it; what is wrong with it; why there is no text
//                                          kTaken, kHeard   each kSound once it is taken in; what was said
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "server/link/unique_fd.h"

namespace liveedit::server {

using Value = std::variant<bool, int64_t, double, std::string>;
// By the name of a property of the element that edits, with its dashes.
using Parameters = std::map<std::string, Value>;

enum class MessageKind {
  kOpen,
  kSet,
  kFrame,
  kClose,
  kHello,
  kAlive,
  kBusy,
  kLoading,
  kLoaded,
  kPicture,
  kLost,
  kNote,
  kFailed,
  kSpeech,
  kText,
  kRefused,
  kListen,
  kSound,
  kTaken,
  kHeard,
};

// The file of kSound: one channel of 16-bit samples, the lower byte first.
constexpr int kListenRate = 16000;          // samples a second
constexpr size_t kListenBytes = 2 * 16000;  // at most: a second

struct Message {
  MessageKind kind = MessageKind::kAlive;
  uint32_t session = 0;            // kSpeech and its answers: the recording; kListen, kSound and theirs: the listener
  uint64_t frame = 0;              // kFrame, kPicture, kLost: counts from 1 within a session
  uint32_t slot = 0;               // the same
  uint32_t width = 0, height = 0;  // kFrame, kPicture: pixels; kOpen: the largest
  uint32_t slots = 0;              // kOpen
  std::string text;                // kOpen: the pipeline's name; kHello: JSON; otherwise a sentence
  Parameters parameters;           // kOpen, kSet; kSpeech: "language"; kHeard: "command", where it is one
  UniqueFd fd;                     // kOpen, kSpeech, kSound
};

// One datagram, without the descriptor.
std::string encode_message(const Message& message);
// false: this is no message.
bool decode_message(std::string_view datagram, Message* message);

constexpr size_t kDatagramBytes = 128 * 1024;

}  // namespace liveedit::server
