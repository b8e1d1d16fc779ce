#include "lab/family.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

namespace rg::lab {
namespace {

constexpr uint64_t kMaxFamilyFileBytes = uint64_t{1} << 20;
constexpr uint32_t kMostWindows = 100'000, kLongestSequence = 1u << 20, kMostReplicates = 1'000'000;
constexpr int kLargestLayer = 100'000;

// Reads one file's members; each refusal names its place.
class FamilyReader {
 public:
  explicit FamilyReader(std::filesystem::path file) : file_(std::move(file)) {}

  Error malformed(const std::string& at, std::string found, std::string expected) const {
    return Error(ErrorId::FA001,
                 {.file = file_.string(),
                  .object = at,
                  .found = std::move(found),
                  .expected = std::move(expected),
                  .hint = "docs/commands.md describes the file, models/family.json is one."});
  }
  Error unfit(const std::string& at, std::string found, std::string expected) const {
    return Error(ErrorId::FA002, {.file = file_.string(),
                                  .object = at,
                                  .found = std::move(found),
                                  .expected = std::move(expected)});
  }

  void check_keys(const Json& object, const std::string& at,
                  std::initializer_list<const char*> known) const {
    if (!object.is_object()) throw malformed(at, "no object", "an object");
    for (const auto& [key, value] : object.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      throw malformed(at, "'" + escape_for_terminal(key) + "'",
                      fmt::format("{}", fmt::join(known, ", ")));
    }
  }
  const Json& need(const Json& object, const char* key) const {
    if (!object.contains(key)) throw malformed(key, "nothing", "this member");
    return object.at(key);
  }
  const Json& list(const Json& object, const char* key, bool may_be_empty) const {
    const Json& value = need(object, key);
    if (!value.is_array() || (value.empty() && !may_be_empty)) {
      throw malformed(key, value.is_array() ? "an empty array" : "no array", "an array");
    }
    return value;
  }
  // A name that can be part of a path and of an edge's name.
  std::string name(const Json& object, const char* key, const std::string& at) const {
    const std::string text = word(object, key, at);
    if (text[0] == '.' || text.size() > 100 || text.find_first_of("/\\") != std::string::npos ||
        text.find("__to__") != std::string::npos) {
      throw malformed(at, "'" + escape_for_terminal(text) + "'",
                      "a name of at most 100 bytes without slashes and without '__to__', not "
                      "beginning with a dot");
    }
    return text;
  }
  std::string word(const Json& object, const char* key, const std::string& at) const {
    const Json& value = need(object, key);
    if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      throw malformed(at, "no text", "text");
    }
    return value.get<std::string>();
  }
  uint64_t count(const Json& object, const char* key, uint64_t least, uint64_t most) const {
    const Json& value = object.at(key);
    if (value.is_number_unsigned() && value >= least && value <= most) return value.get<uint64_t>();
    throw malformed(key, escape_for_terminal(write_json(value, JsonLayout::compact)),
                    fmt::format("a whole number from {} to {}", least, most));
  }
  std::vector<int> layers(const Json& object, const char* key) const {
    std::set<int> found;
    for (const Json& layer : list(object, key, false)) {
      if (layer.is_number_unsigned() && layer <= kLargestLayer) found.insert(layer.get<int>());
    }
    if (found.size() != object.at(key).size()) {
      throw malformed(key, escape_for_terminal(write_json(object.at(key), JsonLayout::compact)),
                      "distinct layer numbers");
    }
    return {found.begin(), found.end()};
  }

  // A path that exists beside the file, or as it stands.
  std::string resolved(const std::string& path) const {
    const std::filesystem::path beside = file_.parent_path() / path;
    std::error_code ignored;
    return std::filesystem::exists(beside, ignored) ? beside.string() : path;
  }
  Family::Member member(const Json& object, const std::string& at) const {
    check_keys(object, at, {"name", "path"});
    return {.name = name(object, "name", at + ".name"),
            .argument = resolved(word(object, "path", at + ".path"))};
  }
  void members(const Json& object, const char* key, std::vector<Family::Member>& to) const {
    const Json& rows = list(object, key, true);
    for (size_t i = 0; i < rows.size(); ++i) {
      to.push_back(member(rows[i], fmt::format("{}[{}]", key, i)));
    }
  }

 private:
  std::filesystem::path file_;
};

void check_names(const FamilyReader& reader, const Family& family) {
  std::set<std::string> names;
  std::vector<const std::vector<Family::Member>*> lists = {&family.members, &family.siblings};
  if (family.adaptation) {
    lists.insert(lists.end(), {&family.adaptation->runs, &family.adaptation->comparison});
  }
  for (const auto* list : lists) {
    for (const Family::Member& member : *list) {
      if (names.insert(member.name).second) continue;
      throw reader.unfit("name", "'" + escape_for_terminal(member.name) + "' twice",
                         "every checkpoint under a name of its own");
    }
  }
}

void read_edges(const FamilyReader& reader, const Json& root, Family& family) {
  const Json& rows = reader.list(root, "edges", family.members.size() < 2);
  const auto index = [&](const Json& row, const char* key, const std::string& at) {
    const std::string name = reader.word(row, key, at + '.' + key);
    for (size_t i = 0; i < family.members.size(); ++i) {
      if (family.members[i].name == name) return i;
    }
    throw reader.unfit(at + '.' + key, "'" + escape_for_terminal(name) + "'",
                       "the base or a descendant");
  };
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string at = fmt::format("edges[{}]", i);
    reader.check_keys(rows[i], at, {"from", "to"});
    const Family::Edge edge{index(rows[i], "from", at), index(rows[i], "to", at)};
    if (edge.from == edge.to) throw reader.unfit(at, "one checkpoint twice", "two of them");
    for (const Family::Edge& known : family.edges) {
      if (std::minmax(known.from, known.to) != std::minmax(edge.from, edge.to)) continue;
      throw reader.unfit(at, edge.name(family) + " twice",
                         "each pair once; both directions are "
                         "measured");
    }
    family.edges.push_back(edge);
  }
}

