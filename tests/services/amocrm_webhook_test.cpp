// Webhooks of amoCRM's API v4, as its documentation and recordings have them, and as nobody should send them.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "interpreter/services/amocrm/webhook_form.h"

namespace sufler::amocrm {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

std::string fixture(const std::string& name) {
  std::ifstream file(std::string(SUFLER_SOURCE_DIR) + "/tests/data/fixtures/amocrm/" + name);
  std::ostringstream text;
  text << file.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return text.str();
}

/// By a path of keys, as `leads/status/0/id`.
const FormNode* at(const FormNode& form, std::string path) {
  const FormNode* node = &form;
  while (node && !path.empty()) {
    const std::size_t end = std::min(path.find('/'), path.size());
    node = node->find(path.substr(0, end));
    path.erase(0, end + 1);
  }
  return node;
}
std::string text_at(const FormNode& form, const std::string& path) {
  const FormNode* const node = at(form, path);
  return node && node->value ? *node->value : "(none)";
}

TEST(AmocrmWebhook, EveryFixtureIsReadAndNamesItsAccount) {
  int read = 0;
  for (const auto& file : std::filesystem::directory_iterator(std::string(SUFLER_SOURCE_DIR) + "/tests/data/fixtures/amocrm")) {
    const std::string name = file.path().filename().string();
    if (!name.ends_with(".form.txt")) continue;
    const auto form = decode_form(fixture(name));
    ASSERT_TRUE(form) << name;
    EXPECT_THAT(text_at(*form, "account/subdomain"), testing::AnyOf("example", "test")) << name;
    if (!name.starts_with("webhook-note") && !name.starts_with("webhook-unsorted")) {
      EXPECT_THAT(hook_items(*form), testing::Not(IsEmpty())) << name;
    }
    ++read;
  }
  EXPECT_EQ(read, 12);
}

TEST(AmocrmWebhook, ALeadThatCameToAStage) {
  const auto form = decode_form(fixture("webhook-leads-status.form.txt"));
  ASSERT_TRUE(form);
  const auto items = hook_items(*form);
  ASSERT_THAT(items, SizeIs(1));
  EXPECT_EQ(items[0].entity, "leads");
  EXPECT_EQ(items[0].action, "status");
  EXPECT_EQ(items[0].id, "25399013");
  EXPECT_EQ(items[0].status_id, "142");
  EXPECT_EQ(items[0].modified_user_id, "123123");
  EXPECT_EQ(key_of(items[0]), "hook:leads:status:25399013:1413554372:142");
}

TEST(AmocrmWebhook, ValuesOfFieldsAreTextsOrMaps) {
  const auto form = decode_form(fixture("webhook-leads-status-recorded.form.txt"));
  ASSERT_TRUE(form);
  EXPECT_EQ(text_at(*form, "leads/status/0/custom_fields/0/values/0/value"), "Сайт");
  EXPECT_EQ(text_at(*form, "leads/status/0/custom_fields/1/values/0"), "1542067200");
  EXPECT_EQ(text_at(*form, "leads/status/0/name"), "Семинар: Питание в фитнесе на результат");
}

TEST(AmocrmWebhook, NumbersOfItemsMayHaveGaps) {
  const auto form = decode_form(fixture("webhook-contacts-update-recorded.form.txt"));
  ASSERT_TRUE(form);
  const FormNode* const leads = at(*form, "contacts/update/0/linked_leads_id");
  ASSERT_TRUE(leads);
  EXPECT_THAT(leads->entries, SizeIs(2));
  EXPECT_EQ(text_at(*form, "contacts/update/0/linked_leads_id/9982767/ID"), "9982767");
}

TEST(AmocrmWebhook, ATextAndKeysAtOnePathAreBothKept) {
  for (const bool other_way : {false, true}) {
    const auto form = other_way ? decode_form("a[type][x]=1&a[type]=3") : decode_form(fixture("webhook-note-conflict.form.txt"));
    ASSERT_TRUE(form);
    const FormNode* const type = other_way ? at(*form, "a/type") : at(*form, "contacts/note/0/note/type");
    ASSERT_TRUE(type);
    EXPECT_EQ(type->value, "3");
    EXPECT_THAT(type->entries, SizeIs(1));
  }
}

TEST(AmocrmWebhook, DeletionComesInTwoForms) {
  for (const char* name : {"webhook-leads-delete.form.txt", "webhook-leads-delete-docform.form.txt"}) {
    const auto form = decode_form(fixture(name));
    ASSERT_TRUE(form);
    const auto items = hook_items(*form);
    ASSERT_THAT(items, SizeIs(1)) << name;
    EXPECT_EQ(items[0].action, "delete");
    EXPECT_EQ(items[0].id, "25399013");
  }
}

TEST(AmocrmWebhook, SeveralItemsOfOneBodyKeepTheirOrder) {
  const auto form = decode_form("leads[status][10][id]=30&leads[status][2][id]=20&contacts[update][0][id]=5&leads[status][0][id]=10");
  ASSERT_TRUE(form);
  std::vector<std::string> ids;
  for (const HookItem& item : hook_items(*form)) ids.push_back(item.id);
  EXPECT_THAT(ids, testing::ElementsAre("5", "10", "20", "30"));
}

TEST(AmocrmWebhook, ATalkIsClosedWhenNobodyWorksOnIt) {
  const auto form = decode_form("talk[update][0][talk_id]=117&talk[update][0][contact_id]=99&talk[update][0][chat_id]=c-1&"
                                "talk[update][0][entity_type]=lead&talk[update][0][entity_id]=4821&talk[update][0][is_in_work]=0&"
                                "talk[update][0][updated_at]=1631035929");
  ASSERT_TRUE(form);
  const auto items = hook_items(*form);
  ASSERT_THAT(items, SizeIs(1));
  EXPECT_TRUE(items[0].closed);
  EXPECT_EQ(items[0].id, "117");
  EXPECT_EQ(items[0].contact_id, "99");
  EXPECT_EQ(items[0].lead_id, "4821");
  EXPECT_EQ(items[0].chat_id, "c-1");
}

TEST(AmocrmWebhook, KeysThatAreNoneAreNames) {
  const auto form = decode_form("a[b=1&[x]=2&a]b=3&=4&c&d[]=5&d[]=6&e[x]y=7&e[x]y[z]=8&&%5Bq%5D=9");
  ASSERT_TRUE(form);
  EXPECT_EQ(text_at(*form, "a[b"), "1");
  EXPECT_EQ(text_at(*form, "[x]"), "2");
  EXPECT_EQ(text_at(*form, "a]b"), "3");
  EXPECT_EQ(text_at(*form, "c"), "");
  EXPECT_EQ(text_at(*form, "d/0"), "5");
  EXPECT_EQ(text_at(*form, "d/1"), "6");
  EXPECT_EQ(text_at(*form, "e/x"), "8");
  EXPECT_EQ(text_at(*form, "[q]"), "9");
}

TEST(AmocrmWebhook, NumbersThatAreLeftOutAreCountedAndNotSearchedFor) {
  const auto form = decode_form("a[7]=x&a[]=y&a[b]=z&a[]=w&a[3]=v&a[]=u");
  ASSERT_TRUE(form);
  const FormNode& all = form->entries.at("a");
  EXPECT_EQ(all.text("8"), "y");
  EXPECT_EQ(all.text("9"), "w");
  EXPECT_EQ(all.text("10"), "u");
  // Behind what fits no number there is none. Each of them had been one digit longer than the one before.
  std::string body = "a[9999999999999999999]=";
  for (int i = 0; i < 19'990; ++i) body += "&a[]=";
  EXPECT_FALSE(decode_form(body));
  EXPECT_FALSE(decode_form("a[999999999999999999]=&a[]="));
  EXPECT_TRUE(decode_form("a[999999999999999998]=&a[]="));
  EXPECT_TRUE(decode_form("a[99999999999999999999999]=1"));
}

TEST(AmocrmWebhook, ARepeatedKeyCountsLastAndBadEscapesStay) {
  const auto form = decode_form("a=1&a=2&b=%zz%4&c=%D0%B1+%2B");
  ASSERT_TRUE(form);
  EXPECT_EQ(text_at(*form, "a"), "2");
  EXPECT_EQ(text_at(*form, "b"), "%zz%4");
  EXPECT_EQ(text_at(*form, "c"), "б +");
}

TEST(AmocrmWebhook, TooDeepOrTooManyIsRefused) {
  std::string deep = "a";
  for (int i = 0; i < 16; ++i) deep += "[b]";
  EXPECT_FALSE(decode_form(deep + "=1"));
  std::string many;
  for (int i = 0; i <= 20'000; ++i) many += "k" + std::to_string(i) + "=1&";
  EXPECT_FALSE(decode_form(many));
  EXPECT_TRUE(decode_form(""));
  EXPECT_TRUE(decode_form(std::string(100'000, '&')));
}

TEST(AmocrmWebhook, WhatHasNoTimeCannotBeToldFromARepetition) {
  const auto form = decode_form(fixture("webhook-dp-leads-status.form.txt"));
  ASSERT_TRUE(form);
  const auto items = hook_items(*form);
  ASSERT_THAT(items, SizeIs(1));
  EXPECT_EQ(items[0].status_id, "16203337");
  EXPECT_EQ(key_of(items[0]), "");
}

}  // namespace
}  // namespace sufler::amocrm
