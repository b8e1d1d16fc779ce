#include "verify/header.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace rg::verify {
namespace {

constexpr int64_t kMaxWindows = 10'000'000;
constexpr int64_t kMaxSeqLen = 1 << 24;
constexpr int64_t kMaxLayer = 100'000;
constexpr int64_t kMaxExperts = 1 << 20;
constexpr std::string_view kSchemaVersions[] = {"1", "1.0"};

void check_required(Inspector& inspect, const At& root, RequiredLayers rule, Header& header) {
  const std::string path = "verification.required_layers";
  std::vector<int> required;
  if (inspect.options().required_layers) {
    required = *inspect.options().required_layers;
    header.required_by_verifier = true;
  } else {
    const At list = inspect.need(inspect.need(root, "verification"), "required_layers");
    if (!inspect.is(list, Kind::array)) return;
    for (const Value& value : list.value->array()) {
      if (!value.is(Kind::integer)) {
        inspect.invalid(Check::required_layers, path, "holds something other than layer numbers");
        return;
      }
      required.push_back(static_cast<int>(std::clamp<int64_t>(value.integer(), -1, kMaxLayer + 1)));
    }
  }
  if (required.empty() && rule == RequiredLayers::any) {
    inspect.invalid(Check::required_layers, path,
                    "is empty: a claim about no layer would always pass");
    return;
  }
  std::set<int> seen;
  for (const int layer : required) {
    if (!seen.insert(layer).second) {
      inspect.invalid(Check::required_layers, path, fmt::format("names layer {} twice", layer));
      return;
    }
    if (!std::binary_search(header.layers.begin(), header.layers.end(), layer)) {
      inspect.invalid(Check::required_layers, path,
                      fmt::format("layer {} is required but not measured", layer));
      return;
    }
  }
  header.required.assign(seen.begin(), seen.end());
  if (header.required_by_verifier || rule == RequiredLayers::with_keys) return;
  if (rule == RequiredLayers::all_later) {
    if (header.moe_layers.empty()) return;  // missing, which is a defect of its own
    std::vector<int> later = header.layers;
    std::erase(later, header.moe_layers.front());
    if (header.required != later) {
      inspect.invalid(Check::required_layers, path,
                      "is not the measured layers without the model's first MoE layer");
    }
    return;
  }
  if (header.required.size() < header.layers.size()) {
    inspect.warn(fmt::format(
        "{} of {} measured layers are required; pass --required-layers to choose them yourself",
        header.required.size(), header.layers.size()));
  }
}

// All MoE layers of the model: the measured ones are among them, the terminal one is their last.
void read_moe_layers(Inspector& inspect, const At& at, Header& header) {
  if (!at) return;
  header.moe_layers = read_layers(inspect, at);
  if (!inspect.sound()) return;
  const std::vector<int>& all = header.moe_layers;
  if (all.empty() || all.back() != header.terminal_layer) {
    inspect.invalid(Check::terminal_layer, at.path, "does not end with terminal_moe_layer");
  } else if (!std::includes(all.begin(), all.end(), header.layers.begin(), header.layers.end())) {
    inspect.invalid(Check::layer_list, at.path, "lacks a measured layer");
  }
}

// An edge has two different ends. The reference, which `model` describes, is a for AtoB and b for
// BtoA; `other` describes the other end.
void check_ends(Inspector& inspect, const At& root, const Header& header) {
  const At edge = root / "edge";
  const std::string& a = (edge / "ckpt_a").value->string();
  const std::string& b = (edge / "ckpt_b").value->string();
  if (a == b) inspect.invalid(Check::edge_direction, "edge.ckpt_b", "is the same as ckpt_a");
  if (!header.full) return;
  inspect.text(inspect.need(edge, "edge_name"));
  const bool from_a = header.direction == "AtoB";
  const auto check_end = [&](const char* member, const std::string& expected) {
    const At ckpt = (root / member) / "ckpt";
    if (!ckpt || !ckpt.value->is(Kind::string) || ckpt.value->string() == expected) return;
    inspect.invalid(
        Check::edge_direction, ckpt.path,
        fmt::format("found {}, the edge's direction gives {}", ckpt.value->string(), expected));
  };
  check_end("model", from_a ? a : b);
  check_end("other", from_a ? b : a);
}

void read_subject(Inspector& inspect, const At& root, const HeaderRules& rules, Header& header) {
  const At edge = rules.edge ? inspect.need(root, "edge") : root / "edge";
  const At model = root / "model";
  if (edge) {
    if (!inspect.is(edge, Kind::object)) return;
    for (const char* key : {"ckpt_a", "ckpt_b", "direction"}) {
      const At member = edge / key;
      if (!member || !member.value->is(Kind::string) || member.value->string().empty()) {
        inspect.invalid(Check::edge_direction, member.path, "is missing or not text");
        return;
      }
    }
    const std::string& direction = (edge / "direction").value->string();
    if (direction != "AtoB" && direction != "BtoA") {
      inspect.invalid(Check::edge_direction, "edge.direction",
                      fmt::format("found {}, expected AtoB or BtoA", direction));
    } else {
      header.direction = direction;
      if (rules.edge) check_ends(inspect, root, header);
    }
    const std::string& a = (edge / "ckpt_a").value->string();
    const std::string& b = (edge / "ckpt_b").value->string();
    inspect.judgement().model = a + "->" + b;
    if (rules.edge && rules.one_input) {
      inspect.judgement().model += " on the inputs of " + (direction == "BtoA" ? b : a);
    }
    if (!model && header.full) inspect.need(root, "model");
    if (!model) return;
  } else if (!model) {
    inspect.invalid(Check::member_present, "model", "is missing");
    return;
  }
  if (!inspect.is(model, Kind::object)) return;
  const std::string name = inspect.text(inspect.need(model, "ckpt"));
  if (!edge) inspect.judgement().model = name;
  const At terminal = inspect.need(model, "terminal_moe_layer");
  const auto layer = inspect.integer(terminal, 0, kMaxLayer);
  if (!layer) return;
  header.terminal_layer = static_cast<int>(*layer);
  if (header.full) read_moe_layers(inspect, inspect.need(model, "moe_layers"), header);
  if (!header.layers.empty() && header.layers.back() > *layer) {
    inspect.invalid(Check::terminal_layer, terminal.path,
                    fmt::format("says the last MoE layer is {}, but layer {} was measured", *layer,
                                header.layers.back()));
  } else if (rules.terminal_measured && !header.layers.empty() && header.layers.back() != *layer) {
    inspect.invalid(Check::terminal_layer, terminal.path,
                    fmt::format("layer {} is not among the measured layers", *layer));
  }
}

}  // namespace

