// What must hold between the numbers of kv_distortion: cases are those of the measured positions,
// heads add up to windows, and sums are some that so many cases can have.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "verify/kv_copies.h"
#include "verify/kv_distortion.h"

namespace rg::verify::distortion {
namespace {

constexpr double kSumSlack = 1e-9;         // relative: sums added in another order
constexpr double kBoundSlack = 1e-6;       // relative: inequalities between sums
constexpr double kDivergenceSlack = 1e-5;  // of a case's variation, since small KL are uncertain
constexpr double kHullSlack = 2e-9;        // of an error, as a share of the values' spread

bool near_sum(double a, double b) {
  return std::abs(a - b) <= kSumSlack * std::max(std::abs(a), std::abs(b));
}
bool not_above(double a, double b, double slack) {
  return a <= b + slack * std::max(std::abs(a), std::abs(b));
}

// What a record is of.
struct Cases {
  double count;
  double width;  // of a key
};

// Checks one record; names what missed first.
class RecordChecks {
 public:
  RecordChecks(const Case& c, const Cases& of, std::string path)
      : inspect_(c.inspect), of_(of), path_(std::move(path)) {}

  // `place`: of the record's members, "" or "[3]".
  void sums(const Sums& record, const std::string& place) {
    counts(record, place);
    if (record.sums[kVariation] > of_.count) {
      miss(Check::value_range, "variation" + place,
           fmt::format("is {}, of {} cases", record.sums[kVariation], of_.count));
    }
    if (const char* member = impossible(record.sums)) {
      miss(Check::share_total, member + place,
           fmt::format("is {}, which {} cases with the other sums cannot have",
                       record.sums[sum_of(member)], of_.count));
    }
  }

  void stated(const HeadRecord& record, bool coded_values) {
    if (of_.count == 0) return deciles(record);
    errors(record);
    excess(record, coded_values);
    nulls(record);
    deciles(record);
    const auto& sums = record.sums.sums;
    if (!not_above(sums[kProduct], *record.largest * sums[kForecast], kSumSlack)) {
      miss(Check::share_total, "product", "is above errors.largest times forecast");
    }
  }

 private:
  void miss(Check check, const std::string& member, const std::string& what) {
    inspect_.invalid(check, path_ + '.' + member, what);
  }
  static size_t sum_of(const std::string& member) {
    return static_cast<size_t>(std::find(kSumNames.begin(), kSumNames.end(), member) -
                               kSumNames.begin());
  }

  void counts(const Sums& record, const std::string& place) {
    const auto& vacuous = record.vacuous;
    for (size_t i = 0; i < kBounds; ++i) {
      // B3 is at most B4 and B5.
      const double least = i == 0 || i == 5 ? 0 : vacuous[i == 4 ? 2 : i - 1];
      if (least <= vacuous[i] && vacuous[i] <= of_.count) continue;
      miss(Check::count_total, fmt::format("vacuous.{}{}", kBoundNames[i], place),
           fmt::format("is {}, of {} cases of which at least {} must be", vacuous[i], of_.count,
                       least));
      return;
    }
  }

  // The member that no such cases have; none if all fit.
  const char* impossible(const std::array<double, kSumNames.size()>& sums) const {
    if (of_.count == 0) {
      const auto found = std::find_if(sums.begin(), sums.end(), [](double x) { return x != 0; });
      return found == sums.end() ? nullptr : kSumNames[static_cast<size_t>(found - sums.begin())];
    }
    if (!not_above(sums[kForecast] * sums[kForecast], of_.count * sums[kForecastSquares],
                   kBoundSlack)) {
      return kSumNames[kForecastSquares];
    }
    if (!not_above(sums[kScoreSquares], of_.width * sums[kIsotropicSquares], kBoundSlack)) {
      return kSumNames[kScoreSquares];
    }
    const double most = std::sqrt(of_.count * sums[kDivergence] / 2) + kDivergenceSlack * of_.count;
    return sums[kVariation] <= most ? nullptr : kSumNames[kVariation];
  }

