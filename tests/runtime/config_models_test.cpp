// `models:` of the configuration: what is read, what is usual, and what is said of each mistake.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "interpreter/runtime/config.h"

namespace sufler {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class ConfigModelsTest : public ::testing::Test {
 protected:
  ConfigModelsTest() : folder_(fs::temp_directory_path() / ("sufler-models-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    setenv("SUFLER_TEST_TOKEN", "123456:CANARY-of-the-configuration-test", 1);
    setenv("SUFLER_TEST_KEY", "sk-CANARY-of-the-model-key", 1);
    unsetenv("SUFLER_TEST_UNSET");
    std::ofstream(folder_ / "ca.pem") << "-----BEGIN CERTIFICATE-----\n";
  }
  ~ConfigModelsTest() override { fs::remove_all(folder_); }

  fs::path write(const std::string& models) {
    const fs::path path = folder_ / "sufler.yaml";
    std::ofstream(path) << "models:\n  default: " << models << "\nbots: {shop: {scenario: s, telegram: {token: \"${SUFLER_TEST_TOKEN}\"}}}\n";
    return path;
  }
  LoadedConfig load(const std::string& model) { return load_config(write(model).string(), {{"telegram", {"token"}}}); }
  ModelConnection model(const std::string& text) {
    LoadedConfig loaded = load(text);
    EXPECT_TRUE(loaded.config) << problems(loaded);
    return loaded.config ? loaded.config->models.at(0) : ModelConnection();
  }
  static std::string problems(LoadedConfig& loaded) {
    std::string out;
    for (const Diagnostic& one : loaded.diagnostics.sorted()) out += std::string(code_of(one.id)) + " " + message_of(one, Language::English) + "\n";
    return out;
  }
  std::string problems_of(const std::string& model) {
    LoadedConfig loaded = load(model);
    EXPECT_FALSE(loaded.config) << model;
    return problems(loaded);
  }
  fs::path folder_;
};

TEST_F(ConfigModelsTest, TheExampleOfTheDesignIsRead) {
  const ModelConnection one = model("{url: \"https://api.openai.com/v1/\", key: \"${SUFLER_TEST_KEY}\", model: gpt-4o-mini, timeout: 30s}");
  EXPECT_EQ(one.name, "default");
  EXPECT_EQ(one.url, "https://api.openai.com/v1");
  EXPECT_EQ(one.model, "gpt-4o-mini");
  EXPECT_EQ(one.kind, ModelKind::OpenAi);
  EXPECT_EQ(one.timeout, Duration{30'000});
  EXPECT_EQ(one.key, "sk-CANARY-of-the-model-key");
  EXPECT_EQ(redact("the key " + one.key), "the key ***");
  EXPECT_EQ(one.flags.max_tokens_field, "max_completion_tokens");
}

TEST_F(ConfigModelsTest, EverythingIsRead) {
  std::ofstream(folder_ / "key") << "key-CANARY-of-a-file\n";
  const ModelConnection one = model(R"(
    url: http://10.0.0.5:9000/v1
    kind: vllm
    key: file:key
    model: qwen
    header: X-API-Key
    prefix: ""
    headers: {X-Title: shop}
    project: b1g
    ca: ca.pem
    proxy: socks5h://127.0.0.1:1080
    timeout: 90s
    connect_timeout: 5s
    stall: 20s
    budget: 3m
    max_answer: 4MB
    at_once: 8
    repeats: 1
    stream: true
    temperature: 0.2
    parameters: {top_p: 0.9, seed: 7, reasoning_effort: low, logprobs: false, word: "7"}
    embeddings: bge
    embeddings_query: bge-q
    embeddings_batch: 8
    max_tokens_field: none
    system_role: developer
    tool_choice: false
    parallel_calls: false
    strict: true
    stream_usage: false
    json_schema: json_object
    tools: none
)");
  EXPECT_EQ(one.kind, ModelKind::Vllm);
  EXPECT_EQ(one.key, "key-CANARY-of-a-file");
  EXPECT_EQ(one.header, "X-API-Key");
  EXPECT_EQ(one.prefix, "");
  ASSERT_EQ(one.headers.size(), 2U);
  EXPECT_EQ(one.headers[1].first, "OpenAI-Project");
  EXPECT_EQ(one.ca_file, (folder_ / "ca.pem").string());
  EXPECT_EQ(one.proxy, "socks5h://127.0.0.1:1080");
  EXPECT_EQ(one.connect_timeout, Duration{5'000});
  EXPECT_EQ(one.stall, Duration{20'000});
  EXPECT_EQ(one.budget, Duration{180'000});
  EXPECT_EQ(one.most_answer_bytes, std::size_t{4} << 20);
  EXPECT_EQ(one.at_once, 8U);
  EXPECT_EQ(one.repeats, 1U);
  EXPECT_TRUE(one.stream);
  EXPECT_EQ(one.temperature, "0.2");
  using Fields = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(one.parameters, (Fields{{"top_p", "0.9"}, {"seed", "7"}, {"reasoning_effort", "\"low\""}, {"logprobs", "false"}, {"word", "\"7\""}}));
  EXPECT_EQ(one.embeddings_model, "bge");
  EXPECT_EQ(one.embeddings_query_model, "bge-q");
  EXPECT_EQ(one.flags.embeddings_batch, 8U);
  EXPECT_EQ(one.flags.max_tokens_field, "");
  EXPECT_EQ(one.flags.system_role, "developer");
  EXPECT_FALSE(one.flags.tool_choice);
  EXPECT_EQ(one.flags.parallel_calls, false);
  EXPECT_TRUE(one.flags.strict);
  EXPECT_FALSE(one.flags.stream_usage);
  EXPECT_EQ(one.flags.json_schema, SchemaStyle::JsonObject);
  EXPECT_EQ(one.flags.tools, ToolStyle::None);
}

TEST_F(ConfigModelsTest, GigaChatHasItsOwnAddressesAndASmallCrowd) {
  const ModelConnection one = model("{url: \"https://gigachat.devices.sberbank.ru/api/v1\", key: \"${SUFLER_TEST_KEY}\", model: GigaChat, ca: ca.pem, scope: GIGACHAT_API_CORP}");
  EXPECT_EQ(one.kind, ModelKind::GigaChat);
  EXPECT_EQ(one.oauth_url, "https://ngw.devices.sberbank.ru:9443/api/v2/oauth");
  EXPECT_EQ(one.scope, "GIGACHAT_API_CORP");
  EXPECT_EQ(one.flags.tools, ToolStyle::Functions);
  EXPECT_EQ(one.at_once, 10U);
  const ModelConnection local = model("{url: \"http://localhost:11434/v1\", model: qwen2.5}");
  EXPECT_EQ(local.kind, ModelKind::Ollama);
  EXPECT_EQ(local.key, "");
}

TEST_F(ConfigModelsTest, EveryMistakeIsNamed) {
  const std::string good = "url: \"http://localhost:11434/v1\", model: qwen";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"gpt-4o-mini", "`default` does not fit"},
      {"{model: qwen}", "`url` is missing"},
      {"{url: \"http://localhost:11434/v1\"}", "`model` is missing"},
      {"{url: \"https://api.openai.com/v1\", model: m}", "`key` is missing"},
      {"{url: \"https://api.openai.com/v1\", model: m, key: \"${SUFLER_TEST_UNSET}\"}", "`SUFLER_TEST_UNSET` is not set"},
      {"{url: \"https://api.openai.com/v1\", model: m, key: \"file:nowhere\"}", "a file that can be read"},
      {"{url: api.openai.com, model: m}", "`api.openai.com` does not fit"},
      {"{url: \"https://example.com/v1/chat/completions\", model: m}", "expected: https://example.com/v1"},
      {"{url: \"https://user:CANARY-password@example.com/v1\", model: m}", "`…@example.com`"},
      {"{" + good + ", kind: olama}", "openai, yandex, gigachat"},
      {"{" + good + ", temprature: 1}", "unknown key `temprature`"},
      {"{" + good + ", timeout: soon}", "`soon`"},
      {"{" + good + ", timeout: 10m}", "`10m`"},
      {"{" + good + ", budget: 1ms}", "`1ms`"},
      {"{" + good + ", temperature: 3}", "from 0 to 2"},
      {"{" + good + ", temperature: warm}", "from 0 to 2"},
      {"{" + good + ", at_once: 0}", "from 1 to 2000"},
      {"{" + good + ", repeats: 6}", "from 0 to 5"},
      {"{" + good + ", max_answer: 1GB}", "2MB"},
      {"{" + good + ", stream: yes}", "true, false"},
      {"{" + good + ", ca: nowhere.pem}", "in PEM"},
      {"{" + good + ", proxy: 127.0.0.1}", "socks5h://"},
      {"{" + good + ", header: \"a b\"}", "Authorization"},
      {"{" + good + ", headers: [a]}", "X-Title"},
      {"{" + good + ", headers: {\"a b\": c}}", "`a b`"},
      {"{" + good + ", headers: {a: \"b\\nc\"}}", "on one line"},
      {"{" + good + ", scope: PERS}", "GIGACHAT_API_PERS"},
      {"{" + good + ", oauth: nowhere}", "api/v2/oauth"},
      {"{" + good + ", json_schema: strict}", "openai, bare"},
      {"{" + good + ", tools: all}", "tools, functions, none"},
      {"{" + good + ", max_tokens_field: tokens}", "max_completion_tokens"},
      {"{" + good + ", system_role: boss}", "developer"},
      {"{" + good + ", parameters: [a]}", "top_p"},
      {"{" + good + ", parameters: {model: x}}", "`model`"},
      {"{" + good + ", embeddings_batch: many}", "from 1 to 2048"}};
  for (const auto& [text, words] : cases) {
    const std::string found = problems_of(text);
    EXPECT_TRUE(found.starts_with("S70")) << text << ": " << found;
    EXPECT_THAT(found, HasSubstr(words)) << text;
    EXPECT_EQ(found.find("CANARY"), std::string::npos) << text;
  }
}

TEST_F(ConfigModelsTest, AMistypedKindIsSuggested) {
  LoadedConfig loaded = load("{url: \"http://localhost/v1\", model: m, kind: olama}");
  EXPECT_THAT(render_text(loaded.diagnostics.sorted(), loaded.sources, Language::English), HasSubstr("ollama"));
}

TEST_F(ConfigModelsTest, APlaceKnowsNamesAndATalkTheConnectionsWithoutTheirKeys) {
  const std::string path = write("{url: \"https://api.openai.com/v1\", model: m, key: \"${SUFLER_TEST_UNSET}\", ca: nowhere.pem}").string();
  const LoadedConfig place = load_place(path);
  ASSERT_TRUE(place.config);
  EXPECT_EQ(place.config->models.at(0).name, "default");
  const LoadedConfig talk = load_programs(path);
  ASSERT_TRUE(talk.config);
  EXPECT_EQ(talk.config->models.at(0).url, "https://api.openai.com/v1");
  EXPECT_EQ(talk.config->models.at(0).key, "");
}

}  // namespace
}  // namespace sufler