void read_gate(Inspector& inspect, const At& root, Header& header) {
  const At gate = inspect.need(root, "gate_semantics");
  if (!gate) return;
  if (!gate.value->is(Kind::object)) {
    inspect.invalid(Check::gate_semantics, gate.path, "is not an object");
    return;
  }
  const At topk = gate / "topk";
  if (!topk || !topk.value->is(Kind::integer) || topk.value->integer() < 1 ||
      topk.value->integer() > kMaxExperts) {
    inspect.invalid(Check::gate_semantics, topk.path, "is not a positive count");
  } else {
    header.topk = static_cast<uint32_t>(topk.value->integer());
  }
  const At dtype = gate / "scores_dtype";
  if (!dtype || !dtype.value->is(Kind::string) || dtype.value->string() != "fp32") {
    inspect.invalid(Check::gate_semantics, dtype.path,
                    "margins mean something only in fp32 scores: expected \"fp32\"");
  }
  const At experts = gate / "experts";
  if (!experts && !header.full) return;
  if (!experts || !experts.value->is(Kind::integer) || experts.value->integer() < header.topk ||
      experts.value->integer() > kMaxExperts) {
    inspect.invalid(Check::gate_semantics, experts.path, "is not a count of at least topk");
    return;
  }
  header.experts = static_cast<uint32_t>(experts.value->integer());
  if (header.full) check_gate_profile(inspect, gate, header);
}

std::vector<int> read_layers(Inspector& inspect, const At& list) {
  std::vector<int> layers;
  if (!inspect.is(list, Kind::array)) return layers;
  const Array& values = list.value->array();
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string place = fmt::format("{}[{}]", list.path, i);
    if (!values[i].is(Kind::integer) || values[i].integer() < 0 ||
        values[i].integer() > kMaxLayer) {
      inspect.invalid(Check::layer_list, place, "is not a layer number");
      return layers;
    }
    const int layer = static_cast<int>(values[i].integer());
    if (!layers.empty() && layer <= layers.back()) {
      inspect.invalid(Check::layer_list, place,
                      fmt::format("found layer {} after {}, expected ascending layers, none twice",
                                  layer, layers.back()));
      return layers;
    }
    layers.push_back(layer);
  }
  return layers;
}

void read_data(Inspector& inspect, const At& data, Header& header) {
  if (!inspect.is(data, Kind::object)) return;
  if (const auto n = inspect.integer(inspect.need(data, "n_windows"), 1, kMaxWindows)) {
    header.n_windows = static_cast<uint64_t>(*n);
    inspect.judgement().n_windows = header.n_windows;
  }
  if (const auto length = inspect.integer(inspect.need(data, "seq_len"), 2, kMaxSeqLen)) {
    header.seq_len = static_cast<uint32_t>(*length);
  }
  if (header.full) {
    inspect.text(inspect.need(data, "source"));
    inspect.text(inspect.need(data, "tokenizer"));
    const At seed = inspect.need(data, "seed");
    if (seed && !seed.value->large_integer()) inspect.integer(seed, 0, INT64_MAX);
  }
  const At documents = header.full ? inspect.need(data, "doc_ids") : data / "doc_ids";
  if (!documents || !inspect.is(documents, Kind::array)) return;
  if (documents.value->array().size() != header.n_windows) {
    inspect.invalid(Check::document_ids, documents.path,
                    fmt::format("found {} documents, expected n_windows = {}",
                                documents.value->array().size(), header.n_windows));
    return;
  }
  std::map<std::string, uint32_t> numbers;
  for (const Value& id : documents.value->array()) {
    if (!id.is(Kind::string) && !id.is(Kind::integer)) {
      inspect.invalid(Check::document_ids, documents.path, "holds neither text nor integers");
      return;
    }
    // Text and integers apart: document 7 isn't document "7".
    const std::string name = id.is(Kind::string) ? '"' + id.string() : std::to_string(id.integer());
    const auto number = static_cast<uint32_t>(numbers.size());
    header.documents.push_back(numbers.try_emplace(name, number).first->second);
  }
  header.n_documents = static_cast<uint32_t>(numbers.size());
}