  void errors(const HeadRecord& record) {
    const double error = record.sums.sums[kError];
    const bool ascending = *record.median <= *record.p95 && *record.p95 <= *record.largest;
    if (!ascending || *record.largest > error) {
      miss(Check::value_range, "errors",
           "does not ascend: median, p95, largest, and the sum of all");
    } else if (!not_above(error, of_.count * *record.largest, kSumSlack)) {
      miss(Check::value_range, "errors.largest",
           fmt::format("is {}, {} cases have a sum of {}", *record.largest, of_.count, error));
    }
  }

  void excess(const HeadRecord& record, bool coded_values) {
    std::array<double, kBounds> of{};
    for (size_t i = 0; i < kBounds; ++i) of[i] = *record.excess[i];
    for (size_t i = 0; i < kBounds; ++i) {
      double most = *record.largest;
      if (i > 0 && i < 5) most = std::min(most, of[i == 4 ? 2 : i - 1] + kAllowance);
      const double least = i < 2 ? -1 - kAllowance : -kUnbounded;
      if (least <= of[i] && of[i] <= most) continue;
      miss(Check::value_range, fmt::format("excess.{}", kBoundNames[i]),
           fmt::format("is {}, expected {} to {}", of[i], least, most));
      break;
    }
    if (coded_values) return;
    // Averages of exact values move no farther than the weights do.
    if (*record.largest > 1 + kHullSlack && of[0] <= kAllowance) {
      miss(Check::value_range, "errors.largest",
           fmt::format("is {} of the values' spread though B1 holds", *record.largest));
    }
    const auto& sums = record.sums.sums;
    const double most = sums[kVariation] + of_.count * std::max(0.0, of[0]);
    if (sums[kError] <= most + kSumSlack * of_.count) return;
    miss(Check::share_total, "error",
         fmt::format("is {}, variation and B1's excess allow {}", sums[kError], most));
  }

  void nulls(const HeadRecord& record) {
    for (size_t i = 0; i < kBounds; ++i) {
      if (record.positive[i] || record.sums.vacuous[i] == 0) continue;
      miss(Check::null_pattern, fmt::format("tightness.{}", kBoundNames[i]),
           "is null though the bound is above 0 somewhere");
    }
    const auto& sums = record.sums.sums;
    const bool constant = of_.count == 1 || sums[kError] == 0 || sums[kForecast] == 0;
    if (!record.ranked || !constant) return;
    miss(Check::null_pattern, "rank_correlation",
         "is not null though errors or forecasts are all the same");
  }

  void deciles(const HeadRecord& record) {
    decile_sums("forecast", record.decile_forecast, record.sums.sums[kForecast]);
    decile_sums("error", record.decile_error, record.sums.sums[kError]);
    decile_cases(record);
    decile_order(record);
  }

  // Of a decile, by the record's cases.
  double size_of(size_t decile) const {
    return static_cast<double>(
        decile_size(static_cast<int64_t>(of_.count), static_cast<int64_t>(decile)));
  }

  void decile_cases(const HeadRecord& record) {
    for (size_t i = 0; i < record.decile_error.size(); ++i) {
      const double size = size_of(i), error = record.decile_error[i];
      const bool possible = size == 0
                                ? record.decile_forecast[i] == 0 && error == 0
                                : not_above(error, size * record.largest.value_or(0), kSumSlack);
      if (possible) continue;
      return miss(Check::share_total, fmt::format("deciles.error[{}]", i),
                  fmt::format("and the forecast are none that {} cases can have", size));
    }
  }

  void decile_order(const HeadRecord& record) {
    double before = 0;
    for (size_t i = 0; i < record.decile_forecast.size(); ++i) {
      if (size_of(i) == 0) continue;
      const double mean = record.decile_forecast[i] / size_of(i);
      if (!not_above(before, mean, kSumSlack)) {
        return miss(Check::ranked_list, fmt::format("deciles.forecast[{}]", i),
                    "has a mean below that of the decile before it");
      }
      before = mean;
    }
  }

  void decile_sums(const char* member, const std::array<double, 10>& parts, double whole) {
    double sum = 0;
    for (const double part : parts) sum += part;
    if (near_sum(sum, whole)) return;
    miss(Check::share_total, fmt::format("deciles.{}", member),
         fmt::format("adds up to {}, the cases to {}", sum, whole));
  }

