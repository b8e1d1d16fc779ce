#include "verify/key_only_statistics.h"

namespace rg::verify::key_only {
namespace {

constexpr uint32_t kTestUnitCounter = 6;  // `layer` of the bootstrap's counter

kv::Series one_minus(kv::Series series) {
  if (series.estimate) series.estimate = 1 - *series.estimate;
  for (std::optional<double>& value : series.replicates) {
    if (value) value = 1 - *value;
  }
  return series;
}

}  // namespace

std::optional<size_t> chosen_entry(const Layer& layer, size_t feature) {
  std::optional<size_t> best;
  for (size_t i = 0; i < layer.predictors.size(); ++i) {
    const Entry& entry = layer.predictors[i];
    if (entry.feature != feature || entry.refused) continue;
    if (!best || entry.choosing_common > layer.predictors[*best].choosing_common) best = i;
  }
  return best;
}

LayerBootstrap::LayerBootstrap(const Case& c, const Record& record, const Layer& layer,
                               Extent extent)
    : layer_(layer), columns_(record.rows.of_unit.size()) {
  rows_ = add(record.rows.of_unit);
  std::vector<int64_t> cases = record.rows.of_unit;
  for (int64_t& of_unit : cases) of_unit *= static_cast<int64_t>(c.header.topk);
  cases_ = add(cases);
  if (extent == Extent::summary) {
    energy_ = columns_.add(layer.truth.energy);
    if (layer.ceiling)
      ceiling_ = {columns_.add(layer.ceiling->lower), columns_.add(layer.ceiling->upper)};
  }
  for (const Entry& entry : layer.predictors) add_entry(entry, extent);
}

size_t LayerBootstrap::add(const std::vector<int64_t>& counts) {
  Windows values;
  for (const int64_t count : counts) values.emplace_back(static_cast<double>(count));
  return columns_.add(values);
}

void LayerBootstrap::add_entry(const Entry& entry, Extent extent) {
  EntryColumns& of = entries_.emplace_back();
  if (entry.refused) return;
  const bool all = extent == Extent::summary;
  if (all || entry.feature == kKeys || entry.feature == kResidual) of.common = add(entry.common);
  if (!all) return;
  of.exact = add(entry.exact);
  of.top1 = add(entry.top1);
  for (size_t b = 0; b < kBudgets; ++b) of.hits[b] = add(entry.hits[b]);
  if (entry.mass) of.mass = columns_.add(*entry.mass);
  of.error = columns_.add(entry.error);
}

void LayerBootstrap::resample(const Settings& settings) {
  replicates_ =
      std::make_unique<Replicates>(columns_, ResampleSettings{.seed = settings.seed,
                                                              .replicates = settings.replicates,
                                                              .layer = kTestUnitCounter,
                                                              .threads = settings.threads,
                                                              .keep_draws = KeepDraws::no});
}

kv::Series LayerBootstrap::ratio(size_t numerator, size_t denominator) const {
  return kv::ratio(columns_, *replicates_, numerator, denominator);
}

EntryBlocks LayerBootstrap::entry(size_t index) const {
  const EntryColumns& of = entries_[index];
  EntryBlocks blocks;
  blocks.overlap = ratio(of.common, cases_);
  blocks.exact = ratio(of.exact, rows_);
  blocks.top1 = ratio(of.top1, rows_);
  blocks.mass = ratio(of.mass, rows_);
  blocks.r2 = one_minus(ratio(of.error, energy_));
  for (size_t b = 0; b < kBudgets; ++b) blocks.hits[b] = ratio(of.hits[b], cases_);
  return blocks;
}

kv::Series LayerBootstrap::overlap(size_t feature) const {
  const std::optional<size_t> index = chosen_entry(layer_, feature);
  return ratio(index ? entries_[*index].common : SIZE_MAX, cases_);
}

SharedBlocks LayerBootstrap::shared() const {
  SharedBlocks blocks;
  for (size_t i = 0; i < kFeatures; ++i) blocks[kOverlaps + i] = overlap(i);
  for (size_t i = 0; i < kGaps; ++i) {
    blocks[kFirstGap + i] =
        kv::difference(blocks[kOverlaps + kGapsOf[i].from], blocks[kOverlaps + kGapsOf[i].less]);
  }
  for (size_t i = 0; i < 2; ++i) {
    blocks[kFirstCeiling + i] = ratio(ceiling_[i], rows_);
  }
  return blocks;
}

kv::Series LayerBootstrap::key_gap() const {
  return kv::difference(overlap(kResidual), overlap(kKeys));
}

void ModelMeans::add(const SharedBlocks& blocks) {
  for (size_t i = 0; i < kShared; ++i) {
    if (blocks[i].estimate) means_[i].add({blocks[i]});
  }
}

SharedBlocks ModelMeans::mean(size_t replicates) const {
  SharedBlocks blocks;
  for (size_t i = 0; i < kShared; ++i) {
    if (means_[i].count() == 0) {
      blocks[i].replicates.resize(replicates);
    } else {
      blocks[i] = means_[i].mean(replicates)[0];
    }
  }
  return blocks;
}

kv::Series model_key_gap(const Case& c, const Record& record, const Settings& settings) {
  kv::MeanOfSeries<1> mean;
  for (const auto& [number, layer] : record.layers) {
    if (!kv::is_required(c, number)) continue;
    LayerBootstrap bootstrap(c, record, layer, LayerBootstrap::Extent::key_gap);
    bootstrap.resample(settings);
    const kv::Series gap = bootstrap.key_gap();
    if (gap.estimate) mean.add({gap});
  }
  if (mean.count() == 0) return {};
  return mean.mean(settings.replicates)[0];
}

void check_work(const Case& c, const Record& record) {
  size_t columns = 0;
  for (const auto& [number, layer] : record.layers) {
    columns += LayerBootstrap(c, record, layer, LayerBootstrap::Extent::summary).columns();
  }
  check_resample_budget({record.rows.of_unit.size(), columns, *c.header.replicates},
                        c.inspect.options().max_replicates, c.inspect.judgement().path);
}

kv::Outcome outcome_of_gap(const std::optional<Interval>& key_gap) {
  return kv::mirrored(kv::outcome_of(key_gap));
}

std::optional<double> distance_of(const kv::Series& key_gap, kv::Outcome outcome) {
  return kv::distance(key_gap, kv::mirrored(outcome));
}

std::string sentence_of(kv::Outcome outcome, const std::optional<Interval>& constant_gap) {
  switch (outcome) {
    case kv::Outcome::equivalent:
    case kv::Outcome::superior:
      return "as_good_as_residual";
    case kv::Outcome::inferior:
      return constant_gap && constant_gap->lo > 0 ? "worse_than_residual"
                                                  : "no_better_than_constant";
    case kv::Outcome::inconclusive:
      break;
  }
  return "undecided";
}

std::string place_of(const std::optional<Interval>& residual) {
  return kv::name_of(kv::place_of(residual, kPublished));
}

}  // namespace rg::verify::key_only
