// SPDX-License-Identifier: LGPL-2.1-or-later
// What the server is made of: messages and memory of the worker, what clients say and set.
#include <fcntl.h>
#include <sys/mman.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/link/channel.h"
#include "server/link/frame_memory.h"
#include "server/session/frame_protocol.h"
#include "server/session/parameters.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

using Outcome = FrameProtocol::Outcome;

TEST(Link, MessagesArriveAsTheyWere) {
  auto [a, b] = Channel::make_pair();
  Channel edge(std::move(a)), worker(std::move(b));
  Message open;
  open.kind = MessageKind::kOpen;
  open.session = 7;
  open.width = 640;
  open.slots = 2;
  open.text = "full";
  open.parameters = {{"prompt", std::string("\"ä\"\n")}, {"strength", 0.1}, {"seed", int64_t{-1}}, {"enabled", false}};
  open.fd = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ASSERT_TRUE(edge.send(open));
  Message got;
  ASSERT_EQ(worker.receive(&got, 1000), Channel::Result::kMessage);
  EXPECT_EQ(got.kind, MessageKind::kOpen);
  EXPECT_EQ(got.session, 7u);
  EXPECT_EQ(got.width, 640u);
  EXPECT_EQ(got.slots, 2u);
  EXPECT_EQ(got.text, "full");
  EXPECT_EQ(got.parameters, open.parameters);
  EXPECT_GE(fcntl(got.fd.get(), F_GETFD), 0);
  EXPECT_EQ(worker.receive(&got, 0), Channel::Result::kNothing);
}

TEST(Link, TheEndIsNoticed_n) {
  auto [a, b] = Channel::make_pair();
  Channel edge(std::move(a));
  b.reset();
  Message message;
  EXPECT_EQ(edge.receive(&message, 1000), Channel::Result::kEnd);
  EXPECT_FALSE(edge.send(message));
}

TEST(Link, WhoDoesNotListenHoldsNobodyUp_n) {
  auto [a, b] = Channel::make_pair();
  Channel edge(std::move(a));
  Message message;
  message.kind = MessageKind::kSet;
  message.text = std::string(10000, 'x');
  int sent = 0;
  while (sent < 100000 && edge.send(message)) ++sent;
  EXPECT_LT(sent, 100000);
  message.text = std::string(kDatagramBytes, 'x');
  EXPECT_FALSE(edge.send(message)) << "longer than any message";
}

TEST(Link, NonsenseIsNoMessage_n) {
  Message message;
  for (const char* text :
       {"", "{", "[]", "{}", "{\"kind\":7}", "{\"kind\":\"nothing\"}", "{\"kind\":\"frame\",\"slot\":-1}",
        "{\"kind\":\"frame\",\"slot\":4294967296}", "{\"kind\":\"frame\",\"slot\":1.5}",
        "{\"kind\":\"set\",\"parameters\":[]}", "{\"kind\":\"set\",\"parameters\":{\"a\":null}}",
        "{\"kind\":\"set\",\"parameters\":{\"a\":18446744073709551615}}", "{\"kind\":\"open\",\"text\":1}"})
    EXPECT_FALSE(decode_message(text, &message)) << text;
}

TEST(Link, BothSidesSeeTheSameMemory) {
  const auto edge = FrameMemory::create(64, 32, 2);
  const auto worker = FrameMemory::attach(edge->share(), 64, 32, 2);
  for (uint32_t slot = 0; slot < 2; ++slot) {
    edge->in(slot)[64 * 32 * 4 - 1] = static_cast<uint8_t>(10 + slot);
    worker->out(slot)[0] = static_cast<uint8_t>(20 + slot);
  }
  for (uint32_t slot = 0; slot < 2; ++slot) {
    EXPECT_EQ(worker->in(slot)[64 * 32 * 4 - 1], 10 + slot);
    EXPECT_EQ(edge->out(slot)[0], 20 + slot);
  }
  EXPECT_TRUE(edge->fits(1, 64, 32));
  EXPECT_FALSE(edge->fits(2, 64, 32));
  EXPECT_FALSE(edge->fits(0, 65, 32));
  EXPECT_FALSE(edge->fits(0, 64, 33));
  EXPECT_FALSE(edge->fits(0, 0, 1));
}