  Inspector& inspect_;
  Cases of_;
  std::string path_;
};

// The checks of one layer.
class LayerChecks {
 public:
  LayerChecks(const Case& c, const Record& record, int number, const Layer& layer)
      : c_(c),
        record_(record),
        layer_(layer),
        width_(static_cast<double>(layer.attention.width)),
        windows_path_(fmt::format("per_window.attention.{}", number)),
        heads_path_(fmt::format("heads.{}", number)) {}

  void check() {
    cases_of_windows();
    cases_of_heads();
    for (size_t i = 0; i < record_.codes.size(); ++i) {
      if (layer_.codes[i].refused) continue;
      for (size_t m = 0; m < kMeasurements; ++m) {
        window_sums(i, m);
        for (size_t h = 0; h < layer_.heads.size(); ++h) head_record(i, m, h);
        adds_up(i, m);
      }
      repeats(windows_path_, i, layer_.codes[i].repeated);
      for (size_t h = 0; h < layer_.heads.size(); ++h) {
        energies(i, h);
        repeats(head_path(h), i, layer_.heads[h].codes[i].repeated);
      }
    }
  }

 private:
  std::string head_path(size_t head) const { return fmt::format("{}[{}]", heads_path_, head); }
  static std::string code_path(size_t code, size_t measurement) {
    return fmt::format(".codes[{}].{}", code, kMeasurementNames[measurement]);
  }
  void miss(Check check, const std::string& path, const std::string& what) {
    c_.inspect.invalid(check, path, what);
  }

  // Queries that see one key, of one query head.
  double alone(size_t w) const {
    const std::vector<int64_t>& positions = record_.measured.positions[w];
    if (layer_.attention.window == 1) return static_cast<double>(positions.size());
    return static_cast<double>(std::count(positions.begin(), positions.end(), 0));
  }

  void cases_of_windows() {
    const auto heads = static_cast<double>(layer_.attention.heads);
    for (size_t w = 0; w < layer_.cases.size(); ++w) {
      const double all = heads * static_cast<double>(record_.measured.positions[w].size());
      if (*layer_.cases[w] + *layer_.trivial[w] != all) {
        return miss(Check::count_total, fmt::format("{}.cases[{}]", windows_path_, w),
                    fmt::format("is with the trivial ones not the {} of the window", all));
      }
      if (*layer_.trivial[w] < heads * alone(w)) {
        return miss(Check::count_total, fmt::format("{}.trivial[{}]", windows_path_, w),
                    fmt::format("is {}, but {} queries of every head see one key",
                                *layer_.trivial[w], alone(w)));
      }
    }
  }

  void cases_of_heads() {
    const auto group = static_cast<double>(layer_.attention.heads / layer_.attention.kv_heads);
    const double all = group * static_cast<double>(record_.measured.queries());
    double cases = 0, trivial = 0;
    for (size_t h = 0; h < layer_.heads.size(); ++h) {
      const Head& head = layer_.heads[h];
      cases += head.cases;
      trivial += head.trivial;
      if (head.cases + head.trivial == all) continue;
      return miss(Check::count_total, head_path(h) + ".cases",
                  fmt::format("is with the trivial ones not the {} of the head", all));
    }
    if (cases == total(layer_.cases).sum && trivial == total(layer_.trivial).sum) return;
    miss(Check::count_total, heads_path_,
         fmt::format("has {} cases and {} trivial ones, the windows have others", cases, trivial));
  }

  void window_sums(size_t code, size_t m) {
    const std::string path = windows_path_ + code_path(code, m);
    for (size_t w = 0; w < layer_.cases.size(); ++w) {
      RecordChecks(c_, {*layer_.cases[w], width_}, path)
          .sums(layer_.codes[code].of[m].of_window(w), fmt::format("[{}]", w));
    }
  }

  void head_record(size_t code, size_t m, size_t h) {
    const HeadRecord& record = layer_.heads[h].codes[code].of[m];
    RecordChecks checks(c_, {layer_.heads[h].cases, width_}, head_path(h) + code_path(code, m));
    checks.sums(record.sums, "");
    checks.stated(record, record_.codes[code].values);
  }

