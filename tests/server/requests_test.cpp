// SPDX-License-Identifier: LGPL-2.1-or-later
// What single requests are made of: base64, two pictures in one, forms, recordings.
#include <fcntl.h>
#include <sys/mman.h>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "server/edge/multipart.h"
#include "server/link/shared_file.h"
#include "server/picture/base64.h"
#include "server/picture/blend.h"
#include "server/session/edit_requests.h"
#include "server/session/fast_video.h"
#include "server/worker/speech.h"
#include "streaming/base/error.h"

namespace liveedit::server {
namespace {

TEST(Base64, IsThatOfTheRfc) {
  const std::pair<const char*, const char*> known[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(encode_base64(bytes), text);
    std::string back;
    ASSERT_TRUE(decode_base64(text, &back)) << text;
    EXPECT_EQ(back, bytes);
  }
  std::string all, back;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  ASSERT_TRUE(decode_base64(encode_base64(all), &back));
  EXPECT_EQ(back, all);
  EXPECT_TRUE(decode_base64("Zm9v\r\nYg", &back));
  EXPECT_EQ(back, "foob");
}

TEST(Base64, WhatIsNoneIsRefused_n) {
  std::string bytes;
  for (const char* text : {"Z", "Zg=", "Zg===", "Z===", "=", "Zg==Zg==", "Zm9 v", "Zm9v-_", "Zm9v\xff", "====="})
    EXPECT_FALSE(decode_base64(text, &bytes)) << text;
}

TEST(Blend, MixesBytesAndStretches) {
  std::vector<uint8_t> picture(4 * 4 * 4, 100);
  const std::vector<uint8_t> other(2 * 2 * 4, 200);
  blend_pictures(picture.data(), {4, 4}, other.data(), {2, 2}, 0.25);
  for (size_t i = 0; i < picture.size(); ++i) EXPECT_EQ(picture[i], i % 4 == 3 ? 100 : 125);
  blend_pictures(picture.data(), {4, 4}, other.data(), {2, 2}, 0);
  EXPECT_EQ(picture[0], 125);
  blend_pictures(picture.data(), {4, 4}, other.data(), {2, 2}, 1);
  EXPECT_EQ(picture[0], 200);
  // Left black, right white: stretched from two pixels to four, a ramp.
  const std::vector<uint8_t> ramp = {0, 0, 0, 255, 200, 200, 200, 255};
  blend_pictures(picture.data(), {4, 1}, ramp.data(), {2, 1}, 1);
  EXPECT_EQ((std::vector<int>{picture[0], picture[4], picture[8], picture[12]}), (std::vector<int>{0, 50, 150, 200}));
}

TEST(Multipart, FindsTheFile) {
  const std::string body =
      "--b\r\nContent-Disposition: form-data; name=\"language\"\r\n\r\nen\r\n"
      "--b\r\ncontent-disposition: FORM-DATA; filename=\"a; name=x.wav\"; name=file\r\nContent-Type: audio/wav\r\n\r\n"
      "\r\n--c bytes\r\n--b--\r\n";
  const char* type = "multipart/form-data; charset=x; boundary=\"b\"";
  EXPECT_EQ(form_part(body, type, "file"), "\r\n--c bytes");
  EXPECT_EQ(form_part(body, "Multipart/Form-Data;boundary=b", "language"), "en");
  EXPECT_FALSE(form_part(body, type, "filename"));
  EXPECT_EQ(form_part("preamble\r\n" + body, type, "language"), "en");
}

TEST(Multipart, WhatIsCutOffIsNone_n) {
  const std::string body = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nbytes\r\n--b--\r\n";
  const char* type = "multipart/form-data; boundary=b";
  for (size_t size = 0; size < body.size() - 6; ++size)
    EXPECT_FALSE(form_part(std::string_view(body).substr(0, size), type, "file")) << size;
  for (const char* wrong : {"", "text/plain", "multipart/form-data", "multipart/form-data; boundary=",
                            "multipart/form-data; boundary=\"b", "multipart/form-data; boundary=c"})
    EXPECT_FALSE(form_part(body, wrong, "file")) << wrong;
  EXPECT_FALSE(form_part(body, "multipart/form-data; boundary=" + std::string(71, 'b'), "file"));
}

TEST(SharedFile, ArrivesAsItWas) {
  const std::string bytes(100000, 'x');
  const UniqueFd fd = share_file(bytes);
  EXPECT_TRUE(read_shared_file(fd, bytes.size()) == bytes);
  EXPECT_LT(pwrite(fd.get(), "y", 1, 0), 0) << "it could be changed behind the reader's back";
  EXPECT_EQ(read_shared_file(share_file(""), 0), "");
}

TEST(SharedFile, OthersAreRefused_n) {
  EXPECT_THROW(read_shared_file(share_file("12345"), 4), streaming::Error);
  EXPECT_THROW(read_shared_file(UniqueFd(), 10), streaming::Error);
  const UniqueFd unsealed(memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  EXPECT_THROW(read_shared_file(unsealed, 10), streaming::Error);
}

TEST(EditRequest, IsReadWithItsDefaults) {
  const EditRequest request = parse_edit_request(R"({"image": "data:image/png;base64,Zm9v", "ref_image": null})");
  EXPECT_EQ(request.image, "foo");
  EXPECT_EQ(request.reference, "");
  EXPECT_EQ(request.blend, 0.5);
  const auto parameters = nlohmann::json::parse(request.parameters);
  EXPECT_EQ(parameters, (nlohmann::json{{"num_inference_steps", 4}, {"seed", 42}}));
  const auto guided = parse_edit_request(
      R"({"image": "Zm9v", "prompt": "x", "steps": 8, "ref_image": "Zm9vYg", "blend_ratio": 1, "use_cfg": true})");
  EXPECT_EQ(guided.reference, "foob");
  EXPECT_EQ(guided.blend, 1);
  EXPECT_EQ(nlohmann::json::parse(guided.parameters),
            (nlohmann::json{{"num_inference_steps", 8}, {"seed", 42}, {"prompt", "x"}, {"guidance_scale", 4.0}}));
}

TEST(EditRequest, WhatIsWrongIsRefused_n) {
  for (const char* body :
       {"", "[]", "{}", R"({"image": 7})", R"({"image": ""})", R"({"image": "!"})", R"({"image": "data:x"})",
        R"({"image": "Zm9v", "steps": 1})", R"({"image": "Zm9v", "steps": 9})", R"({"image": "Zm9v", "steps": 2.5})",
        R"({"image": "Zm9v", "steps": 18446744073709551615})", R"({"image": "Zm9v", "steps": "4"})",
        R"({"image": "Zm9v", "blend_ratio": -0.1})", R"({"image": "Zm9v", "blend_ratio": 1.1})",
        R"({"image": "Zm9v", "blend_ratio": "1"})", R"({"image": "Zm9v", "use_cfg": 1})",
        R"({"image": "Zm9v", "ref_image": 1})", R"({"image": "http://169.254.169.254/"})",
        R"({"image": "file:///etc/passwd"})"})
    EXPECT_THROW(parse_edit_request(body), streaming::Error) << body;
}

TEST(FastVideo, TakesDataUrlsOfJpegs) {
  EXPECT_EQ(jpeg_of_data_url("data:image/jpeg;base64,Zm9v"), "foo");
  for (const char* url : {"", "Zm9v", "data:image/jpeg;base64,!", "data:text/html;base64,Zm9v", "http://x/"})
    EXPECT_EQ(jpeg_of_data_url(url), "") << url;
}

TEST(Speech, KnowsRecordingsByTheirFirstBytes) {
  using namespace std::string_literals;  // NOLINT: these texts have zeros in them
  const std::string rest(20, '\0');
  EXPECT_EQ(decoder_of("RIFF....WAVE" + rest), "wavparse");
  EXPECT_EQ(decoder_of("\x1a\x45\xdf\xa3" + rest), "matroskademux ! opusdec");
  EXPECT_EQ(decoder_of("OggS" + rest), "oggdemux ! opusdec");
  EXPECT_EQ(decoder_of("fLaC" + rest), "flacparse ! flacdec");
  EXPECT_EQ(decoder_of("\0\0\0\x18"s + "ftypmp42" + rest), "qtdemux ! aacparse ! avdec_aac");
  for (const std::string& file : {""s, "RIFF"s, "RIFF....AVI " + rest, "#!/bin/sh" + rest, "ftyp" + rest, "OggS"s})
    EXPECT_EQ(decoder_of(file), "") << file;
}

}  // namespace
}  // namespace liveedit::server
