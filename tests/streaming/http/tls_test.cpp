// SPDX-License-Identifier: LGPL-2.1-or-later
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "streaming/base/error.h"
#include "tests/streaming/http/raw_client.h"

namespace liveedit::streaming::http::testing {
namespace {

template <auto Free>
struct Freed {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using CertificatePtr = std::unique_ptr<X509, Freed<X509_free>>;

// A certificate for localhost and its key, as PEM files in a folder that goes with it.
class Files {
 public:
  Files() {
    char name[] = "/tmp/liveedit-tls-XXXXXX";
    folder_ = mkdtemp(name);
    const KeyPtr key(EVP_EC_gen("P-256"));
    const CertificatePtr certificate(X509_new());
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* subject = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                               0);
    X509_set_issuer_name(certificate.get(), subject);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    FILE* file = std::fopen(certificate_file().c_str(), "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    file = std::fopen(key_file().c_str(), "w");
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
  }
  ~Files() {
    unlink(certificate_file().c_str());
    unlink(key_file().c_str());
    rmdir(folder_.c_str());
  }
  std::string certificate_file() const { return folder_ + "/certificate.pem"; }
  std::string key_file() const { return folder_ + "/key.pem"; }

 private:
  std::string folder_;
};

class TlsClient {
 public:
  explicit TlsClient(int port)
      : plain_(port), context_(SSL_CTX_new(TLS_client_method())), tls_(SSL_new(context_.get())) {
    SSL_set_fd(tls_.get(), plain_.descriptor());
    connected_ = SSL_connect(tls_.get()) == 1;
  }
  bool connected() const { return connected_; }
  void send(std::string_view text) { SSL_write(tls_.get(), text.data(), static_cast<int>(text.size())); }
  // Up to the first pause or the end.
  std::string receive(size_t at_least) {
    std::string text;
    char bytes[4096];
    int got = 0;
    while (text.size() < at_least && (got = SSL_read(tls_.get(), bytes, sizeof bytes)) > 0) text.append(bytes, got);
    return text;
  }

 private:
  RawClient plain_;
  std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>> context_;
  std::unique_ptr<SSL, Freed<SSL_free>> tls_;
  bool connected_ = false;
};

ServerConfig with_tls(const Files& files) {
  ServerConfig config = any_port();
  config.tls_certificate = files.certificate_file();
  config.tls_private_key = files.key_file();
  return config;
}

TEST(Tls, ServesRequestsAndStreams) {
  const Files files;
  TestServer on(with_tls(files));
  EXPECT_EQ(on.server->url().substr(0, 8), "https://");
  TlsClient client(on.server->port());
  ASSERT_TRUE(client.connected());
  client.send("GET /hello?name=tls HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(client.receive(100).find("hello tls"), std::string::npos);
  client.send("GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto stream = on.wait_for_stream();
  ASSERT_TRUE(stream);
  EXPECT_NE(client.receive(100).find("HTTP/1.1 200"), std::string::npos);
  const std::string picture(300000, 'p');
  stream->push(std::make_shared<const std::string>(picture));
  EXPECT_EQ(client.receive(picture.size()), picture);
}

TEST(Tls, WhatIsNoTlsIsDropped_n) {
  const Files files;
  ServerConfig config = with_tls(files);
  config.limits.header_time = std::chrono::milliseconds(2500);
  TestServer on(config);
  RawClient plain(on.server->port()), silent(on.server->port());
  plain.send("GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_TRUE(plain.closes_within(std::chrono::seconds(60)));
  EXPECT_TRUE(silent.closes_within(std::chrono::seconds(60))) << "a handshake that does not begin";
  EXPECT_TRUE(TlsClient(on.server->port()).connected());
}

TEST(Tls, ASlowHeaderIsToldSo_n) {
  const Files files;
  ServerConfig config = with_tls(files);
  config.limits.header_time = std::chrono::milliseconds(2500);
  TestServer on(config);
  TlsClient slow(on.server->port());
  slow.send("GET /hello HTT");
  EXPECT_NE(slow.receive(20).find("408"), std::string::npos);
}

std::string refusal_of(const ServerConfig& config) {
  try {
    Server::start(config, {});
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Tls, FilesThatDoNotFitAreNamed_n) {
  const Files files, others;
  ServerConfig config = with_tls(files);
  config.tls_certificate = "/nowhere/certificate.pem";
  EXPECT_NE(refusal_of(config).find("/nowhere/certificate.pem"), std::string::npos);
  config = with_tls(files);
  config.tls_private_key = others.key_file();
  EXPECT_NE(refusal_of(config).find(others.key_file()), std::string::npos);
  config = with_tls(files);
  config.tls_certificate = files.key_file();
  EXPECT_NE(refusal_of(config), "");
  config = any_port();
  config.tls_private_key = files.key_file();
  EXPECT_NE(refusal_of(config).find("tls-certificate"), std::string::npos);
}

}  // namespace
}  // namespace liveedit::streaming::http::testing