TEST(Link, OtherMemoryIsRefused_n) {
  const auto memory = FrameMemory::create(64, 32, 2);
  EXPECT_THROW(FrameMemory::attach(memory->share(), 64, 33, 2), streaming::Error);
  EXPECT_THROW(FrameMemory::attach(memory->share(), 64, 32, 3), streaming::Error);
  EXPECT_THROW(FrameMemory::attach(memory->share(), 0, 32, 2), streaming::Error);
  EXPECT_THROW(FrameMemory::attach(memory->share(), 4294967295u, 4294967295u, 64), streaming::Error);
  EXPECT_THROW(FrameMemory::attach(UniqueFd(), 64, 32, 2), streaming::Error);
  UniqueFd unsealed(memfd_create("test", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(unsealed.get(), 1 << 20), 0);
  EXPECT_THROW(FrameMemory::attach(std::move(unsealed), 64, 32, 2), streaming::Error);
  EXPECT_NE(ftruncate(memory->share().get(), 1), 0) << "it could be taken from under the other side";
}

TEST(FrameProtocol, ThreeMessagesAreAFrame) {
  FrameProtocol protocol(1000);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(protocol.on_text("{\"status\":\"next_frame\"}").kind, Outcome::kNothing);
    EXPECT_EQ(protocol.on_text("{\"prompt\":\"x\",\"mode\":\"human\"}").kind, Outcome::kNothing);
    EXPECT_EQ(protocol.on_binary("jpeg").kind, Outcome::kFrame);
    EXPECT_EQ(protocol.image(), "jpeg");
    EXPECT_EQ(protocol.parameters(), "{\"prompt\":\"x\",\"mode\":\"human\"}");
    const Outcome mode = protocol.on_text("{\"mode\":\"human\"}");
    EXPECT_EQ(mode.kind, Outcome::kMode);
    EXPECT_EQ(mode.text, "human");
  }
  protocol.on_text("{\"status\":\"next_frame\"}");
  protocol.on_text("{}");
  EXPECT_EQ(protocol.on_binary("").kind, Outcome::kNoFrame);
}

TEST(FrameProtocol, EveryOtherOrderIsRefused_n) {
  // Of all sequences of three messages only the one of a frame gets through.
  const std::string next = "{\"status\":\"next_frame\"}", parameters = "{\"prompt\":\"x\"}";
  for (int sequence = 0; sequence < 27; ++sequence) {
    FrameProtocol protocol(1000);
    Outcome outcome;
    int index = sequence;
    for (int i = 0; i < 3 && outcome.kind == Outcome::kNothing; ++i, index /= 3)
      outcome = index % 3 == 0   ? protocol.on_text(next)
                : index % 3 == 1 ? protocol.on_text(parameters)
                                 : protocol.on_binary("jpeg");
    // What comes after next_frame is the parameters, whatever is in it.
    const bool good = sequence == 0 + 3 * 1 + 9 * 2 || sequence == 0 + 3 * 0 + 9 * 2;
    EXPECT_EQ(outcome.kind, good ? Outcome::kFrame : Outcome::kBroken) << sequence;
  }
}

TEST(FrameProtocol, LengthsAreLimited_n) {
  FrameProtocol protocol(30);
  EXPECT_EQ(protocol.on_text(std::string(31, ' ')).kind, Outcome::kBroken);
  EXPECT_EQ(protocol.on_text("{\"status\":\"next_frame\"}       ").kind, Outcome::kNothing);
}

TEST(UserIds, AreWordsOfSixtyFourAtMost) {
  EXPECT_TRUE(valid_user_id("user123"));
  EXPECT_TRUE(valid_user_id("5cc0bb6c-9d1c-4c5c-8f5c-0e2b4f1f7f00"));
  EXPECT_TRUE(valid_user_id(std::string(64, '_')));
  for (const char* wrong : {"", "a.b", "a b", "ä", "a/b", "../a"}) EXPECT_FALSE(valid_user_id(wrong)) << wrong;
  EXPECT_FALSE(valid_user_id(std::string(65, 'a')));
}

