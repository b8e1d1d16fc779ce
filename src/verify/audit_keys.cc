// What an audit says of keys that were stored in few bits, and what follows from it.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <initializer_list>
#include <limits>
#include <string_view>

#include "verify/audit.h"

namespace rg::verify::audit {
namespace {

constexpr int64_t kMostStoredBits = 4;

using Words = std::initializer_list<std::string_view>;

// The first defect alone: what is read after it may follow from it.
class StoredKeys {
 public:
  StoredKeys(const Case& c, At stated) : c_(c), stated_(std::move(stated)) {}

  std::optional<KeyChange> read() {
    const bool well_formed = members(stated_, {"name", "description", "step", "layers"}) &&
                             word(stated_ / "step", {"normed", "scored", "latent"}) &&
                             read_layers() && read_description() && read_name() && one_checkpoint();
    return well_formed ? std::optional(change_) : std::nullopt;
  }

 private:
  bool wrong(const std::string& path, const std::string& text) {
    c_.inspect.invalid(Check::key_change_stated, path, text);
    return false;
  }
  // An object of these and no other.
  bool members(const At& at, Words keys) {
    const bool all =
        at && at.value->is(Kind::object) && at.value->object().members.size() == keys.size() &&
        std::all_of(keys.begin(), keys.end(),
                    [&](std::string_view key) { return at.value->find(key) != nullptr; });
    return all || wrong(at.path, fmt::format("is not an object of {}", fmt::join(keys, ", ")));
  }
  bool word(const At& at, Words words) {
    const bool known = at.value->is(Kind::string) &&
                       std::find(words.begin(), words.end(), at.value->string()) != words.end();
    return known || wrong(at.path, fmt::format("is not one of {}", fmt::join(words, ", ")));
  }
  bool whole(const At& at, int64_t lo, int64_t hi) {
    const bool within =
        at.value->is(Kind::integer) && at.value->integer() >= lo && at.value->integer() <= hi;
    return within || wrong(at.path, fmt::format("is not an integer from {} to {}", lo, hi));
  }
  bool read_layers() {
    const At list = stated_ / "layers";
    if (!list.value->is(Kind::array) || list.value->array().empty()) {
      return wrong(list.path, "is not a list of layers that holds one");
    }
    int64_t next = 0;
    for (const Value& layer : list.value->array()) {
      if (!layer.is(Kind::integer) || layer.integer() < next ||
          layer.integer() > std::numeric_limits<int>::max()) {
        return wrong(list.path, "is not a list of layers, ascending, none twice");
      }
      next = layer.integer() + 1;
    }
    change_.lowest_layer = static_cast<int>(list.value->array().front().integer());
    return true;
  }
  bool read_description() {
    const At how = stated_ / "description";
    if (!members(how, {"bits", "scale", "rule", "values", "fit"}) ||
        !whole(how / "bits", 1, kMostStoredBits) ||
        !word(how / "scale", {"key", "channel", "head"}) ||
        !word(how / "rule", {"least_squares", "norm", "unbiased"})) {
      return false;
    }
    const At values = how / "values";
    const bool latent = (stated_ / "step").value->string() == "latent";
    if (!values.value->is(Kind::boolean) || (latent && !values.value->boolean())) {
      return wrong(values.path,
                   latent ? "is not true, though latents make the values" : "is not true or false");
    }
    return read_fit(how / "fit", (how / "scale").value->string() == "key");
  }
  bool read_fit(const At& fit, bool own_scale) {
    if (own_scale) {
      return fit.value->is(Kind::null) ||
             wrong(fit.path, "is not null, though every row has its own scale");
    }
    if (!members(fit, {"documents", "positions", "sink_positions"}) ||
        !word(fit / "documents", {"even", "all"}) ||
        !whole(fit / "positions", 1, kMaxExactInteger)) {
      return false;
    }
    const int64_t positions = (fit / "positions").value->integer();
    return whole(fit / "sink_positions", 0, std::min<int64_t>(positions, c_.header.seq_len) - 1);
  }
  bool read_name() {
    const At name = stated_ / "name";
    if (!name.value->is(Kind::string) || name.value->string().empty()) {
      return wrong(name.path, "is not text, or empty");
    }
    change_.name = name.value->string();
    const At edge = c_.root / "edge";
    const std::string& reference = (edge / "ckpt_a").value->string();
    return (edge / "ckpt_b").value->string() == fmt::format("{} ({})", reference, change_.name) ||
           wrong(name.path, "is not what ckpt_b adds to ckpt_a in brackets");
  }
  bool one_checkpoint() {
    for (const char* key : {"inputs", "tensors"}) {
      const At other = (c_.root / "other") / key;
      if (value_digest(*other.value) == value_digest(*(c_.root / key).value)) continue;
      return wrong(other.path, "are not the reference's, though only its keys were changed");
    }
    const At equal = c_.root / "gates_equal";
    return (equal && equal.value->is(Kind::boolean) && equal.value->boolean()) ||
           wrong(equal.path, "is not true, though only keys were changed");
  }

  const Case& c_;
  const At stated_;
  KeyChange change_{.name = {}, .lowest_layer = 0};
};

}  // namespace

std::optional<KeyChange> read_key_change(const Case& c) {
  At stated = (c.root / "settings") / "key_change";
  if (!stated) return std::nullopt;
  return StoredKeys(c, std::move(stated)).read();
}

// Of a sound record: flips and other masses are 0 where the total is.
void check_below(const Case& c, const Record& record, const KeyChange& change) {
  for (const auto& [layer, of] : record.layers) {
    if (layer >= change.lowest_layer) return;
    for (const auto& [name, array] : {std::pair{"mass.total", &of.total},
                                      {"reordered", &of.reordered},
                                      {"reweighted", &of.reweighted}}) {
      const auto changed =
          std::find_if(array->begin(), array->end(), [](const auto& count) { return *count != 0; });
      if (changed == array->end()) continue;
      c.inspect.invalid(Check::key_change_stated,
                        fmt::format("per_window.{}.{}[{}]", name, layer, changed - array->begin()),
                        fmt::format("is not 0, below layer {}, the lowest whose keys were changed",
                                    change.lowest_layer));
      return;
    }
  }
}

}  // namespace rg::verify::audit
