#include "interpreter/core/http/url.h"

#include <gtest/gtest.h>

#include "interpreter/core/http/order.h"

namespace sufler {
namespace {

std::string read(std::string_view text) {
  const auto url = parse_http_url(text);
  if (url) return url->text();
  static const char* const kNames[] = {"scheme", "user", "host", "number", "port", "fragment", "character"};
  return kNames[static_cast<std::size_t>(url.error())];
}

TEST(HttpUrlTest, HasOneWayOfWritingForEachPlace) {
  EXPECT_EQ(read("https://API.Example.com"), "https://api.example.com/");
  EXPECT_EQ(read("HTTPS://api.example.com:443/a"), "https://api.example.com/a");
  EXPECT_EQ(read("http://api.example.com:80?a=b"), "http://api.example.com/?a=b");
  EXPECT_EQ(read("http://api.example.com:443/"), "http://api.example.com:443/");
  EXPECT_EQ(read("https://пример.рф/путь?а=б в"), "https://xn--e1afmkfd.xn--p1ai/%D0%BF%D1%83%D1%82%D1%8C?%D0%B0=%D0%B1%20%D0%B2");
  EXPECT_EQ(read("http://[0:0:0:0:0:FFFF:7f00:1]:8080/"), "http://[::ffff:127.0.0.1]:8080/");
  EXPECT_EQ(read("http://10.0.0.5/%7Ea;b=c"), "http://10.0.0.5/%7Ea;b=c");
}

TEST(HttpUrlTest, OnlyHttpIsAnAddress) {
  for (const char* text : {"file:///etc/passwd", "gopher://a/", "ftp://a/", "//a/", "a.example.com", "javascript:alert(1)", "httpss://a/", "", "data:,x"})
    EXPECT_EQ(read(text), "scheme") << text;
}

TEST(HttpUrlTest, NumbersThatHideAnAddressAreNone) {
  for (const char* host : {"2130706433", "0x7f000001", "0x7f.1", "127.1", "017700000001", "0177.0.0.1", "127.0.0.01", "10.0.0.256", "1.2.3.4.5", "a.0x1", "0"})
    EXPECT_EQ(read("http://" + std::string(host) + "/"), "number") << host;
  // Full-width digits are the digits, and compared as such.
  EXPECT_EQ(read("http://１２７.０.０.１/"), "http://127.0.0.1/");
}

TEST(HttpUrlTest, WhatElseIsNoAddress) {
  for (const char* text : {"http:///a", "http://a b/", "http://.a/", "http://a./", "http://a..b/", "http://a%2eb/", "http://[::1/", "http://[zz]/", "http://[fe80::1%25eth0]/", "http://a,b/"})
    EXPECT_EQ(read(text), "host") << text;
  for (const char* text : {"http://user@a.com/", "http://user:pass@a.com/", "https://api.example.com@evil.example/"}) EXPECT_EQ(read(text), "user") << text;
  for (const char* text : {"http://a:0/", "http://a:65536/", "http://a:/", "http://a:8o/", "http://a:+80/"}) EXPECT_EQ(read(text), "port") << text;
  EXPECT_EQ(read("http://a/#b"), "fragment");
  for (const char* text : {"http://a/\r\nX: y", "http://a/\t", "http://a\\@b/", "http://a/\x7f"}) EXPECT_EQ(read(text), "character") << text;
  EXPECT_EQ(read(std::string_view("http://a/\0b", 11)), "character");
  EXPECT_EQ(read("http://a/\xff"), "character");
}

TEST(AllowedPlaceTest, IsAHostAndPerhapsItsPort) {
  const auto covered = [](std::string_view place, std::string_view url) {
    const auto allowed = parse_allowed_place(place);
    return allowed && covers(*allowed, *parse_http_url(url));
  };
  EXPECT_TRUE(covered("api.example.com", "https://api.example.com/a"));
  EXPECT_TRUE(covered("API.example.com", "http://api.example.com/"));
  EXPECT_FALSE(covered("api.example.com", "https://api.example.com:8443/"));
  EXPECT_TRUE(covered("api.example.com:8443", "https://api.example.com:8443/"));
  EXPECT_FALSE(covered("api.example.com:8443", "https://api.example.com/"));
  EXPECT_FALSE(covered("example.com", "https://api.example.com/"));
  EXPECT_FALSE(covered("api.example.com", "https://api.example.com.evil.example/"));
  EXPECT_TRUE(covered("пример.рф", "https://xn--e1afmkfd.xn--p1ai/"));
  for (const char* text : {"https://api.example.com", "api.example.com/", "*.example.com", "a@b", "0x7f.1", "a:b", ""}) EXPECT_FALSE(parse_allowed_place(text)) << text;
}

TEST(AllowedPlaceTest, AddressesInNumbersAreMeantAsTheyStand) {
  for (const char* host : {"localhost", "127.0.0.1", "127.8.0.1", "10.0.0.5", "[::1]", "[fd00::1]"}) EXPECT_TRUE(is_named_address(host)) << host;
  for (const char* host : {"api.example.com", "localhost.example.com", "127.0.0.1.example.com"}) EXPECT_FALSE(is_named_address(host)) << host;
}

TEST(HttpCallTest, ComesBackFromJsonAsItWas) {
  HttpCall call;
  call.method = HttpMethod::Patch;
  call.url = "https://a/?q=1";
  call.headers = {{"X-A", "б"}, {"X-A", "\""}};
  call.type = "application/json";
  call.body = "{\"a\":1}";
  call.timeout = Duration{3'000};
  call.retry = 2;
  call.key = "k";
  call.spent = 1;
  call.known = 2;
  HttpCall back;
  ASSERT_TRUE(from_json(to_json(call), back));
  EXPECT_EQ(to_json(back), to_json(call));
  EXPECT_EQ(back.headers, call.headers);
  EXPECT_EQ(back.retry, call.retry);
  for (const char* text : {"", "{}", "[]", R"({"method":"HEAD","url":"https://a/","timeout":1})", R"({"url":"https://a/","timeout":0})", R"({"url":"a","timeout":1,"retry":-1})"})
    EXPECT_FALSE(from_json(text, back)) << text;
}

}  // namespace
}  // namespace sufler