void read_domains(const FamilyReader& reader, const Json& root, Family& family) {
  const Json& rows = reader.list(root, "domains", false);
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::string at = fmt::format("domains[{}]", i);
    const Family::Member row = reader.member(rows[i], at);
    for (const text::DomainSpec& known : family.domains) {
      if (known.name != row.name) continue;
      throw reader.unfit(at, "'" + escape_for_terminal(row.name) + "' twice",
                         "every domain under a name of its own");
    }
    family.domains.push_back({.name = row.name, .path = row.argument});
  }
}

void read_adaptation(const FamilyReader& reader, const Json& object, Family& family) {
  reader.check_keys(object, "adaptation",
                    {"runs", "comparison", "registration", "eval", "base", "windows", "seq_len"});
  Family::Adaptation& adaptation = family.adaptation.emplace();
  reader.members(object, "runs", adaptation.runs);
  reader.members(object, "comparison", adaptation.comparison);
  if (adaptation.runs.empty() || adaptation.comparison.empty()) {
    throw reader.malformed("adaptation", "no run, or no comparison", "at least one of each");
  }
  adaptation.registration =
      reader.resolved(reader.word(object, "registration", "adaptation.registration"));
  const auto text = [&](const char* role) -> text::DomainSpec {
    const Family::Member row =
        reader.member(reader.need(object, role), std::string("adaptation.") + role);
    return {.name = row.name, .path = row.argument};
  };
  adaptation.eval = text("eval");
  adaptation.base = text("base");
  if (object.contains("windows")) {
    adaptation.windows = static_cast<uint32_t>(reader.count(object, "windows", 1, kMostWindows));
  }
  if (object.contains("seq_len")) {
    adaptation.seq_len =
        static_cast<uint32_t>(reader.count(object, "seq_len", 2, kLongestSequence));
  }
}

void read_settings(const FamilyReader& reader, const Json& root, Family& family) {
  if (root.contains("windows")) {
    family.windows =
        root.at("windows") == "all"
            ? std::nullopt
            : std::optional(static_cast<uint32_t>(reader.count(root, "windows", 1, kMostWindows)));
  }
  if (root.contains("seq_len")) {
    family.seq_len = static_cast<uint32_t>(reader.count(root, "seq_len", 2, kLongestSequence));
  }
  if (root.contains("seed")) family.seed = reader.count(root, "seed", 0, UINT64_MAX);
  if (root.contains("bootstrap")) {
    family.bootstrap = static_cast<uint32_t>(reader.count(root, "bootstrap", 200, kMostReplicates));
  }
  if (root.contains("layers")) family.layers = reader.layers(root, "layers");
  if (root.contains("required_layers")) {
    family.required_layers = reader.layers(root, "required_layers");
  }
  if (!root.contains("thresholds")) return;
  const Json& thresholds = root.at("thresholds");
  reader.check_keys(thresholds, "thresholds", {"min_distinct_terminals"});
  if (thresholds.contains("min_distinct_terminals")) {
    family.min_distinct_terminals =
        static_cast<uint32_t>(reader.count(thresholds, "min_distinct_terminals", 2, 1000));
  }
}

}  // namespace

std::string Family::Edge::name(const Family& family) const {
  return family.members[from].name + "__to__" + family.members[to].name;
}

Family read_family(const std::filesystem::path& file) {
  const std::string text = read_whole_file(file, kMaxFamilyFileBytes);
  const Json root = parse_json(text, JsonLimits{}, file.string());
  const FamilyReader reader(file);
  reader.check_keys(
      root, "",
      {"family_name", "base", "descendants", "siblings", "edges", "domains", "windows", "seq_len",
       "seed", "bootstrap", "layers", "required_layers", "thresholds", "adaptation"});
  Family family;
  family.sha256 = sha256_hex(text);
  family.name = reader.name(root, "family_name", "family_name");
  family.members.push_back(reader.member(reader.need(root, "base"), "base"));
  reader.members(root, "descendants", family.members);
  if (root.contains("siblings")) reader.members(root, "siblings", family.siblings);
  if (root.contains("adaptation")) read_adaptation(reader, root.at("adaptation"), family);
  check_names(reader, family);
  read_edges(reader, root, family);
  read_domains(reader, root, family);
  read_settings(reader, root, family);
  return family;
}

}  // namespace rg::lab
