// The forecasts of an audit and their scores. F0 says the flip rate of the layer, F1 that of the
// layer and the decile of the set margin, both of the other half of the documents; F2 to F4 are of
// forecast.h.
#pragma once

#include "experiments/audit/audit_record.h"
#include "experiments/audit/calibration.h"

namespace rg::experiments {

// Of one measured layer, where there are folds. A half without decisions has the rate 0; F1 says
// what F0 says where the other half has no decision in the decile.
ForecastLevels layer_rate_levels(const AuditRecord& record, size_t slot);   // F0
ForecastLevels decile_rate_levels(const AuditRecord& record, size_t slot);  // F1

// {F0..F4: {pooled, per_layer{L}}} of scores; null with a reason without folds.
Json audit_forecasts(const AuditRecord& record, const Statistician& statistician, Nulls& nulls);

}  // namespace rg::experiments
