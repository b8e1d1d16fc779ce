// The decision table of key-only routing for the layers of a model, and certificates of what it
// says: from the weights alone, without a forward pass.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/pair_certificates.h"

namespace rg::lab {

// B' and C from texts are made elsewhere (turned_residuals.h); here is said where they can't be.
struct WantedLevels {
  bool exact, enclosed, on_manifold, identical_bytes;
};

struct LayerCertificates {
  KeyQuestion question;
  std::vector<certificates::Row> rows;
  struct Made {
    std::string level;  // "exact", "enclosed"
    Json file;
  };
  std::vector<Made> made;
  struct Absent {
    std::string level, reason;
  };
  std::vector<Absent> absent;    // of the levels asked for
  std::optional<uint32_t> rank;  // of the key matrix, where it was proved on the way
};

// Of a layer with a gate. A key matrix with at least as many rows as columns is asked for its rank
// even where no pair could be used. ST021, ST030; errors of reading.
LayerCertificates certify_layer(const Subject& subject, int layer, WantedLevels wanted);

// One certificate as the report lists it.
struct ListedFile {
  std::string level, file, sha256;  // a plain name
};
std::string certificate_name(int layer, const std::string& level);  // "layer-3.exact.json"

// A layer of the report: docs/artifacts.md, section 19.
Json layer_json(const model::Model& model, const LayerCertificates& layer,
                const std::vector<ListedFile>& files);

inline constexpr const char* kReportName = "certificates.json";
Json report_json(const Subject& subject, const Json& layers);

}  // namespace rg::lab