  void adds_up(size_t code, size_t m) {
    const Sums windows = layer_.codes[code].of[m].total();
    Sums heads;
    for (const Head& head : layer_.heads) {
      const Sums& of = head.codes[code].of[m].sums;
      for (size_t i = 0; i < of.sums.size(); ++i) heads.sums[i] += of.sums[i];
      for (size_t i = 0; i < kBounds; ++i) heads.vacuous[i] += of.vacuous[i];
    }
    const std::string path = windows_path_ + code_path(code, m) + '.';
    for (size_t i = 0; i < kBounds; ++i) {
      if (heads.vacuous[i] == windows.vacuous[i]) continue;
      miss(Check::count_total, path + "vacuous." + kBoundNames[i],
           fmt::format("adds up to {}, the heads have {}", windows.vacuous[i], heads.vacuous[i]));
      break;
    }
    for (size_t i = 0; i < kSumNames.size(); ++i) {
      if (near_sum(heads.sums[i], windows.sums[i])) continue;
      return miss(Check::share_total, path + kSumNames[i],
                  fmt::format("adds up to {}, the heads have {}", windows.sums[i], heads.sums[i]));
    }
  }

  // What is nearest in least squares leaves no more than there was.
  void energies(size_t code, size_t h) {
    const Code& of = record_.codes[code];
    const Head& head = layer_.heads[h];
    const auto check = [&](const char* member, double error, double energy) {
      if (error <= energy * (1 + kBoundSlack)) return;
      miss(Check::share_total, fmt::format("{}.codes[{}].{}", head_path(h), code, member),
           fmt::format("is {}, of an energy of {}", error, energy));
    };
    if (of.never_refused() && of.rule == "least_squares") {
      check("key_error", head.codes[code].key_error, head.key_energy);
    }
    check("value_error", head.codes[code].value_error, head.value_energy);
  }

  // Without sinks both measurements are one.
  void repeats(const std::string& path, size_t code, bool repeated) {
    if (repeated || record_.parameters.sink_positions > 0) return;
    miss(Check::share_total, path + code_path(code, 1),
         "differs from `all` though no position counts as a sink");
  }

  const Case& c_;
  const Record& record_;
  const Layer& layer_;
  double width_;
  std::string windows_path_, heads_path_;
};

// Whether there is a Hadamard matrix depends on the width alone.
void check_refusals(const Case& c, const Record& record) {
  for (size_t i = 0; i < record.codes.size(); ++i) {
    if (record.codes[i].gauge != "signed_hadamard") continue;
    std::map<int64_t, bool> of_width;
    for (const auto& [number, layer] : record.layers) {
      const bool refused = layer.codes[i].refused;
      if (of_width.try_emplace(layer.attention.width, refused).first->second == refused) continue;
      c.inspect.invalid(
          Check::null_pattern, fmt::format("heads.{}", number),
          fmt::format("code {} is refused at one layer of width {} and not at another", i,
                      layer.attention.width));
      return;
    }
  }
}

}  // namespace

int64_t decile_size(int64_t cases, int64_t index) {
  return (index + 1) * cases / 10 - index * cases / 10;
}

Sums WindowSums::of_window(size_t w) const {
  Sums record;
  for (size_t i = 0; i < sums.size(); ++i) record.sums[i] = *sums[i][w];
  for (size_t i = 0; i < kBounds; ++i) record.vacuous[i] = *vacuous[i][w];
  return record;
}

Sums WindowSums::total() const {
  Sums record;
  for (size_t i = 0; i < sums.size(); ++i) record.sums[i] = verify::total(sums[i]).sum;
  for (size_t i = 0; i < kBounds; ++i) record.vacuous[i] = verify::total(vacuous[i]).sum;
  return record;
}

void check_record(const Case& c, const Record& record) {
  check_refusals(c, record);
  for (const auto& [number, layer] : record.layers) LayerChecks(c, record, number, layer).check();
}

void warn_copies(const Case& c, const Record& record) {
  kv::Copies copies(c.inspect, record.measured.windows.size(), {"measured window", "layers"});
  for (const auto& [number, layer] : record.layers) {
    const std::string path = fmt::format("per_window.attention.{}", number);
    for (size_t i = 0; i < record.codes.size(); ++i) {
      if (layer.codes[i].refused) continue;
      for (const size_t sum : {size_t{kError}, size_t{kForecast}, size_t{kDivergence}}) {
        copies.visit(path, fmt::format("codes[{}].all.{}", i, kSumNames[sum]),
                     layer.codes[i].of[0].sums[sum]);
      }
    }
  }
  copies.report_parts();
}

}  // namespace rg::verify::distortion