void read_bootstrap(Inspector& inspect, const At& root, uint64_t windows, Header& header) {
  const At bootstrap = inspect.need(inspect.need(root, "summary"), "bootstrap");
  if (!inspect.is(bootstrap, Kind::object)) return;
  const At replicates = bootstrap / "B";
  if (!replicates || !replicates.value->is(Kind::integer) || replicates.value->integer() < 1) {
    inspect.invalid(Check::bootstrap_settings, replicates.path,
                    "is missing or not a positive integer");
  } else {
    const int64_t b = replicates.value->integer();
    check_resample_budget({windows, 1, static_cast<uint64_t>(b)}, inspect.options().max_replicates,
                          inspect.judgement().path);
    header.replicates = static_cast<uint32_t>(b);
  }
  const At seed = bootstrap / "seed";
  if (seed && seed.value->is(Kind::integer) && seed.value->integer() >= 0) {
    header.seed = static_cast<uint64_t>(seed.value->integer());
  } else if (seed && seed.value->large_integer()) {
    header.seed = seed.value->large();
  } else {
    inspect.invalid(Check::bootstrap_settings, seed.path, "is missing or not a 64-bit count");
  }
  const At type = bootstrap / "ci_type";
  if (!type || !type.value->is(Kind::string) || type.value->string() != "percentile") {
    inspect.invalid(Check::bootstrap_settings, type.path, "expected \"percentile\"");
  }
}

namespace {

void read_version(Inspector& inspect, const At& version) {
  if (!version) return;
  const std::string found = version.value->is(Kind::string) ? version.value->string()
                            : version.value->is(Kind::integer)
                                ? std::to_string(version.value->integer())
                                : std::string();
  if (std::find(std::begin(kSchemaVersions), std::end(kSchemaVersions), found) ==
      std::end(kSchemaVersions)) {
    inspect.invalid(Check::schema_version, version.path, "expected version 1");
  }
}

// Most tests measure the model as it is, which a run with a change of its own doesn't, not even one
// that changes nothing.
void refuse_change(Inspector& inspect, const At& root, const char* member, Check check) {
  const At stated = (root / "settings") / member;
  if (!stated) return;
  inspect.invalid(check, stated.path, "is there, but the test measures the model as it is");
}

void read_model_header(Inspector& inspect, const At& root, const HeaderRules& rules,
                       Header& header) {
  inspect.judgement().domain = inspect.text(inspect.need(root, "domain"));
  header.layers = read_layers(inspect, inspect.need(root, "layers"));
  if ((root / "layers") && (root / "layers").value->is(Kind::array) &&
      (root / "layers").value->array().empty()) {
    inspect.invalid(Check::layer_list, "layers", "is empty");
  }
  if (!inspect.sound()) return;  // all other lists are checked against it
  read_subject(inspect, root, rules, header);
  read_gate(inspect, root, header);
  read_data(inspect, inspect.need(root, "data"), header);
  check_required(inspect, root, rules.required, header);
  read_bootstrap(inspect, root, header.n_windows, header);
  if (header.full) {
    check_provenance(inspect, root);
    if (rules.edge) check_other(inspect, root);
    inspect.need(root, "body_sha256");
    check_nulls(inspect, root);
  }
}

}  // namespace

Header read_header(Inspector& inspect, const At& root, const HeaderRules& rules) {
  Header header;
  header.test = inspect.judgement().test;
  header.full = carries_our_fields(root, header.test);
  inspect.judgement().rule = header.full ? "full" : "published";
  read_version(inspect, inspect.need(root, "schema_version"));
  if (!rules.intervened) {
    refuse_change(inspect, root, "intervention", Check::intervention_stated);
  }
  if (!rules.keys_changed) refuse_change(inspect, root, "key_change", Check::key_change_stated);
  switch (rules.subject) {
    case Subject::model:
      read_model_header(inspect, root, rules, header);
      break;
    case Subject::family:
      read_family_header(inspect, root, rules, header);
      break;
    case Subject::bundle:
      read_bundle_header(inspect, root, header);
      break;
  }
  return header;
}

void check_digest(Inspector& inspect, const At& root) {
  inspect.judgement().body_sha256 = body_digest(*root.value);
  const At stored = root / "body_sha256";
  if (!stored || !inspect.is(stored, Kind::string)) return;
  if (stored.value->string() != inspect.judgement().body_sha256) {
    inspect.invalid(Check::body_digest, stored.path,
                    fmt::format("found {}, the body gives {}", stored.value->string(),
                                inspect.judgement().body_sha256));
  }
}

}  // namespace rg::verify