constexpr const char* kDescribed = R"([
  {"name": "prompt", "title": "Prompt", "about": "What it becomes.", "type": "string", "default": ""},
  {"name": "strength", "title": "Strength", "about": "", "type": "number", "default": -1, "min": -1, "max": 1},
  {"name": "new-thing", "title": "New", "about": "", "type": "integer", "default": 3, "min": -5, "max": 5},
  {"name": "switch", "title": "Switch", "about": "", "type": "boolean", "default": true},
  {"name": "kind", "title": "Kind", "about": "", "type": "choice", "default": "a", "choices": [{"value": "a"}, {"value": "b"}]},
  {"name": "broken", "type": "integer", "default": 1}, {"type": "string", "default": ""}, 7])";

TEST(Parameters, AreReadByTheirTypes) {
  const ParameterTable table(kDescribed);
  EXPECT_EQ(table.specs().size(), 5u);
  Parameters read = {{"kept", true}};
  EXPECT_EQ(
      table.read(
          R"({"prompt": "x", "strength": 1, "new_thing": 4.0, "switch": false, "kind": "b", "width": 512, "broken": 9})",
          100, &read),
      "");
  EXPECT_EQ(read, (Parameters{{"kept", true},
                              {"prompt", std::string("x")},
                              {"strength", 1.0},
                              {"new-thing", int64_t{4}},
                              {"switch", false},
                              {"kind", std::string("b")}}));
  EXPECT_EQ(table.read(R"({"strength": -1, "prompt": null})", 100, &read), "")
      << "the element's own default is allowed";
}

TEST(Parameters, WrongValuesAreToldAndChangeNothing_n) {
  const ParameterTable table(kDescribed);
  Parameters read;
  for (const char* text :
       {R"({"prompt": 1})", R"({"prompt": ["x"]})", R"({"strength": -0.01})", R"({"strength": 1.01})",
        R"({"strength": true})", R"({"strength": 1e999})", R"({"new_thing": 6})", R"({"new_thing": 1.5})",
        R"({"new_thing": "1"})", R"({"switch": 1})", R"({"kind": "c"})", R"({"kind": 0})", R"({"prompt": "\u0000"})",
        R"({"prompt": "12345678901"})", R"([])", R"({)"}) {
    EXPECT_NE(table.read(text, 10, &read), "") << text;
  }
  EXPECT_EQ(table.read(R"({"prompt": "x", "new_thing": 9})", 10, &read), "new_thing is a number from -5.0 to 5.0.");
  EXPECT_TRUE(read.empty());
}

TEST(Parameters, ANewPropertyIsInTheSettings) {
  ParameterTable table(kDescribed);
  table.show_defaults_of(R"({"model-strength": 0.5, "model-new-thing": 99, "frames-in": 4})");
  const auto json = nlohmann::json::parse(settings_json(table, {"image", 640, 384, 5, {"full", "human"}}));
  const auto& properties = json["input_params"]["properties"];
  EXPECT_EQ(properties["new_thing"]["field"], "range");
  EXPECT_EQ(properties["new_thing"]["default"], 3) << "what it cannot be is not shown";
  EXPECT_EQ(properties["strength"]["default"], 0.5);
  EXPECT_EQ(properties["strength"]["min"], 0.0);
  EXPECT_EQ(properties["kind"]["values"], (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(properties["switch"]["field"], "checkbox");
  EXPECT_EQ(properties["width"]["default"], 640);
  EXPECT_EQ(json["info"]["properties"]["modes"]["values"], (std::vector<std::string>{"full", "human"}));
  EXPECT_EQ(json["max_queue_size"], 5);
}

TEST(Parameters, WhatIsNoTableIsEmpty_n) {
  for (const char* text : {"", "{}", "[1]", "[[]]", "[{\"name\":\"x\"}]"})
    EXPECT_TRUE(ParameterTable(text).specs().empty()) << text;
}

}  // namespace
}  // namespace liveedit::server
