#include "lab/twin_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "lab/pass.h"
#include "lab/twin_observers.h"

namespace rg::lab {
namespace {

constexpr const char* kTwinTheorem = "KR-7 (b)";
constexpr double kMarginRounding = 1e-4;  // on another instruction set, relative above 1

std::string claim_of(const Twins& twins) {
  return fmt::format(
      "At layer 0, token {} at position {} has the same keys, byte for byte, and different sets of "
      "experts after two different beginnings: no function of its own keys gives its route there.",
      twins.prompts[0].back(), twins.prompts[0].size() - 1);
}

PassSettings first_layer_of(const EngineSettings& engine) {
  return {.layers = std::vector<int>{0}, .engine = engine, .experiments = {}};
}

// What layer 0 makes of two prompts, computed together and without others.
struct TwinRun {
  bool keys_equal;
  std::array<std::vector<uint32_t>, 2> sets;
  std::array<float, 2> margins;
  Json tensors = Json::array();

  bool parted() const {
    return keys_equal && sets[0] != sets[1] && std::isfinite(margins[0]) &&
           std::isfinite(margins[1]);
  }
};

TwinRun run_twins(const Subject& subject, const Twins& twins, const EngineSettings& engine,
                  const std::filesystem::path& spill_folder, Progress& progress) {
  tap::SequenceSet set{.name = "twins", .lengths = {}, .ids = {}, .causal = true};
  for (const std::vector<int32_t>& prompt : twins.prompts) {
    set.lengths.push_back(static_cast<uint32_t>(prompt.size()));
    set.ids.insert(set.ids.end(), prompt.begin(), prompt.end());
  }
  const Samples samples(subject, std::move(set), "the prompts");
  EngineSettings exact = engine;
  exact.compute = "f32";
  Pass pass(subject, samples, first_layer_of(exact));
  RowRoutes routes({&samples.sequences()[0]}, subject.model().layer(0).router->spec.top_k.value);
  LastKeys keys(samples.sequences()[0]);
  pass.watch(routes);
  pass.watch(keys);
  pass.make_plan(spill_folder);
  const stream::PassResult result = pass.run(progress);
  const size_t length = twins.prompts[0].size();
  return {.keys_equal = keys.all_equal(),
          .sets = {routes.set_of(0, length - 1), routes.set_of(0, 2 * length - 1)},
          .margins = {routes.margin(0, length - 1), routes.margin(0, 2 * length - 1)},
          .tensors = tensors_json(subject, result.digests)};
}

// The row of each set of experts with the widest margin, at one place.
struct Place {
  struct Row {
    size_t set, row;
    float margin;
  };
  std::map<std::vector<uint32_t>, Row> by_set;
  size_t rows = 0;
};

using Places = std::map<std::pair<int32_t, uint32_t>, Place>;  // by token and position

Places places_of(const std::vector<const tap::SequenceSet*>& sets, const RowRoutes& routes) {
  Places places;
  for (size_t s = 0; s < sets.size(); ++s) {
    size_t row = 0;
    for (const uint32_t length : sets[s]->lengths) {
      for (uint32_t position = 0; position < length; ++position, ++row) {
        if (position == 0 || !std::isfinite(routes.margin(s, row))) continue;
        Place& place = places[{sets[s]->ids[row], position}];
        ++place.rows;
        const Place::Row found{s, row, routes.margin(s, row)};
        const auto [at, added] = place.by_set.try_emplace(routes.set_of(s, row), found);
        if (!added && found.margin > at->second.margin) at->second = found;
      }
    }
  }
  return places;
}

std::vector<int32_t> prompt_of(const tap::SequenceSet& set, size_t row, uint32_t position) {
  const auto end = set.ids.begin() + static_cast<std::ptrdiff_t>(row) + 1;
  return {end - static_cast<std::ptrdiff_t>(position) - 1, end};
}

Twins stated_twins(const Subject& subject, certificates::Members& members) {
  Twins out;
  const Json& prompts = members.need("prompts");
  const auto refuse = [&](const std::string& found, const std::string& expected) {
    throw members.refusal(ErrorId::AR017, "prompts", found, expected);
  };
  if (!prompts.is_array() || prompts.size() != 2) refuse("another form", "two arrays of token ids");
  for (size_t i = 0; i < 2; ++i) {
    if (!prompts[i].is_array()) refuse("another form", "two arrays of token ids");
    for (const Json& id : prompts[i]) {
      if (!id.is_number_unsigned() || id >= subject.model().vocabulary) {
        refuse(write_json(id, JsonLayout::compact), "ids of tokens");
      }
      out.prompts[i].push_back(id.get<int32_t>());
    }
  }
  const auto& [first, second] = out.prompts;
  if (first.size() != second.size() || first.size() < 2 || first.back() != second.back() ||
      first == second) {
    refuse("prompts that aren't twins", "two of one length and one last token, otherwise unequal");
  }
  return out;
}

}  // namespace

FoundTwins find_twins(const Subject& subject, const Samples& samples, const EngineSettings& engine,
                      const std::filesystem::path& spill_folder, Progress& progress) {
  Pass pass(subject, samples, first_layer_of(engine));
  const std::vector<const tap::SequenceSet*> sets = samples.sets();
  RowRoutes routes(sets, subject.model().layer(0).router->spec.top_k.value);
  pass.watch(routes);
  pass.make_plan(spill_folder);
  pass.run(progress);
  FoundTwins out;
  float widest = -1;
  for (const auto& [key, place] : places_of(sets, routes)) {
    out.places += place.rows > 1 ? 1 : 0;
    if (place.by_set.size() < 2) continue;
    ++out.parted;
    std::vector<Place::Row> rows;
    for (const auto& [set, row] : place.by_set) rows.push_back(row);
    std::partial_sort(rows.begin(), rows.begin() + 2, rows.end(),
                      [](const Place::Row& a, const Place::Row& b) { return a.margin > b.margin; });
    if (rows[1].margin <= widest) continue;
    widest = rows[1].margin;
    out.widest = Twins{.prompts = {prompt_of(*sets[rows[0].set], rows[0].row, key.second),
                                   prompt_of(*sets[rows[1].set], rows[1].row, key.second)}};
  }
  return out;
}

std::optional<Json> make_twin_certificate(const Subject& subject, const KeyQuestion& question,
                                          const Twins& twins, const EngineSettings& engine,
                                          const std::filesystem::path& spill_folder,
                                          Progress& progress) {
  const TwinRun run = run_twins(subject, twins, engine, spill_folder, progress);
  if (!run.parted()) return std::nullopt;
  const Json proof = {{"certificate", "twin_tokens"},
                      {"version", kCertificateVersion},
                      {"token", twins.prompts[0].back()},
                      {"position", twins.prompts[0].size() - 1},
                      {"prompts", twins.prompts},
                      {"sets", run.sets},
                      {"margins", {double{run.margins[0]}, double{run.margins[1]}}}};
  return certificate_file(
      subject, question,
      {.proof = proof, .theorem = kTwinTheorem, .claim = claim_of(twins), .tensors = run.tensors});
}

void check_twins(const Subject& subject, const Json& root, const EngineSettings& engine,
                 const std::filesystem::path& spill_folder, const std::string& file,
                 Progress& progress) {
  certificates::Members members(root, file, "");
  const KeyQuestion question = check_certificate_head(subject, root, members);
  if (question.layer != 0) {
    throw members.refusal(ErrorId::AR017, "layer", std::to_string(question.layer), "0");
  }
  const Twins twins = stated_twins(subject, members);
  const auto position = static_cast<int64_t>(twins.prompts[0].size()) - 1;
  members.integer("token", twins.prompts[0].back(), twins.prompts[0].back());
  members.integer("position", position, position);
  const StatedWords stated = read_words(members);
  const Json& tensors = members.need("tensors");
  const Json& sets = members.need("sets");
  const std::vector<double> margins = members.numbers("margins");
  members.finish();
  const TwinRun run = run_twins(subject, twins, engine, spill_folder, progress);
  require_tensors(tensors, run.tensors, members);
  require_words(stated, {.theorem = kTwinTheorem, .claim = claim_of(twins)}, members);
  const auto refuse = [&](const char* what, const std::string& found, const std::string& expected) {
    throw members.refusal(ErrorId::AR010, what, found, expected);
  };
  if (!run.parted()) refuse("the proof", "equal sets or other keys", "equal keys, different sets");
  if (sets != Json(run.sets)) {
    refuse("sets", escape_for_terminal(write_json(sets, JsonLayout::compact)),
           write_json(Json(run.sets), JsonLayout::compact));
  }
  bool close = margins.size() == 2;
  for (size_t i = 0; close && i < 2; ++i) {
    const double own = double{run.margins[i]};
    close = std::abs(margins[i] - own) <= kMarginRounding * std::max(1.0, std::abs(own));
  }
  if (!close) refuse("margins", "others", fmt::format("{} and {}", run.margins[0], run.margins[1]));
}

}  // namespace rg::lab
